"""Configurations of whatever says one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from ._errors import ConfigurationError
from ._native import Config

#: A configuration, the tables of one, the path of a file (TOML or SimExm's .ini), or None for
#: `Config()`.
ConfigLike = Union[Config, Mapping[str, Any], str, "os.PathLike[str]", None]


def as_config(
    given: ConfigLike,
    changes: Optional[Mapping[str, Any]] = None,
    *,
    seed: Optional[int] = None,
    backend: Optional[str] = None,
    adapter: Union[str, int, None] = None,
    regions: Iterable[str] = (),
) -> Config:
    """The configuration with changes, of which later ones win: the environment's, `changes`, and the arguments."""
    entries: dict[str, Any] = {}
    if os.environ.get("SIMEXM_BACKEND"):
        entries["compute.backend"] = os.environ["SIMEXM_BACKEND"]
    entries.update(changes or {})
    if adapter is not None:
        entries["compute.adapter"] = adapter
        # One that is named is meant to be used.
        backend = backend or "gpu"
    if backend is not None:
        entries["compute.backend"] = backend
    if seed is not None:
        entries["compute.seed"] = seed
    if isinstance(given, (str, os.PathLike)):
        return Config.from_file(given, set=entries)
    if given is None:
        config = Config()
    elif isinstance(given, Config):
        config = given
    elif isinstance(given, Mapping):
        config = Config(_with_regions(given, regions))
    else:
        raise ConfigurationError(
            f"config is {type(given).__name__}: a Config, a dictionary of its sections, or the path of a file is needed"
        )
    return config.changed(entries) if entries else config


def _with_regions(tables: Mapping[str, Any], regions: Iterable[str]) -> dict[str, Any]:
    """Tables that name these regions, as layers may only name what is there."""
    copy = dict(tables)
    names = list(regions)
    if names and isinstance(copy.get("groundtruth", {}), Mapping):
        truth = dict(copy.get("groundtruth", {}))
        known = dict(truth.get("regions", {}))
        for name in names:
            known.setdefault(name, {"region_path": "array"})
        truth["regions"] = known
        copy["groundtruth"] = truth
    return copy
