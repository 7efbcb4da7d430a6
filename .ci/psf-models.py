#!/usr/bin/env python3
"""Holds the vectorial function of a wide field against psfmodels (F. Aguet's model), through `simexm-gpu psf`:
psf-models.py BINARY FOLDER. Planes are compared up to a factor: ours are scaled to their whole light."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import psfmodels
import tifffile

CONFIGURATION = """
[model]
kind = "physical"
[groundtruth]
image_path = "none.tif"
isotropic = false
voxel_dim = [{z}, {xy}, {xy}]
[labeling.a]
fluorophore = "ATTO550"
[expansion]
factor = 1
[optics]
type = "widefield"
numerical_aperture = {aperture}
refractory_index = 1.333
focal_plane_depth = {z}
exposure_time = 1
objective_efficiency = 1
detector_efficiency = 1
objective_factor = 1
pixel_size = 100
psf_reach = 150
[optics.channels.c]
laser_wavelength = 550
irradiance = 1
laser_filter = [575.9, 576.1]
[output]
name = "n"
path = "o"
"""
# Voxels so fine that the average over them is no matter.
XY_NM, Z_NM, WAVELENGTH_UM = 8, 20, 0.576
BOUND = 3e-4

binary, folder = sys.argv[1], Path(sys.argv[2])
worst = 0
for aperture in (0.8, 1.15):
    config, image = folder / "psf.toml", folder / "psf.tif"
    config.write_text(CONFIGURATION.format(z=Z_NM, xy=XY_NM, aperture=aperture))
    command = [binary, "psf", config, "-o", image, "--force"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ours = tifffile.imread(image).astype(float)
    middle = len(ours) // 2
    z_um = (np.arange(len(ours)) - middle) * Z_NM / 1e3
    theirs = psfmodels.make_psf(
        z_um, nx=ours.shape[1], dxy=XY_NM / 1e3, pz=0, NA=aperture, ni=1.333, ni0=1.333, ns=1.333, tg=170, tg0=170,
        ng=1.5255, ng0=1.5255, ti0=150, wvl=WAVELENGTH_UM, normalize=False, model="vectorial",
    )
    for plane, other in zip(ours, theirs):
        factor = (plane * other).sum() / (other * other).sum()
        worst = max(worst, abs(plane - factor * other).max() / ours.max())
print(f"vectorial functions: {worst:.1e} of the peak from psfmodels (at most {BOUND:.0e})")
sys.exit(int(worst > BOUND))
