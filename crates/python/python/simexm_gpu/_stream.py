"""Endless training data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _arrays, _tools, targets as _targets
from ._arrays import IntArray
from ._config import ConfigLike, as_config
from ._errors import ConfigurationError
from ._native import Config
from ._progress import Events
from ._result import Triple, Volume
from ._simulate import Simulator, _simulate

Target = Literal["ids", "affinities", "boundaries", "distances"]
#: What a key's values are drawn from: a tuple (least, most) of real numbers, a list of values, or a
#: function of a `numpy.random.Generator`, such as `lambda random: 10 ** random.uniform(-6, -5)`.
Range = Union[tuple[float, float], list[Any], range, Callable[[np.random.Generator], Any]]
Truth = Union[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]


@dataclass(frozen=True, eq=False)
class Sample:
    """A crop of a simulation, and how it came about."""

    #: Grey values (channel, z, x, y).
    images: npt.NDArray[Any]
    #: The target, or a dictionary of them: ids, boundaries and distances (z, x, y), affinities
    #: (offset, z, x, y).
    truth: Truth
    #: Names of the channels.
    channels: list[str]
    #: What was drawn of the keys.
    values: dict[str, Any]
    #: Which of the volumes, and the first voxel (z, x, y) that was simulated.
    volume: int
    offset: tuple[int, int, int]
    #: Seed of the simulation.
    seed: int
    #: Size of a voxel of the images in tissue, (z, x, y) in nm.
    tissue_voxel_nm: Triple
    #: What the simulation warned of.
    warnings: list[str]


class Stream:
    """Endless pairs (images, truth), each of a simulation of its own.

    volumes: a label volume or a list of them: arrays, `Volume`s, or paths of files, which are read when they are first
        needed. Each is larger than the crops.
    ranges: what to draw for each sample, by the dotted names of keys: {"expansion.factor": (3.5, 4.5),
        "labeling.blue.fluorophore": ["ATTO425", "ATTO488"]}. A tuple stands for real numbers between two, a list for one
        of its items, a function is called with a random generator.
    crop: shape (z, x, y) of a sample, in pixels of the images.
    seed: sample number i depends on the seed and on i alone: two streams of one seed are the same, whatever the number
        of processes that make them.
    config: configuration beneath the ranges, as of `simulate`.
    voxel_nm: size of a voxel before expansion, (z, x, y) in nm, of volumes that do not tell it.
    target: what the truth is: "ids", "affinities", "boundaries", "distances", or a list of them for a dictionary. The
        ids are those of the cells that carry a dye.
    fluorophore: the truth of this dye alone.
    margin: pixels (z, x, y) around a crop that are simulated with it, for the light that comes from there.
    flips: whether tissue is flipped along its axes, and turned where voxels are as long along x as along y.

    Iterating gives samples 0, 1, 2, ...; `stream[i]` gives one with all that was drawn, and `stream.part(k, n)` every
    n-th from k on, for process k of n. Streams can be pickled, and used after a fork.
    """

    def __init__(
        self,
        volumes: Any,
        ranges: Optional[Mapping[str, Range]] = None,
        crop: Sequence[int] = (16, 128, 128),
        seed: int = 0,
        *,
        config: ConfigLike = None,
        voxel_nm: Optional[Sequence[float]] = None,
        target: Union[Target, Sequence[Target]] = "ids",
        fluorophore: Optional[str] = None,
        margin: Sequence[int] = (2, 8, 8),
        flips: bool = True,
        backend: Optional[str] = None,
        adapter: Union[str, int, None] = None,
    ) -> None:
        self._volumes: list[Any] = list(volumes) if isinstance(volumes, (list, tuple)) else [volumes]
        if not self._volumes:
            raise ConfigurationError("volumes is empty: a stream needs at least one label volume")
        self._opened: dict[int, Volume] = {}
        self.ranges = dict(ranges or {})
        self.crop = _triple("crop", crop, 1)
        self.margin = _triple("margin", margin, 0)
        if not 0 <= seed < 2**64:
            raise ConfigurationError(f"seed = {seed} must be a whole number from 0 to 2^64 - 1")
        self.seed = int(seed)
        self._is_given = config is not None
        self.config = as_config(config, backend=backend, adapter=adapter)
        if voxel_nm is not None:
            self._is_given = True
            self.config = self.config.changed({"groundtruth.voxel_dim": list(voxel_nm)})
        self.target = target
        known = ("ids", "affinities", "boundaries", "distances")
        for name in [target] if isinstance(target, str) else target:
            if name not in known:
                raise ConfigurationError(f"target = {name!r} must be one of {', '.join(known)}")
        self.fluorophore = fluorophore
        self.flips = flips
        self._simulator: Optional[Simulator] = None
        # A mistake shows before the first sample.
        self._changed(_random(self.seed, 0))

    def __iter__(self) -> Iterator[tuple[npt.NDArray[Any], Truth]]:
        return self.part(0, 1)

    def part(self, part: int, parts: int) -> Iterator[tuple[npt.NDArray[Any], Truth]]:
        """The samples of one of several processes: numbers part, part + parts, part + 2 parts, ..."""
        if not 0 <= part < parts:
            raise ConfigurationError(f"part = {part} must be from 0 to parts - 1, and parts is {parts}")
        return self._from(part, parts)

    def _from(self, index: int, step: int) -> Iterator[tuple[npt.NDArray[Any], Truth]]:
        while True:
            sample = self[index]
            yield sample.images, sample.truth
            index += step

    def __getitem__(self, index: int) -> Sample:
        if index < 0:
            raise IndexError(f"samples are numbered from 0, not {index}: there is no last one")
        random = _random(self.seed, index)
        values, config = self._changed(random)
        number = int(random.integers(len(self._volumes)))
        volume = self._volume(number)
        voxel_nm = self._voxel_nm(volume)
        if voxel_nm is not None:
            config = config.changed({"groundtruth.voxel_dim": voxel_nm})
        tissue, offset = self._tissue(volume, number, config._steps(), random)
        seed = int(random.integers(2**63))
        if self._simulator is None:
            self._simulator = Simulator(self.config)
        events = _Quiet()
        config = config.changed({"compute.seed": seed})
        found = _simulate(tissue, config, True, None, None, None, self._simulator._device, events)
        middle = self._middle(found.shape)
        images = np.stack([image[middle] for image in found.images.values()])
        if self.fluorophore is None:
            ids = np.maximum.reduce(list(found.ground_truth.values()))
        elif self.fluorophore in found.ground_truth:
            ids = found.ground_truth[self.fluorophore]
        else:
            dyes = ", ".join(found.ground_truth)
            raise ConfigurationError(f"fluorophore = {self.fluorophore!r}: the ground truth is that of {dyes}")
        truth = self._truth(np.ascontiguousarray(ids[middle]), found.tissue_voxel_nm)
        channels = list(found.images)
        return Sample(
            images, truth, channels, values, number, offset, seed, found.tissue_voxel_nm, found.warnings
        )

    def _changed(self, random: np.random.Generator) -> tuple[dict[str, Any], Config]:
        """Draws what the ranges say."""
        values = {key: _draw(key, of, random) for key, of in self.ranges.items()}
        return values, self.config.changed(values) if values else self.config

    def _volume(self, number: int) -> Volume:
        if number not in self._opened:
            given = self._volumes[number]
            if isinstance(given, (str, os.PathLike)):
                given = _tools.open(given)
            if not isinstance(given, Volume):
                given = Volume(_arrays.labels(given, f"volume {number}")[0], (None, None, None), [], f"volume {number}")
            self._opened[number] = given
        return self._opened[number]

    def _voxel_nm(self, volume: Volume) -> Optional[list[float]]:
        """The size of its voxels where the configuration leaves it to the volume."""
        if self._is_given and self.config["groundtruth"].get("voxel_dim") is not None:
            return None
        sizes = [nm for nm in volume.voxel_nm if nm is not None]
        if len(sizes) == 3:
            return sizes
        raise ConfigurationError(f"{volume.description} does not tell the size of its voxels: voxel_nm=(z, x, y) says it")

    def _tissue(
        self, volume: Volume, number: int, steps: Triple, random: np.random.Generator
    ) -> tuple[IntArray, tuple[int, int, int]]:
        """The labels of as many voxels as the crop and its margins take, flipped and turned."""
        pixels = [crop + 2 * margin for crop, margin in zip(self.crop, self.margin)]
        # The last image is focused on the last slice or before; of pixels none is cut.
        needed = [int(np.ceil((pixels[0] - 1) * steps[0])) + 1]
        needed += [int(np.ceil(count * step)) for count, step in zip(pixels[1:], steps[1:])]
        turned = self.flips and steps[1] == steps[2] and bool(random.integers(2))
        if turned:
            needed[1], needed[2] = needed[2], needed[1]
        shape = volume.labels.shape
        for axis, room, size in zip("zxy", shape, needed):
            if size > room:
                raise ConfigurationError(
                    f"volume {number} ({volume.description}) has {room} voxels along {axis}, but a crop of {self.crop} pixels "
                    f"with a margin of {self.margin} takes {size}: smaller ones, or a larger volume"
                )
        first = [int(random.integers(room - size + 1)) for room, size in zip(shape, needed)]
        tissue = volume.labels[tuple(slice(start, start + size) for start, size in zip(first, needed))]
        if self.flips:
            tissue = tissue[tuple(slice(None, None, -1 if random.integers(2) else 1) for _ in range(3))]
        if turned:
            tissue = tissue.transpose(0, 2, 1)
        return tissue, (first[0], first[1], first[2])

    def _middle(self, shape: tuple[int, int, int]) -> tuple[slice, ...]:
        return tuple(slice((size - crop) // 2, (size - crop) // 2 + crop) for size, crop in zip(shape, self.crop))

    def _truth(self, ids: IntArray, voxel_nm: Triple) -> Truth:
        def of(target: str) -> npt.NDArray[Any]:
            if target == "affinities":
                return _targets.affinities(ids)
            if target == "boundaries":
                return _targets.boundaries(ids)
            if target == "distances":
                return _targets.distances(ids, voxel_nm)
            return ids

        if isinstance(self.target, str):
            return of(self.target)
        return {target: of(target) for target in self.target}

    def __repr__(self) -> str:
        return f"<Stream: {len(self._volumes)} volumes, crops of {self.crop}, {len(self.ranges)} ranges, seed {self.seed}>"

    def __getstate__(self) -> dict[str, Any]:
        # A file is read again where the stream goes, and a device opened.
        return {**self.__dict__, "_simulator": None, "_opened": {}}


class _Quiet(Events):
    """Keeps what is told, and tells nobody: of thousands of samples some are dim."""

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)


def _random(seed: int, index: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, index))))


def _draw(key: str, of: Any, random: np.random.Generator) -> Any:
    if callable(of):
        return of(random)
    if isinstance(of, (list, range)):
        if len(of) == 0:
            raise ConfigurationError(f"ranges[{key!r}] is an empty list: there is nothing to draw")
        return of[int(random.integers(len(of)))]
    if isinstance(of, tuple) and len(of) == 2 and all(isinstance(end, (int, float)) for end in of):
        least, most = float(of[0]), float(of[1])
        return least + (most - least) * float(random.random())
    raise ConfigurationError(
        f"ranges[{key!r}] = {of!r} must be a tuple (least, most) of two numbers, a list of values, or a function of a random generator"
    )


def _triple(name: str, given: Sequence[int], least: int) -> tuple[int, int, int]:
    numbers = [int(number) for number in given]
    if len(numbers) != 3 or min(numbers) < least:
        raise ConfigurationError(f"{name} = {tuple(given)} must be three whole numbers (z, x, y), each at least {least}")
    z, x, y = numbers
    return z, x, y
