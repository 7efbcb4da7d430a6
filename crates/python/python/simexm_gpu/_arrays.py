"""Arrays as the native part takes them: three axes, whole numbers without a sign, in the machine's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import ConfigurationError

IntArray = npt.NDArray[np.integer[Any]]


def as_array(given: Any) -> npt.NDArray[Any]:
    """An array of whatever is one: numpy's, or what has `__array__` or DLPack on the CPU. Not copied where it can be shared."""
    if isinstance(given, np.ndarray):
        return given
    if not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
        return np.from_dlpack(given)
    return np.asarray(given)


def labels(given: Any, what: str = "labels") -> tuple[IntArray, IntArray]:
    """Ids (z, x, y), as they were given and as numbers without a sign. Of two axes the array is one slice."""
    array = as_array(given)
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3:
        raise ConfigurationError(f"{what} has {array.ndim} axes: (z, x, y) are needed, or (x, y) for one slice")
    if 0 in array.shape:
        raise ConfigurationError(f"{what} is empty: its shape is {array.shape}")
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if array.dtype.kind not in "iu":
        raise ConfigurationError(
            f"{what} is of type {array.dtype}, but ids are whole numbers: if they are, {what}.astype(numpy.uint32)"
        )
    if not array.dtype.isnative or not array.flags.aligned:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "u":
        return array, array
    smallest = array.min()
    if smallest < 0:
        raise ConfigurationError(f"{what} holds {smallest}: ids are 0, the background, or above; set others to 0")
    return array, array.view(np.dtype(f"u{array.dtype.itemsize}"))


def counts(given: Any, what: str) -> npt.NDArray[np.uint32]:
    """Numbers of proteins in voxels."""
    _, array = labels(given, what)
    most = np.iinfo(np.uint32).max
    if array.dtype.itemsize > 4 and array.max() > most:
        raise ConfigurationError(f"{what} holds {array.max()}: a voxel has at most {most} proteins")
    return array.astype(np.uint32, copy=False)
