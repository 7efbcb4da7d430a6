"""The plugin for napari: what needs no window, and, where napari is installed and there is a display, the widget."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import VOXEL_NM

import simexm_gpu
from simexm_gpu import Config
from simexm_gpu._napari import colours, knobs, reader, samples


@pytest.mark.filterwarnings("ignore::simexm_gpu.SimexmWarning")
@pytest.mark.parametrize("together", [False, True])
def test_the_folder_of_a_run_is_read(together: bool, tmp_path: Path) -> None:
    cells = simexm_gpu.phantom((6, 40, 48), VOXEL_NM, seed=3).astype(np.uint16)
    np.save(tmp_path / "cells.npy", cells)
    config = Config.default("simexm").changed(
        {
            "groundtruth.image_path": tmp_path / "cells.npy",
            "output.name": "run",
            "output.sim_channels": "composite" if together else "splitted",
            "compute.seed": 1,
        }
    )
    folder = simexm_gpu.run(config, output=tmp_path).folder
    read = reader.get_reader(str(folder))
    assert read is not None and reader.get_reader(str(tmp_path)) is None and reader.get_reader([str(folder)]) is None
    layers = read(str(folder))
    result = simexm_gpu.simulate(cells, config)
    images = [layer for layer in layers if layer[2] == "image"]
    labels = [layer for layer in layers if layer[2] == "labels"]
    assert [keywords["name"] for _, keywords, _ in images] == list(result.images)
    for (data, keywords, _), image in zip(images, result.images.values()):
        np.testing.assert_array_equal(data, image)
        assert keywords["scale"] == pytest.approx([nm / 1000 for nm in result.tissue_voxel_nm], rel=1e-3)
    assert [keywords["colormap"] for _, keywords, _ in images] == ["cyan", "red", "magenta"]
    assert len(labels) == len(result.ground_truth)
    for (data, _, _), ids in zip(labels, result.ground_truth.values()):
        np.testing.assert_array_equal(data, ids)
    if not together:
        (folder / "simulation" / "channel_1.tiff").unlink()
        with pytest.raises(FileNotFoundError, match="channel_2.tiff"):
            read(str(folder))


def test_the_sample_is_labels() -> None:
    [(cells, keywords, kind)] = samples.phantom()
    assert kind == "labels" and cells.shape == (32, 256, 256) and keywords["scale"][1] == pytest.approx(0.024)


def test_colours_follow_the_light() -> None:
    assert [colours.of_band([nm - 10, nm + 10]) for nm in (450, 520, 590, 650, 750)] == ["blue", "green", "yellow", "red", "magenta"]


@pytest.mark.filterwarnings("ignore::simexm_gpu.SimexmWarning")
@pytest.mark.parametrize("microscope", list(knobs.MICROSCOPES))
def test_every_microscope_gives_light(microscope: str) -> None:
    cells = simexm_gpu.phantom((6, 32, 32), VOXEL_NM, seed=3)
    config = knobs.Knobs(density=1, microscope=microscope).config(VOXEL_NM)
    result = simexm_gpu.simulate(cells, config, seed=1)
    image = result.images["ATTO550"]
    assert image.shape == cells.shape and int(image.max()) > int(image.min()) + 20
    assert not any("saturated" in text for text in result.warnings)


def test_every_camera_is_known() -> None:
    for camera in knobs.CAMERAS:
        knobs.Knobs(microscope="widefield", camera=camera).config(VOXEL_NM)


@pytest.mark.filterwarnings("ignore")
def test_the_widget_follows_its_knobs(tmp_path: Path) -> None:
    if os.environ.get("SIMEXM_NAPARI") != "require":
        pytest.importorskip("napari")
    import napari

    if not os.environ.get("DISPLAY") and os.environ.get("QT_QPA_PLATFORM") != "offscreen":
        assert os.environ.get("SIMEXM_NAPARI") != "require"
        pytest.skip("no display")
    from qtpy.QtWidgets import QApplication

    from simexm_gpu._napari.widget import SimulationWidget

    viewer = napari.Viewer(show=bool(os.environ.get("DISPLAY")))
    try:
        viewer.open_sample("simexm-gpu", "phantom")
        viewer.dims.set_point(0, 0.6)
        widget = SimulationWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Simulate")
        widget.reset_choices()
        name = "phantom of cortex: crop"

        def until(what: str, is_so: object) -> None:
            for _ in range(1200):
                QApplication.processEvents()
                if is_so():  # type: ignore[operator]
                    return
                time.sleep(0.05)
            raise AssertionError(f"{what}; the widget says {widget._told.value!r}")

        until("no image of the crop", lambda: name in viewer.layers)
        first = viewer.layers[name].data
        assert first.shape == (32, 128, 128) and first.max() > 0
        shots = Path(os.environ.get("SHOTS", tmp_path))
        viewer.window.screenshot(str(shots / "napari-1.png"), flash=False)
        widget._knobs["exposure"].value = 4
        until("the image does not follow", lambda: viewer.layers[name].data.mean() > 2 * first.mean())
        # Turned faster than it follows: the last turn counts.
        for density in (0.1, 0.6, 0.9, 0.0):
            widget._knobs["density"].value = density
        until("the last turn is not shown", lambda: viewer.layers[name].data.max() < first.max())
        widget._knobs["density"].value = 0.5
        widget.simulate_whole()
        whole = "phantom of cortex: simulation"
        until("no image of the whole", lambda: whole in viewer.layers)
        assert viewer.layers[whole].data.shape == (32, 256, 256)
        viewer.window.screenshot(str(shots / "napari-2.png"), flash=False)
        # A camera belongs to microscopes that have one.
        assert not widget._knobs["camera"].enabled
        widget._knobs["microscope"].value = "widefield"
        assert widget._knobs["camera"].enabled
        assert (shots / "napari-1.png").stat().st_size > 1000
    finally:
        viewer.close()
