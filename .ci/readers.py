#!/usr/bin/env python3
"""What a run has written opens in napari (its own reader and that of napari-tiff, no window), scikit-image and bioio as
what it is: pixels, channels, colours, sizes of voxels.

    .ci/readers.py RUN-FOLDER...

Needs: pip install numpy tifffile scikit-image bioio bioio-tifffile napari napari-tiff
The first mismatch is told in a line, and the exit code is 1."""
import sys
import tomllib
import warnings
from pathlib import Path

import bioio_tifffile
import numpy as np
import skimage.io
import tifffile
from bioio import BioImage
from napari_builtins.io import napari_get_reader as builtin_reader
from napari_tiff.napari_tiff_reader import napari_get_reader as tiff_reader

warnings.simplefilter("ignore")


def require(condition, *words):
    if not condition:
        sys.exit(" ".join(str(word) for word in words))


def near(found, expected, what):
    require(np.allclose(found, expected, rtol=1e-3), what, "found", found, "expected", expected)


def layers(reader, path):
    """What napari makes of a file: pixels, what goes with them, and the kind of layer."""
    read = reader(str(path))
    require(read, path, "is not taken by", reader.__module__)
    return [(np.asarray(layer[0]), layer[1] if len(layer) > 1 else {}, (*layer, "", "")[2]) for layer in read(str(path))]


def brightest(colormap):
    """The last colour of a channel's table."""
    return tuple(np.asarray(colormap)[-1][:3]) if colormap is not None else None


def check(path, colours):
    pixels = tifffile.imread(path)
    with tifffile.TiffFile(path) as file:
        tags, told = file.pages[0].tags, file.imagej_metadata
    per_unit = [tags[name].value for name in ("YResolution", "XResolution")]
    size = (told["spacing"], *(d / n for n, d in per_unit))
    channels = told.get("channels", 1)

    (found, _, _), = layers(builtin_reader, path)
    require(np.array_equal(found, pixels), path, "has other pixels in napari")

    (found, about, kind), = layers(tiff_reader, path)
    require(np.array_equal(found, pixels) and kind == "image", path, "has other pixels in napari-tiff")
    near(about["scale"][-3:] if len(about["scale"]) > 3 else about["scale"], size, f"{path}, napari-tiff's scale")
    if channels > 1:
        require(about["channel_axis"] == 1, path, "has its channels along", about["channel_axis"])
        shown = [brightest(colormap) for colormap in about["colormap"]]
        near(shown, [[part / 255 for part in colour] for colour in colours], f"{path}, colours of napari-tiff")

    found = skimage.io.imread(path)
    if channels in (3, 4):
        found = np.moveaxis(found, -1, 1)  # which scikit-image takes for colours
    require(np.array_equal(found, pixels), path, "has other pixels in scikit-image")

    image = BioImage(path, reader=bioio_tifffile.Reader)
    near(tuple(image.physical_pixel_sizes), size, f"{path}, bioio's size of a voxel")
    require(image.dims.C == channels and image.dims.T == 1, path, "has dimensions", image.dims)
    stack = pixels if channels > 1 else pixels[:, None]
    require(np.array_equal(image.get_image_data("ZCYX"), stack), path, "has other pixels in bioio")


checked = 0
for folder in map(Path, sys.argv[1:]):
    record = tomllib.loads((folder / "simulation.toml").read_text())
    for path in sorted(folder.glob("**/*.tiff")):
        colours = None
        if path.stem == "channels":
            with tifffile.TiffFile(path) as file:
                colours = [table[:, -1] for table in file.imagej_metadata["LUTs"]]
            require(len(colours) == len(record["optics"]["channels"]), path, "has tables of", len(colours), "channels")
        check(path, colours)
        checked += 1
require(checked, "no TIFF below", *sys.argv[1:])
print(f"{checked} volumes open in napari, napari-tiff, scikit-image and bioio as what they are")
