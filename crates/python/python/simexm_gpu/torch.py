"""A stream for PyTorch: `torch.utils.data.DataLoader(StreamDataset(stream), batch_size=4, num_workers=2)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

from ._stream import Stream, Truth

__all__ = ["StreamDataset"]


class StreamDataset(IterableDataset):  # type: ignore[type-arg, misc, unused-ignore]
    """The samples of a stream as tensors: images float32 (channel, z, x, y), ids int64, other targets as they are.

    Worker k of n takes every n-th sample from k on: no two repeat each other, and together they give the stream. Of
    several processes, such as those of distributed training, `part` of `parts` is this one.

    transform: a function of images and truth, arrays of numpy, that gives what becomes of them.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        part: int = 0,
        parts: int = 1,
        transform: Optional[Callable[[npt.NDArray[Any], Truth], Any]] = None,
    ) -> None:
        super().__init__()
        self.stream, self.part, self.parts, self.transform = stream, part, parts, transform

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for images, truth in self.stream.part(self.part * workers + number, self.parts * workers):
            yield _tensors(images, truth) if self.transform is None else self.transform(images, truth)


def _tensors(images: npt.NDArray[Any], truth: Truth) -> tuple[Any, Any]:
    found = {name: _tensor(array) for name, array in truth.items()} if isinstance(truth, dict) else _tensor(truth)
    return torch.from_numpy(images.astype(np.float32)), found


def _tensor(array: npt.NDArray[Any]) -> Any:
    # Of numbers without a sign it has the smallest alone.
    wide = array.astype(np.int64) if array.dtype.kind == "u" and array.dtype.itemsize > 1 else array
    return torch.from_numpy(np.ascontiguousarray(wide))
