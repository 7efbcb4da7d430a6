#!/usr/bin/env python3
"""Runs the binary on label volumes as other programs write them, and compares what it read.

    .ci/tiff-matrix.py [--ctc FOLDER ...] target/release/simexm-gpu

Writes TIFF files with tifffile and imagecodecs (compressions, predictors, layouts, byte orders, types), NumPy
files, folders of images by Pillow, imageio and tifffile, and folders with a stack per cell. Each is simulated
with every cell labelled whole and a camera whose pixels are the voxels, so that the ground truth that comes out
holds the very ids that went in. Any difference, and any volume that is refused without saying why, ends the
script with exit code 1.

--ctc adds folders with real images, one TIFF per time point, as the Cell Tracking Challenge has them. Some are
in the package napari-ctc-io:

    pip download --no-deps napari-ctc-io==0.2.1
    python3 -m zipfile -e napari_ctc_io-0.2.1-py3-none-any.whl ctc
    .ci/tiff-matrix.py --ctc ctc/napari_ctc_io/_tests/resources/fluo_simulated/TRA target/release/simexm-gpu

Needs numpy, tifffile, imagecodecs, Pillow and imageio.
"""

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import tifffile
from PIL import Image

CONFIG = """
[groundtruth]
image_path = "replaced"
isotropic = true
voxel_dim = [40, 40, 40]
[labeling.all]
fluorophore = "ATTO390"
region = "full"
labeling_density = 1
protein_density = 1e-5
[expansion]
factor = 1
[optics]
type = "widefield"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 40
objective_back_aperture = 1
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 1
pixel_size = 40
pinhole_radius = 50
baseline_noise = 0
[optics.channels.c]
laser_wavelength = 390
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 500]
[output]
name = "run"
path = "out"
gt_region = "full"
[compute]
backend = "cpu"
seed = 1
"""

SHAPE = (3, 21, 18)


def ids(dtype):
    """Cells of some voxels each, with background between, whose ids use all bytes of the type."""
    dtype = np.dtype(dtype)
    z, x, y = np.indices(SHAPE)
    cells = (1 + 7 * z + 3 * (x // 4) + y // 5) % 100
    cells[(x % 4 == 0) | (y % 5 == 0)] = 0
    if dtype == bool:
        return cells % 2 == 1
    return (cells.astype(dtype) * dtype.type(np.iinfo(dtype).max // 100)).astype(dtype)


class Matrix:
    """Volumes in a folder, each with the ids it must give or the words of its refusal."""

    def __init__(self, folder):
        self.folder = folder
        self.cases = []

    def path(self, name):
        return self.folder / name

    def add(self, name, expected, *options):
        self.cases.append((name, expected, options))

    def tiff(self, name, data, expected=None, **options):
        options.setdefault("photometric", "minisblack")
        tifffile.imwrite(self.path(name), data, **options)
        self.add(name, data if expected is None else expected)

    def sequence(self, name, slices, write):
        """A folder with an image per slice, numbered without leading zeros."""
        self.path(name).mkdir()
        for number, image in enumerate(slices):
            write(self.path(name) / f"s{number + 8}", number, image)
        self.add(name, np.asarray(slices))


def tiffs(matrix):
    compressions = (None, "lzw", "zlib", "deflate", "packbits", "zstd")
    layouts = itertools.cycle(({}, {"rowsperstrip": 5}, {"tile": (16, 16)}))
    predictors = itertools.cycle((False, True))
    bigtiffs = itertools.cycle((False, False, True))
    for compression, dtype, order in itertools.product(compressions, ("u1", "u2", "u4", "u8"), "<>"):
        options = {"compression": compression, "bigtiff": next(bigtiffs), **next(layouts)}
        if compression in ("lzw", "zlib", "deflate", "zstd") and dtype != "u8":
            options["predictor"] = next(predictors)
        number = len(matrix.cases)
        name = f"t{number}_{compression}_{dtype}_{'little' if order == '<' else 'big'}.tif"
        matrix.tiff(name, ids(order + dtype), byteorder=order, **options)
    for dtype in ("i1", "i2", "i4", "i8"):
        matrix.tiff(f"signed_{dtype}.tif", ids(dtype), compression="zlib")
    matrix.tiff("bilevel.tif", ids(bool))
    for dtype in ("u1", "u2"):
        matrix.tiff(f"white_is_zero_{dtype}.tif", ids(dtype), photometric="miniswhite")
        for axes in ("ZYX", "TYX", "CYX"):
            metadata = {"axes": axes, "unit": "um"}
            matrix.tiff(f"imagej_{dtype}_{axes}.tif", ids(dtype), imagej=True, metadata=metadata)
        matrix.tiff(f"imagej_contiguous_{dtype}.tif", ids(dtype), imagej=True, truncate=True)
        for axes in ("ZYX", "TYX"):
            matrix.tiff(f"{dtype}_{axes}.ome.tif", ids(dtype), ome=True, metadata={"axes": axes}, compression="lzw")
    matrix.tiff("contiguous.tif", ids("u4"), truncate=True)
    matrix.tiff("large.ome.tif", ids("u4"), ome=True, bigtiff=True, tile=(16, 16), compression="zstd")
    # With the smaller copies of a slide scanner.
    with tifffile.TiffWriter(matrix.path("pyramid.tif")) as file:
        file.write(ids("u2"), subifds=1, photometric="minisblack", tile=(16, 16))
        file.write(ids("u2")[:, ::2, ::2], subfiletype=1, photometric="minisblack")
    matrix.add("pyramid.tif", ids("u2"))
    # Whole numbers, however they are stored.
    matrix.tiff("float.tif", ids("u1").astype("f4"))
    deep = np.tile(ids("u1"), (6, 2, 2))[:16, :32, :32]
    matrix.tiff("depth.tif", deep, volumetric=True, tile=(16, 16, 16))
    Image.fromarray(ids("u1")[0]).convert("P").save(matrix.path("palette.tif"))
    matrix.add("palette.tif", ids("u1")[:1])


def arrays(matrix):
    dtypes = ("u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8", "i1", "<i4", ">i8", bool)
    for number, dtype in enumerate(dtypes):
        for order in "CF":
            name = f"a{number}_{order}.npy"
            np.save(matrix.path(name), np.asarray(ids(dtype), order=order))
            matrix.add(name, ids(dtype))
    np.save(matrix.path("slice.npy"), ids("u2")[0])
    matrix.add("slice.npy", ids("u2")[:1])
    np.save(matrix.path("float.npy"), ids("u1") / 2)
    matrix.add("float.npy", ids("u1") // 2)
    np.save(matrix.path("axes.npy"), ids("u1")[None, None])
    matrix.add("axes.npy", ids("u1"))


def folders(matrix):
    matrix.sequence("pillow_8", ids("u1"), lambda path, _, image: Image.fromarray(image).save(f"{path}.png"))
    matrix.sequence("pillow_16", ids("u2"), lambda path, _, image: Image.fromarray(image).save(f"{path}.png"))
    matrix.sequence("pillow_1", ids(bool), lambda path, _, image: Image.fromarray(image).save(f"{path}.png"))
    matrix.sequence("imageio_8", ids("u1"), lambda path, _, image: imageio.imwrite(f"{path}.png", image))
    matrix.sequence("imageio_16", ids("u2"), lambda path, _, image: imageio.imwrite(f"{path}.png", image))
    matrix.sequence(
        "pillow_tiff",
        ids("u2"),
        lambda path, n, image: Image.fromarray(image).save(
            f"{path}.tif", compression=("tiff_lzw", "tiff_adobe_deflate", "raw")[n]
        ),
    )

    def mixed(path, number, image):
        dtype, compression = (("u2", "lzw"), (">u4", "zstd"), ("u8", "packbits"), ("i4", None), ("u2", "png"))[number]
        if compression == "png":
            return Image.fromarray(image).save(f"{path}.png")
        image = image.astype(dtype)
        byteorder = ">" if dtype[0] == ">" else "<"
        return tifffile.imwrite(f"{path}.tiff", image, compression=compression, byteorder=byteorder)

    matrix.sequence("mixed", np.concatenate([ids("u2"), ids("u2")[:2]]), mixed)

    # A stack, an array or a folder for each cell.
    cells = np.unique(ids("u2"))[1:]
    matrix.path("cells").mkdir()
    for number, cell in enumerate(cells):
        stack = np.where(ids("u2") == cell, cell, 0).astype("u2")
        path = matrix.path("cells") / f"c{len(cells) - number}"
        if number % 3 == 0:
            tifffile.imwrite(f"{path}.tif", stack, compression="lzw", photometric="minisblack")
        elif number % 3 == 1:
            np.save(path, stack)
        else:
            path.mkdir()
            for z, image in enumerate(stack):
                imageio.imwrite(path / f"{z}.png", image)
    matrix.add("cells", ids("u2"), "groundtruth.gt_cells=splitted")


def refused(matrix):
    """What is no volume of ids, or not read, with a word that the refusal must have."""

    def tiff(name, data, words, **options):
        matrix.tiff(f"{name}.tif", data, expected=words, **options)

    for name, word in (
        ("lzma", "LZMA"),
        ("jpeg2000", "JPEG 2000"),
        ("jpegxl", "JPEG XL"),
        ("jpeg", "JPEG"),
        ("lerc", "LERC"),
        ("png", "PNG"),
    ):
        tiff(name, ids("u1")[0], word, compression=name)
    tiff("fractions", ids("u1").astype("f4") / 8, "floating point")
    tiff("rgb", np.stack([ids("u1")] * 3, -1), "RGB", photometric="rgb")
    tiff("rgb_planar", np.stack([ids("u1")] * 3, 1), "RGB", photometric="rgb", planarconfig="separate")
    tiff("packed", np.minimum(ids("u2"), 1000), "10-bit", bitspersample=10)
    tiff("hyperstack", np.stack([ids("u2")] * 2), "2 time points", imagej=True, metadata={"axes": "TZYX"})
    tiff("channels", np.stack([ids("u2")] * 2), "2 channels", ome=True, metadata={"axes": "CZYX"})
    for name, data, word in (
        ("fractions", ids("u1") / 8, "floating point"),
        ("complex", ids("u1").astype("c8"), "complex"),
        ("many_axes", np.stack([ids("u1")] * 2), "4 axes"),
    ):
        np.save(matrix.path(f"{name}.npy"), data)
        matrix.add(f"{name}.npy", word)
    np.savez(matrix.path("archive.npz"), ids("u1"))
    matrix.add("archive.npz", "archive")


def ctc(matrix, folder, number):
    """A part of a folder with an image per time point, in the order of the numbers in the names."""
    paths = sorted(folder.glob("*.tif"), key=lambda path: int(re.sub(r"\D", "", path.stem)))
    volume = np.stack([tifffile.imread(path) for path in paths])
    offset = [0, volume.shape[1] // 3, volume.shape[2] // 3]
    bounds = [len(paths), *(min(size - at, 300) for size, at in zip(volume.shape[1:], offset[1:]))]
    part = volume[tuple(slice(at, at + size) for at, size in zip(offset, bounds))]
    with tifffile.TiffFile(paths[0]) as file:
        page = file.pages[0]
        print(f"{folder}: {volume.shape}, {volume.dtype}, {page.compression.name}, {len(np.unique(part)) - 1} cells")
    matrix.path(f"ctc{number}").symlink_to(folder.resolve())
    matrix.add(f"ctc{number}", part, f"groundtruth.offset={offset}", f"groundtruth.bounds={bounds}")


def run(binary, folder, case):
    """Simulates a case; returns what is wrong with it."""
    name, expected, options = case
    sets = [f'groundtruth.image_path="{name}"', *options]
    arguments = [argument for option in sets for argument in ("--set", option)]
    out = folder / f"{name}.out"
    command = [str(binary), "config.toml", "--output", str(out), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if "panicked" in done.stderr:
        return f"{name}: panicked: {done.stderr}"
    if isinstance(expected, str):
        said = [line for line in done.stderr.splitlines() if line.startswith("error") and expected in line]
        if done.returncode == 0 or not said:
            return f"{name}: not refused with {expected!r}: exit code {done.returncode}, {done.stderr}"
        return None
    if done.returncode:
        return f"{name}: exit code {done.returncode}: {done.stderr}"
    found = tifffile.imread(out / "run/groundtruth/ATTO390/all_cells.tiff")
    if found.shape != expected.shape and found.shape != expected.squeeze().shape:
        return f"{name}: shape {found.shape}, not {expected.shape}"
    if not np.array_equal(found.reshape(expected.shape).astype("u8"), expected.astype("u8")):
        return f"{name}: ids differ; {found.dtype}, {np.unique(found)[:9]}, not {np.unique(expected)[:9]}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--ctc", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        matrix = Matrix(folder)
        for write in (tiffs, arrays, folders, refused):
            write(matrix)
        for number, path in enumerate(arguments.ctc):
            ctc(matrix, path, number)
        binary = arguments.binary.resolve()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            problems = [p for p in pool.map(lambda case: run(binary, folder, case), matrix.cases) if p]
    for problem in problems:
        print(problem)
    seconds = time.monotonic() - start
    print(f"{len(matrix.cases)} volumes, {len(problems)} problems, {seconds:.1f} s")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
