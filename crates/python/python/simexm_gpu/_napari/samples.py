"""Sample data."""

from __future__ import annotations

from typing import Any

from .._tools import phantom as make


def phantom() -> list[tuple[Any, dict[str, Any], str]]:
    """A made-up piece of cortex, of 1.3 x 6.1 x 6.1 um."""
    voxel_nm = (40.0, 24.0, 24.0)
    cells = make((32, 256, 256), voxel_nm, seed=1)
    scale = tuple(nm / 1000 for nm in voxel_nm)
    return [(cells, {"name": "phantom of cortex", "scale": scale, "units": ("um",) * 3}, "labels")]
