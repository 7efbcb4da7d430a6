"""A dock widget: labels of a layer are simulated, on a crop while knobs are turned, and then as a whole."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, Optional

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, Label, PushButton, create_widget
from napari.layers import Labels
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Qt, Signal

from .._result import Result
from .._simulate import Simulator
from .._tools import fluorophores
from .colours import of_band
from .knobs import CAMERAS, MICROSCOPES, PARTS, Knobs

#: Shape (z, x, y) of the crop that follows the knobs.
CROP = (32, 128, 128)


class _Superseded(Exception):
    """The knobs were turned again."""


class _Answers(QObject):  # type: ignore[misc]
    """Brings what threads have found to the thread of the window."""

    done = Signal(object)


class SimulationWidget(Container):  # type: ignore[misc]
    """Pick a layer of labels, turn the knobs: the image of a crop in the middle of the view follows."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._cells = create_widget(annotation=Labels, label="cells")
        dyes = [dye.name for dye in fluorophores().values() if dye.excitation_peak_nm > 350]
        self._knobs = {
            "expansion": FloatSlider(value=4.5, min=1, max=12, label="expansion"),
            "density": FloatSlider(value=0.5, min=0, max=1, label="labelled cells"),
            "dye": ComboBox(value="ATTO550", choices=dyes, label="dye"),
            "part": ComboBox(value="membrane", choices=PARTS, label="on"),
            "microscope": ComboBox(value="confocal", choices=tuple(MICROSCOPES), label="microscope"),
            "exposure": FloatSlider(value=1, min=0.05, max=20, label="exposure (x usual)"),
            "camera": ComboBox(value=CAMERAS[0], choices=CAMERAS, label="camera"),
        }
        self._follow = CheckBox(value=True, text="follow on a crop")
        self._whole = PushButton(text="Simulate the whole")
        self._told = Label(value="")
        super().__init__(widgets=[self._cells, *self._knobs.values(), self._follow, self._whole, self._told])
        self._simulator: Optional[Simulator] = None
        self._lock = threading.Condition()
        self._wanted: Optional[tuple[int, Callable[[], Any]]] = None
        self._turn = 0
        self._answers = _Answers()
        self._answers.done.connect(self._show, Qt.ConnectionType.QueuedConnection)
        for knob in (*self._knobs.values(), self._cells, self._follow):
            knob.changed.connect(self.follow)
        self._whole.changed.connect(self.simulate_whole)
        threading.Thread(target=self._work, name="simexm-gpu knobs", daemon=True).start()

    def reset_choices(self, *args: Any) -> None:
        super().reset_choices(*args)
        self.follow()

    def knobs(self) -> Knobs:
        """The knobs as they stand."""
        return Knobs(**{name: knob.value for name, knob in self._knobs.items()})

    def follow(self, *_: Any) -> None:
        """Simulates a crop, in place of the one that is being simulated."""
        self._knobs["camera"].enabled = "irradiance" in MICROSCOPES[self._knobs["microscope"].value][0]
        if self._cells.value is not None and self._follow.value:
            self._ask("crop")

    def simulate_whole(self, *_: Any) -> None:
        """Simulates all of the layer in the background."""
        if self._cells.value is not None:
            self._follow.value = False
            self._ask("whole")

    def _ask(self, what: str) -> None:
        layer, knobs, viewer = self._cells.value, self.knobs(), self._viewer
        data = np.asarray(layer.data)
        data = data if data.ndim == 3 else data[np.newaxis]
        scale = [float(step) for step in layer.scale][-3:]
        scale = [scale[0]] * (3 - len(scale)) + scale
        # Without units a layer's scale is one of pixels, or of um.
        voxel_nm = tuple(1000 * step for step in scale) if max(scale) < 10 and scale != [1.0] * 3 else (40.0, 24.0, 24.0)
        first = (0, 0, 0)
        if what == "crop":
            focus = [int(round(place)) for place in layer.world_to_data(viewer.dims.point)][-3:]
            focus = [0] * (3 - len(focus)) + focus
            middle = [focus[0], *(size // 2 for size in data.shape[1:])]
            first = tuple(
                min(max(place - crop // 2, 0), max(size - crop, 0)) for place, crop, size in zip(middle, CROP, data.shape)
            )
            data = data[tuple(slice(start, start + crop) for start, crop in zip(first, CROP))]
        with self._lock:
            self._turn += 1
            turn = self._turn
            self._wanted = turn, lambda: (what, layer, first, self._simulate(data, knobs, voxel_nm, turn))
            self._lock.notify()

    def _simulate(self, data: Any, knobs: Knobs, voxel_nm: Any, turn: int) -> Result:
        def go_on(*_: Any) -> None:
            if self._turn != turn:
                raise _Superseded

        if self._simulator is None:
            self._simulator = Simulator()
        # One seed: a knob changes what it is for, and not which cells are drawn.
        return self._simulator.simulate(data, knobs.config(voxel_nm), seed=1, progress=go_on)

    def _work(self) -> None:
        """The thread that simulates what was asked for last."""
        while True:
            with self._lock:
                while self._wanted is None:
                    self._lock.wait()
                (_, job), self._wanted = self._wanted, None
            try:
                # They stand below the knobs.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    answer = job()
            except _Superseded:
                continue
            except Exception as error:
                answer = error
            try:
                self._answers.done.emit(answer)
            except RuntimeError:
                return  # The window is closed.

    def _show(self, answer: Any) -> None:
        if isinstance(answer, Exception):
            self._told.value = str(answer)
            show_error(str(answer))
            return
        what, layer, first, result = answer
        [(dye, image)] = result.images.items()
        name = f"{layer.name}: {'crop' if what == 'crop' else 'simulation'}"
        scale = [float(step) for step in layer.scale][-3:]
        scale = [scale[0]] * (3 - len(scale)) + scale
        place = [start * step for start, step in zip(first, scale)]
        limits = (0, max(1, int(image.max())))
        self._told.value = "\n".join(result.warnings)
        if name in self._viewer.layers:
            shown = self._viewer.layers[name]
            shown.data, shown.contrast_limits, shown.translate = image, limits, place
            shown.refresh()
        else:
            band = result.config[f"optics.channels.{dye}"]["laser_filter"]
            keywords = {"scale": scale, "translate": place, "units": layer.units[-3:] if layer.ndim > 2 else None}
            keywords.update(colormap=of_band(band), blending="additive", contrast_limits=limits)
            self._viewer.add_image(image, name=name, **keywords)
