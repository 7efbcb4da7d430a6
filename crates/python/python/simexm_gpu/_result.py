"""What comes out of the package's functions."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _native
from ._arrays import IntArray

Triple = tuple[float, float, float]
#: A number for each axis (z, x, y), where it is known.
MaybeTriple = tuple[Optional[float], Optional[float], Optional[float]]


@dataclass(frozen=True, eq=False)
class Result:
    """Images and ground truth of a simulation.

    All arrays have the same shape (z, x, y), in numpy's words axes 0, 1 and 2: x is the row of an image, y its column.
    """

    #: Grey values of each channel by its name, in the detector's units (`physical`) or as
    #: `output.normalize` says
    #: (`simexm`): uint8 or uint16, as the files of a run have them.
    images: dict[str, npt.NDArray[Any]]
    #: Ids of the labelled cells by fluorophore, in the type of the labels; 0 elsewhere.
    ground_truth: dict[str, IntArray]
    #: Ids of all cells that carry a fluorophore, ascending.
    labelled: dict[str, list[int]]
    #: Expected electrons of each channel, float32, where `output.expected` is true; else empty.
    expected: dict[str, npt.NDArray[np.float32]]
    #: The brightest pixel of each channel: its grey value (`physical`), or its photons (`simexm`).
    brightest: dict[str, int]
    #: Size of a voxel of the images in the expanded gel, (z, x, y) in nm.
    voxel_nm: Triple
    #: Size of a voxel of the images in tissue, before expansion, (z, x, y) in nm.
    tissue_voxel_nm: Triple
    #: Seed that repeats the simulation.
    seed: int
    #: Name of the device that computed.
    device: str
    #: What was warned of.
    warnings: list[str] = field(default_factory=list)
    #: What is good to know.
    notes: list[str] = field(default_factory=list)
    _config: _native.Config = field(default_factory=_native.Config, repr=False)
    _look: Optional[_native.Look] = field(default=None, repr=False)

    @property
    def config(self) -> _native.Config:
        """The configuration, with the seed: it repeats the simulation."""
        return self._config.changed({"compute.seed": self.seed})

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, x, y) of every array."""
        z, x, y = next(iter(self.images.values())).shape
        return z, x, y

    def stack(self) -> npt.NDArray[Any]:
        """All channels in one array (channel, z, x, y), in the order of their names. A copy."""
        return np.stack(list(self.images.values()))

    def quicklook(self) -> bytes:
        """A picture of everything, the bytes of a PNG file: middle slices, maxima along z, channels in their colours, truth.

        A result that was pickled has none, and gives b"".
        """
        if self._look is None:
            return b""

        def views(array: npt.NDArray[Any], kind: type) -> list[npt.NDArray[Any]]:
            return [np.ascontiguousarray(view, dtype=kind) for view in (array[len(array) // 2], array.max(axis=0))]

        return self._look.png(
            [views(image, np.uint16) for image in self.images.values()],
            [views(ids, np.uint64) for ids in self.ground_truth.values()],
        )

    def __repr__(self) -> str:
        z, x, y = self.shape
        return (
            f"<Result: channels {', '.join(self.images)}; ground truth of {', '.join(self.ground_truth)}; "
            f"{z} x {x} x {y} voxels of {_sizes(self.voxel_nm)} nm in the gel; seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.quicklook()).decode()
        image = f'<img src="data:image/png;base64,{picture}" style="max-width: 100%"/>' if picture else ""
        warned = "".join(f"<li>{html.escape(text)}</li>" for text in self.warnings)
        return f"<div>{html.escape(repr(self))}</div>{image}" + (f"<ul>{warned}</ul>" if warned else "")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_look": None}


def _sizes(nm: Triple) -> str:
    return " x ".join(f"{size:g}" for size in nm)


@dataclass(frozen=True, eq=False)
class Volume:
    """A label volume of a file. `simulate` takes it as labels, and with it the size of its voxels."""

    #: Ids (z, x, y), 0 in the background, in the narrowest type that the file's ids fit.
    labels: IntArray
    #: Size of a voxel, (z, x, y) in nm, as far as the file tells.
    voxel_nm: MaybeTriple
    #: What should be looked into of how it was read.
    notes: list[str]
    #: Path, format, size and type, for people.
    description: str

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> npt.NDArray[Any]:
        if copy:
            return np.array(self.labels, dtype=dtype)
        return np.asarray(self.labels, dtype=dtype)

    def __repr__(self) -> str:
        return f"<Volume: {self.description}>"


@dataclass(frozen=True)
class Findings:
    """What is known of a run before it starts. `print` shows the words; the fields are those of docs/check.md, docs/plan.md."""

    #: Words for people, of several lines.
    text: str
    #: The same for programs.
    facts: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.text

    def __getitem__(self, key: str) -> Any:
        return self.facts[key]


@dataclass(frozen=True, eq=False)
class Psf:
    """The image that a channel makes of a point of a fluorophore."""

    channel: str
    fluorophore: str
    #: Type of the microscope.
    microscope: str
    #: Wavelength of the laser in nm.
    excitation_nm: float
    #: Peak of the emission in nm.
    emission_nm: float
    #: Values (z, x, y), float32; what they are says `unit`.
    values: npt.NDArray[np.float32]
    #: Place (z, x, y) of the point; a larger z lies deeper in the sample.
    centre: tuple[int, int, int]
    #: Size of a voxel in the gel, (z, x, y) in nm.
    voxel_nm: Triple
    #: Full width at half maximum in the gel along (z, x, y) in nm; None where it is beyond the
    #: values.
    full_width_nm: MaybeTriple
    #: What the values are.
    unit: str

    def __repr__(self) -> str:
        widths = ", ".join("beyond" if nm is None else f"{nm:.0f}" for nm in self.full_width_nm)
        return f"<Psf: {self.fluorophore} in {self.channel}, {self.microscope}; widths (z, x, y) {widths} nm in the gel>"


@dataclass(frozen=True, eq=False)
class Fluorophore:
    """A dye. Wavelengths are in nm; a spectrum is a pair of arrays, wavelengths and values, of which 1 is the maximum."""

    name: str
    #: Who measured its figures.
    source: str
    excitation_peak_nm: float
    emission_peak_nm: float
    #: At the maximum of excitation, in 1/(M cm).
    extinction_coefficient: float
    extinction_is_guess: bool
    #: Photons emitted per photon absorbed.
    quantum_yield: float
    quantum_yield_is_guess: bool
    lifetime_ns: float
    lifetime_is_guess: bool
    #: Whether both spectra are Gaussians of the right maxima and widths, in place of measured ones.
    spectra_are_gaussian: bool
    excitation: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] = field(repr=False)
    emission: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] = field(repr=False)


@dataclass(frozen=True)
class Adapter:
    """A GPU, or what stands in for one."""

    #: By which `adapter` may name it.
    index: int
    name: str
    #: Vulkan, Metal or DX12.
    interface: str
    driver: str
    #: "discrete GPU", "integrated GPU", ...
    kind: str
    #: Whether it is an emulation on the CPU, which is used only where it is asked for.
    is_software: bool
    #: Largest buffer that a shader sees, in bytes.
    binding_bytes: int


@dataclass(frozen=True)
class Report:
    """What a run to files tells when it is done."""

    #: Folder of the output.
    folder: Path
    #: Seed that repeats the run.
    seed: int
    #: Name of the device that computed.
    device: str
    #: Shape (z, x, y) of the images.
    image_shape: tuple[int, int, int]
    #: Time of each stage in seconds.
    seconds: dict[str, float]
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
