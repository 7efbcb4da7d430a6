"""What a network is trained to give, of ids (z, x, y) that are 0 in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import IntArray
from ._errors import ConfigurationError

__all__ = ["affinities", "boundaries", "distances"]


def affinities(ids: IntArray, offsets: Sequence[Sequence[int]] = ((-1, 0, 0), (0, -1, 0), (0, 0, -1))) -> npt.NDArray[np.uint8]:
    """Whether a voxel and the one at each offset belong to one cell: (offset, z, x, y), 1 where they do; 0 beyond the border."""
    result = np.zeros((len(offsets), *ids.shape), np.uint8)
    for channel, offset in enumerate(offsets):
        if len(offset) != ids.ndim:
            raise ConfigurationError(f"the offset {tuple(offset)} must have {ids.ndim} numbers")
        here = tuple(slice(max(-step, 0), size - max(step, 0)) for step, size in zip(offset, ids.shape))
        there = tuple(slice(max(step, 0), size - max(-step, 0)) for step, size in zip(offset, ids.shape))
        if all(part.start < part.stop for part in here):
            result[channel][here] = (ids[here] == ids[there]) & (ids[here] != 0)
    return result


def boundaries(ids: IntArray) -> npt.NDArray[np.uint8]:
    """1 at the voxels of cells that touch, by a face, a voxel of another value; else 0. What lies beyond the border is alike."""
    result = np.zeros(ids.shape, bool)
    for axis in range(ids.ndim):
        moved = np.moveaxis(ids, axis, 0)
        differ = np.moveaxis(moved[1:] != moved[:-1], 0, axis)
        before: list[Any] = [slice(None)] * ids.ndim
        after = list(before)
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        result[tuple(before)] |= differ
        result[tuple(after)] |= differ
    result &= ids != 0
    return result.view(np.uint8)


def distances(ids: IntArray, voxel_nm: Sequence[float] = (1.0, 1.0, 1.0)) -> npt.NDArray[np.float32]:
    """Distance of each voxel of a cell from the cell's surface, in the unit of `voxel_nm`, the edges of a voxel; 0 outside.

    It is that of the middles of voxels, so that voxels at the surface have 0 (see `boundaries`). Without any surface in
    sight it is infinite. Needs scipy.
    """
    try:
        from scipy.ndimage import distance_transform_edt
    except ImportError as error:
        raise ImportError("distances need scipy: pip install scipy") from error
    surface = boundaries(ids) != 0
    if not surface.any():
        return np.where(ids != 0, np.float32(np.inf), np.float32(0))
    result = distance_transform_edt(~surface, sampling=[float(nm) for nm in voxel_nm])
    # The way to another cell's surface leads through one's own.
    return np.where(ids != 0, result, 0).astype(np.float32)
