"""What can be known without a run, tissue to try things out on, and files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union, overload

import numpy as np
import numpy.typing as npt

from . import _arrays, _native
from ._config import ConfigLike, as_config
from ._errors import ConfigurationError
from ._progress import Events, Progress
from ._result import Adapter, Findings, Fluorophore, Psf, Volume


def check(
    config: ConfigLike,
    labels: Any = None,
    *,
    voxel_nm: Optional[Sequence[float]] = None,
    volumes: bool = True,
    set: Optional[Mapping[str, Any]] = None,
    progress: Progress = None,
) -> Findings:
    """What can be known before a run to files: sizes, light, cells, memory, disk, and what will go wrong.

    labels: ids (z, x, y) in place of the configuration's volume, as of `simulate`; they go through a temporary file.
    voxel_nm: size of a voxel before expansion, (z, x, y) in nm, in place of the configuration's.
    volumes: False reads no voxel, and the volumes may be missing.

    The fields of `facts` are those of docs/check.md; what is warned of is in its `warnings`.
    """
    changes = dict(set or {})
    if isinstance(labels, Volume):
        if voxel_nm is None and None not in labels.voxel_nm:
            voxel_nm = [nm for nm in labels.voxel_nm if nm is not None]
        labels = labels.labels
    if voxel_nm is not None:
        changes["groundtruth.voxel_dim"] = list(voxel_nm)
    with tempfile.TemporaryDirectory() as folder:
        if labels is not None:
            changes["groundtruth.image_path"] = os.path.join(folder, "labels.npy")
            np.save(changes["groundtruth.image_path"], _arrays.labels(labels)[0])
        text, facts = _native.check(as_config(config, changes), not volumes, Events(progress))
    return Findings(text, json.loads(facts))


def plan(
    config: ConfigLike,
    *,
    shape: Optional[Sequence[int]] = None,
    set: Optional[Mapping[str, Any]] = None,
) -> Findings:
    """How a run is cut into slabs and tiles, and what it takes of device, host and disk.

    Only headers are read; with `shape`, voxels (z, x, y), the volume may be missing. The fields of `facts` are those of
    docs/plan.md.
    """
    changes = dict(set or {})
    if shape is not None:
        changes["groundtruth.bounds"] = [int(size) for size in shape]
    text, facts = _native.plan(as_config(config, changes), Events())
    return Findings(text, json.loads(facts))


def psf(
    config: ConfigLike = None,
    *,
    channel: Optional[str] = None,
    fluorophore: Optional[str] = None,
    voxel_nm: Optional[Sequence[float]] = None,
    set: Optional[Mapping[str, Any]] = None,
) -> list[Psf]:
    """The point spread functions of a configuration: of each channel and fluorophore that sends light to it.

    channel, fluorophore: only those of one; a dye may be named that no layer has.
    voxel_nm: size of a voxel before expansion, (z, x, y) in nm, in place of the configuration's.
    """
    changes = dict(set or {})
    if voxel_nm is not None:
        changes["groundtruth.voxel_dim"] = list(voxel_nm)
    made = as_config(config, changes)
    channels = list(made["optics.channels"])
    if channel is not None and channel not in channels:
        raise ConfigurationError(f"no channel is named {channel!r}; there are {', '.join(channels)}")
    found = [Psf(**fields) for fields in _native.psf(made, fluorophore)]
    return [psf for psf in found if channel is None or psf.channel == channel]


def fluorophores(config: ConfigLike = None) -> dict[str, Fluorophore]:
    """The dyes that are built in, and those of a configuration's own, by name."""
    known = None if config is None else as_config(config)
    return {fields["name"]: Fluorophore(**fields) for fields in _native.fluorophores(known)}


@overload
def phantom(
    size: Sequence[int] = ...,
    voxel_nm: Sequence[float] = ...,
    *,
    seed: int = ...,
    density: float = ...,
    organelles: Literal[False] = ...,
) -> npt.NDArray[np.uint32]: ...
@overload
def phantom(
    size: Sequence[int] = ...,
    voxel_nm: Sequence[float] = ...,
    *,
    seed: int = ...,
    density: float = ...,
    organelles: Literal[True],
) -> tuple[npt.NDArray[np.uint32], dict[str, npt.NDArray[np.uint32]]]: ...
def phantom(
    size: Sequence[int] = (64, 256, 256),
    voxel_nm: Sequence[float] = (40.0, 32.0, 32.0),
    *,
    seed: int = 1,
    density: float = 0.85,
    organelles: bool = False,
) -> Union[npt.NDArray[np.uint32], tuple[npt.NDArray[np.uint32], dict[str, npt.NDArray[np.uint32]]]]:
    """A made-up piece of brain: ids (z, x, y) of entangled neurites and somata, 0 between them.

    size: voxels along (z, x, y).
    voxel_nm: edges of a voxel along (z, x, y) in nm, each 1 to 1000.
    density: share of the voxels that belong to cells; cortex has 0.8 to 0.9.
    organelles: gives mitochondria, nuclei and synapses too, volumes by name, for `regions` of `simulate`.

    The same arguments give the same volume on every machine.
    """
    if len(size) != 3 or len(voxel_nm) != 3:
        raise ConfigurationError(f"size {size} and voxel_nm {voxel_nm} must be three numbers each, (z, x, y)")
    if min(size) < 0 or not 0 <= seed < 2**64:
        raise ConfigurationError(f"size {size} and seed {seed} must be whole numbers from 0 on, the seed below 2^64")
    z, x, y = (int(voxels) for voxels in size)
    of_z, of_x, of_y = (float(nm) for nm in voxel_nm)
    cells, parts = _native.phantom((z, x, y), (of_z, of_x, of_y), seed, density, organelles)
    return (cells, parts) if organelles else cells


def devices() -> list[Adapter]:
    """The GPUs that `adapter` can choose from; none where there is no driver, and runs use the CPU."""
    return [Adapter(**fields) for fields in _native.devices()]


def open(
    path: Union[str, os.PathLike[str]],
    *,
    format: Optional[str] = None,
    dataset: Optional[str] = None,
    level: Optional[int] = None,
    series: Optional[int] = None,
    channel: Optional[int] = None,
    time: Optional[int] = None,
    ids: Optional[str] = None,
    background: Sequence[int] = (),
    offset: Sequence[int] = (0, 0, 0),
    bounds: Optional[Sequence[int]] = None,
    progress: Progress = None,
) -> Volume:
    """Reads a volume of whole numbers: TIFF, OME-TIFF, a folder of images or a pattern, NumPy, Cellpose, Zarr, HDF5, N5, precomputed.

    The keywords are the keys of [groundtruth] in docs/keys.md, for files that hold several arrays, or say ids otherwise.
    offset, bounds: first voxel and voxels (z, x, y) of the part that is read.

    Raises FileError where it cannot be read.
    """
    z, x, y = (int(voxel) for voxel in offset)
    box = None
    if bounds is not None:
        of_z, of_x, of_y = (int(voxels) for voxels in bounds)
        box = (of_z, of_x, of_y)
    numbers = [int(number) for number in background]
    options = (format, ids, numbers, series, channel, time, dataset, level)
    found = _native.read(path, *options, (z, x, y), box, Events(progress))
    of_z, of_x, of_y = found["voxel_nm"]
    return Volume(found["labels"], (of_z, of_x, of_y), found["notes"], found["description"])
