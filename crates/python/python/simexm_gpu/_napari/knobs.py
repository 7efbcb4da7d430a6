"""A configuration of a few knobs: one dye on the cells of a layer, seen by one of five microscopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._native import Config
from .._tools import fluorophores

#: Types of microscopes, each with the light of its channel and its usual exposure in s.
MICROSCOPES: dict[str, tuple[dict[str, Any], float]] = {
    "confocal": ({"laser_power": 20e-6}, 2e-6),
    "two photon": ({"laser_power": 5e-3}, 4e-6),
    "spinning disk": ({"irradiance": 20}, 0.1),
    "light sheet": ({"irradiance": 20}, 0.02),
    "widefield": ({"irradiance": 2}, 0.05),
}
#: Cameras for those microscopes that have one.
CAMERAS = ("sCMOS", "ORCA-Flash4.0 V3", "ORCA-Fusion BT")
PARTS = ("membrane", "full", "cytosol")


@dataclass(frozen=True)
class Knobs:
    """What can be turned."""

    expansion: float = 4.5
    #: Share of the cells that carry the dye.
    density: float = 0.5
    dye: str = "ATTO550"
    part: str = "membrane"
    microscope: str = "confocal"
    #: Times the usual exposure of the microscope.
    exposure: float = 1.0
    camera: str = "sCMOS"

    def config(self, voxel_nm: tuple[float, float, float]) -> Config:
        """The configuration: a pixel of the camera is a voxel wide, and every slice is imaged."""
        dye = fluorophores()[self.dye]
        light, exposure_s = MICROSCOPES[self.microscope]
        excited, emitted = dye.excitation_peak_nm, dye.emission_peak_nm
        # The laser in the peak of the excitation, or at twice its wavelength; the filter from
        # behind it.
        laser = 2 * excited if self.microscope == "two photon" else excited
        channel = {**light, "laser_wavelength": laser, "laser_filter": [max(excited + 10, emitted - 40), emitted + 60]}
        tables = Config().to_dict()
        tables["groundtruth"]["voxel_dim"] = list(voxel_nm)
        tables["labeling"] = {
            "cells": {
                "fluorophore": self.dye,
                "region": self.part,
                "labeling_density": self.density,
                "protein_density": 1e-4 if self.part == "membrane" else 1e-5,
            }
        }
        tables["expansion"] = {"factor": self.expansion}
        optics = tables["optics"]
        optics.update(type=self.microscope, exposure_time=self.exposure * exposure_s, channels={self.dye: channel})
        optics["pixel_size"] = voxel_nm[1] * self.expansion * optics["objective_factor"]
        optics["focal_plane_depth"] = voxel_nm[0] * self.expansion
        if self.microscope != "confocal":
            optics.pop("pinhole_airy", None)
        if "irradiance" in light:
            tables["detector"] = {"kind": "scmos"} if self.camera == "sCMOS" else {"camera": self.camera}
            optics["detector_efficiency"] = 0.8
        return Config(tables)
