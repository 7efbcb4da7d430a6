"""What is told of a run while it goes on."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any, Optional, Union

from ._errors import SimexmWarning

#: A function of a stage's name, the steps that are done, and all of them, 0 where nobody counts
#: them; or whether to show a bar.
Progress = Union[Callable[[str, int, int], object], bool, None]

_log = logging.getLogger("simexm_gpu")


class Events:
    """Passes on what a run tells: steps to a progress, warnings to Python's, notes to the log `simexm_gpu`."""

    def __init__(self, progress: Progress = None, stacklevel: int = 3) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self._stage, self._done, self._total = "", 0, 0
        # From here over the method and the function that called the native one.
        self._stacklevel = stacklevel
        self._show: Optional[Callable[[str, int, int], object]]
        if progress is True:
            self._show = _bar()
        else:
            self._show = progress or None

    def begin(self, stage: str, total: int) -> None:
        self._stage, self._done, self._total = stage, 0, total
        self._tell()

    def advance(self, amount: int) -> None:
        self._done += amount
        self._tell()

    def end(self) -> None:
        if self._done < self._total:
            self._done = self._total
            self._tell()

    def note(self, text: str) -> None:
        self.notes.append(text)
        _log.info(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        warnings.warn(text, SimexmWarning, stacklevel=self._stacklevel)

    def _tell(self) -> None:
        if self._show is not None:
            self._show(self._stage, self._done, self._total)


def _bar() -> Callable[[str, int, int], object]:
    """A bar of tqdm for each stage, or lines where there is none."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _line
    bars: list[Any] = []

    def show(stage: str, done: int, total: int) -> None:
        if done == 0 or not bars:
            bars[:] = [tqdm(total=total or None, desc=stage)]
        bar = bars[0]
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show


def _line(stage: str, done: int, total: int) -> None:
    if done in (0, total):
        print(f"{stage}: {done} of {total}", file=sys.stderr)
