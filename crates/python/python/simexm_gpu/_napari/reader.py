"""Reads the output folder of a run: its channels as images, its ground truth as labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional, Union

from .._native import Config
from .._tools import open as open_volume
from .colours import of_band

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: Union[str, list[str]]) -> Optional[Callable[[Any], list[LayerData]]]:
    """A function that reads a folder, if a run has written it."""
    if isinstance(path, list):
        return None
    return read if (Path(path) / "simulation.toml").is_file() else None


def read(path: str) -> list[LayerData]:
    """The layers of a run: data, keywords and kind, as napari takes them. Axes are (z, x, y), scales um of tissue,
    so that they lie over the volume that was simulated."""
    folder = Path(path)
    config = Config.from_file(folder / "simulation.toml")
    layers: list[LayerData] = []
    together = folder / "simulation" / "channels.tiff"
    for number, (name, channel) in enumerate(config["optics.channels"].items()):
        if together.exists():
            volume = open_volume(together, channel=number)
        else:
            volume = open_volume(_volume(folder / "simulation", name))
        keywords = {
            "name": name,
            "scale": _scale(volume.voxel_nm),
            "units": ("um",) * 3,
            "colormap": of_band(channel["laser_filter"]),
            "blending": "additive",
            "contrast_limits": (0, max(1, int(volume.labels.max()))),
        }
        layers.append((volume.labels, keywords, "image"))
    for truth in sorted((folder / "groundtruth").glob("*/all_cells*")):
        volume = open_volume(truth)
        keywords = {"name": f"cells with {truth.parent.name}", "scale": _scale(volume.voxel_nm), "units": ("um",) * 3}
        layers.append((volume.labels, {**keywords, "opacity": 0.4}, "labels"))
    return layers


def _volume(folder: Path, name: str) -> Path:
    """The volume of a channel, a file or a folder of images."""
    for path in (folder / f"{name}.tiff", folder / name):
        if path.exists():
            return path
    there = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else "nothing"
    raise FileNotFoundError(
        f"{folder / name}.tiff is not there, but {there}: a run is read whose [output] format is \"tiff\" or \"image_sequence\" and "
        'whose sim_channels are "splitted" or "composite"; napari-ome-zarr reads the others'
    )


def _scale(voxel_nm: tuple[Optional[float], ...]) -> tuple[float, ...]:
    return tuple((nm or 1000.0) / 1000 for nm in voxel_nm)
