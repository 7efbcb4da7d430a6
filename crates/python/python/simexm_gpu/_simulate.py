"""Runs: on arrays, and to files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

from . import _arrays, _native
from ._config import ConfigLike, as_config
from ._errors import ConfigurationError
from ._native import Config
from ._progress import Events, Progress
from ._result import Report, Result, Volume


def simulate(
    labels: Any,
    config: ConfigLike = None,
    *,
    voxel_nm: Optional[Sequence[float]] = None,
    regions: Optional[Mapping[str, Any]] = None,
    counts: Optional[Mapping[str, Any]] = None,
    set: Optional[Mapping[str, Any]] = None,
    seed: Optional[int] = None,
    backend: Optional[str] = None,
    adapter: Union[str, int, None] = None,
    progress: Progress = None,
) -> Result:
    """What a microscope shows of cells.

    labels: ids of the cells (z, x, y), 0 between them: any array of whole numbers, of any strides; it is not copied.
        In numpy's words z is axis 0, x axis 1, the rows of an image, and y axis 2, its columns. A `Volume` of `open` too.
    config: a `Config`, the tables of one as a dictionary, the path of a TOML file or one of SimExm's .ini; None is
        `Config()`: three dyes on membranes, 4.5 times expanded, a confocal microscope. Volumes that it names are not
        read, and nothing is written.
    voxel_nm: size of a voxel before expansion, (z, x, y) in nm, in place of the configuration's; it is needed where
        neither that nor the volume tells it.
    regions: volumes of the labels' shape by name, not 0 where the region is, for layers that label a region.
    counts: numbers of proteins in each voxel by fluorophore, in addition to those of the layers.
    set: other values of keys by their dotted names: {"expansion.factor": 4, "optics.exposure_time": "4 us"}.
    seed: seed of all draws; without one, and none in the configuration, it is drawn and `Result.seed` tells it.
    backend: "auto" (a GPU where it is worth its start, else the CPU), "gpu" or "cpu"; None is the configuration's,
        which is "auto" where it says nothing. SIMEXM_BACKEND in the environment wins over the configuration.
    adapter: a part of the GPU's name, or its index in `devices()`.
    progress: a function of a stage, the steps that are done, and all steps; or True for a bar.

    Warnings are `SimexmWarning`s of Python, notes go to the log `simexm_gpu`; both are kept in the result. Ctrl-C, and an
    exception of `progress`, stop within a slab. Any number of threads may simulate at once.

    Raises ConfigurationError, a ValueError, for what has to be changed; FileError, an OSError, for files, such as spectra;
    RunError, a RuntimeError, where a device or memory fails.
    """
    made = as_config(config, set, seed=seed, backend=backend, adapter=adapter, regions=regions or ())
    return _simulate(labels, made, config is not None, voxel_nm, regions, counts, None, Events(progress, 4))


def _simulate(
    labels: Any,
    config: Config,
    is_given: bool,
    voxel_nm: Optional[Sequence[float]],
    regions: Optional[Mapping[str, Any]],
    counts: Optional[Mapping[str, Any]],
    device: Optional[_native.Device],
    events: Events,
) -> Result:
    known = config["groundtruth"].get("voxel_dim") if is_given else None
    if voxel_nm is None and known is None and isinstance(labels, Volume) and None not in labels.voxel_nm:
        voxel_nm = [nm for nm in labels.voxel_nm if nm is not None]
    if voxel_nm is not None:
        config = config.changed({"groundtruth.voxel_dim": list(voxel_nm)})
    elif known is None:
        raise ConfigurationError(
            "labels have no size of their own: voxel_nm=(z, x, y), or [groundtruth] voxel_dim, is the size of a voxel before "
            "expansion, in nm"
        )
    given, cells = _arrays.labels(labels.labels if isinstance(labels, Volume) else labels)
    volumes = {name: _arrays.labels(volume, f"region {name}")[1] for name, volume in (regions or {}).items()}
    proteins = {name: _arrays.counts(number, f"counts of {name}") for name, number in (counts or {}).items()}
    found = _native.simulate(config, cells, volumes, proteins, device, events)
    return Result(
        images=found["images"],
        ground_truth={dye: ids.view(given.dtype) for dye, ids in found["ground_truth"].items()},
        labelled=found["labelled"],
        expected=found["expected"],
        brightest=found["brightest"],
        voxel_nm=found["voxel_nm"],
        tissue_voxel_nm=found["tissue_voxel_nm"],
        seed=found["seed"],
        device=found["device"],
        warnings=events.warnings,
        notes=events.notes,
        _config=config,
        _look=found["look"],
    )


class Simulator:
    """A device for many simulations: it is opened once, and its shaders are compiled once.

    config: what simulations take that name none.
    backend, adapter: as of `simulate`; here "auto" is a GPU wherever there is one in hardware.

    Threads may share one, and then simulate one after the other on its device. It can be pickled, and used after a
    fork: the device is then opened anew.
    """

    def __init__(
        self,
        config: ConfigLike = None,
        *,
        set: Optional[Mapping[str, Any]] = None,
        backend: Optional[str] = None,
        adapter: Union[str, int, None] = None,
    ) -> None:
        self._is_given = config is not None
        self.config = as_config(config, set, backend=backend, adapter=adapter)
        self._device = _native.Device(self.config, Events(stacklevel=3))

    def simulate(
        self,
        labels: Any,
        config: ConfigLike = None,
        *,
        voxel_nm: Optional[Sequence[float]] = None,
        regions: Optional[Mapping[str, Any]] = None,
        counts: Optional[Mapping[str, Any]] = None,
        set: Optional[Mapping[str, Any]] = None,
        seed: Optional[int] = None,
        progress: Progress = None,
    ) -> Result:
        """What a microscope shows of cells: `simexm_gpu.simulate` on this device."""
        is_given = self._is_given or config is not None
        made = as_config(self.config if config is None else config, set, seed=seed, regions=regions or ())
        return _simulate(labels, made, is_given, voxel_nm, regions, counts, self._device, Events(progress, 4))

    def __repr__(self) -> str:
        return f"<Simulator: {self.config!r}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.config, "_is_given": self._is_given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._device = _native.Device(self.config, Events(stacklevel=3))


def run(
    config: ConfigLike,
    *,
    output: Union[str, os.PathLike[str], None] = None,
    set: Optional[Mapping[str, Any]] = None,
    seed: Optional[int] = None,
    backend: Optional[str] = None,
    adapter: Union[str, int, None] = None,
    force: bool = False,
    report: bool = False,
    resume: bool = False,
    progress: Progress = None,
) -> Report:
    """Runs a configuration from files to files, as `simexm-gpu CONFIG` does.

    output: folder for the output, in place of `output.path`; in it a folder of `output.name` is made.
    force: replaces files that are not the unchanged output of an earlier run.
    report: writes report.html too.
    resume: goes on with a run that was stopped.

    The others are those of `simulate`. Files appear whole or not at all.
    """
    changes = dict(set or {})
    if output is not None:
        changes["output.path"] = str(Path(output).absolute())
    made = as_config(config, changes, seed=seed, backend=backend, adapter=adapter)
    events = Events(progress)
    found = _native.run(made, force, report, resume, events)
    return Report(**{**found, "folder": Path(found["folder"])}, warnings=events.warnings, notes=events.notes)
