"""Colours of channels."""

from __future__ import annotations

from collections.abc import Sequence


def of_band(band_nm: Sequence[float]) -> str:
    """A colour map of napari that looks as the light of a filter does, as far as its list goes."""
    middle = sum(band_nm) / 2
    for most, name in ((480, "blue"), (500, "cyan"), (575, "green"), (600, "yellow"), (700, "red")):
        if middle < most:
            return name
    return "magenta"
