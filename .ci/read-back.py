#!/usr/bin/env python3
"""Reads the outputs of runs back with tifffile, Pillow, imageio and imagecodecs, and compares them with what
the runs' own simulation.toml lets one expect: shapes, types, ids, order of colours, frames, physical sizes,
names. Needs: pip install tifffile imagecodecs pillow imageio numpy

    .ci/read-back.py RUN-FOLDER...            each run by itself
    .ci/read-back.py --same RUN-FOLDER...     and all runs hold the same volumes, in whatever formats, merged
                                              into RGB or not

Options, for numbers that are to be known from elsewhere than simulation.toml:
    --shape Z,X,Y    size of every volume          --voxel-nm Z,X,Y   size of a voxel in the gel
    --ids A,B,...    ids that the ground truth may show, instead of those of the input volume

The first mismatch is told in a line, and the exit code is 1."""
import argparse
import math
import sys
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

import imagecodecs
import imageio.v3 as imageio
import numpy as np
import tifffile
from PIL import Image

FRAME_MS = 500
RECORD = "simulation.toml"


class Mismatch(Exception):
    pass


def require(condition, *words):
    if not condition:
        raise Mismatch(" ".join(str(word) for word in words))


def equal(found, expected, what):
    require(found == expected, f"{what}: found {found}, expected {expected}")


def near(found, expected, what, tolerance=1e-4):
    close = all(math.isclose(a, b, rel_tol=tolerance) for a, b in zip(found, expected, strict=True))
    require(close, f"{what}: found {tuple(found)}, expected {tuple(expected)}")


# ---- What a run promises -----------------------------------------------------------------------------------


@dataclass
class Expected:
    """What simulation.toml lets one expect of a run's files. Axes are (z, x, y)."""

    folder: Path
    record: dict
    shape: tuple
    voxel_nm: tuple
    ids: set | None
    files: set = field(default_factory=set)

    @property
    def output(self):
        return self.record["output"]

    @property
    def channels(self):
        return sorted(self.record["optics"]["channels"])

    @property
    def dyes(self):
        labels = self.record["labeling"].values()
        return sorted({label["fluorophore"] for label in labels if isinstance(label, dict)})

    @property
    def merged(self):
        return self.output["sim_channels"] == "merged"


def sampling(step):
    """Voxels per pixel and pixels per voxel of an axis: rounded half to even, as Python's round does."""
    return (1, max(1, round(1 / step))) if step < 1 else (round(step), 1)


def expect(folder, shape=None, voxel_nm=None, ids=None):
    with open(folder / RECORD, "rb") as file:
        record = tomllib.load(file)
    truth, optics = record["groundtruth"], record["optics"]
    factor = record["expansion"]["factor"]
    in_gel = [nm * factor for nm in truth["voxel_dim"]]
    z_step = max(1, round(optics["focal_plane_depth"] / in_gel[0]))
    sizes, numbers = [in_gel[0] * z_step], [-(-truth["bounds"][0] // z_step)]
    for nm, voxels in zip(in_gel[1:], truth["bounds"][1:]):
        bins, pixels = sampling(optics["pixel_size"] / (nm * optics["objective_factor"]))
        sizes.append(nm * bins / pixels)
        numbers.append(-(-voxels // bins) * pixels)
    files = {entry["path"] for entry in record["run"]["files"]}
    ids = ids or input_ids(truth)
    return Expected(folder, record, shape or tuple(numbers), voxel_nm or tuple(sizes), ids, files)


def input_ids(truth):
    """The ids of the input volume, where it is a TIFF stack, a NumPy array or a folder of images; else none."""
    path = Path(truth["image_path"])
    if truth.get("gt_cells") == "splitted" or not path.exists():
        return None
    if path.is_dir():
        images = sorted(p for p in path.iterdir() if p.suffix.lower() in (".png", ".tif", ".tiff"))
        values = (imageio.imread(image) for image in images)
    elif path.suffix == ".npy":
        values = [np.load(path)]
    elif path.suffix.lower() in (".tif", ".tiff"):
        values = [tifffile.imread(path)]
    else:
        return None
    return set().union(*(np.unique(value).tolist() for value in values)) - {0}


# ---- Volumes, whatever their format ------------------------------------------------------------------------


@dataclass
class Volume:
    """Pixels (z, x, y) or (z, x, y, 3), and what the file says about them."""

    path: Path
    pixels: np.ndarray
    voxel_nm: tuple  # (z, x, y), none where the format does not tell
    text: str
    labels: list | None = None
    colours: np.ndarray | None = None
    exact: bool = True  # no palette stands between the pixels and the run's values


def same_pixels(first, second, what):
    require(first.shape == second.shape, f"{what}: shapes {first.shape} and {second.shape}")
    different = np.argwhere(first != second)
    if len(different):
        at = tuple(int(i) for i in different[0])
        raise Mismatch(f"{what}: {len(different)} values differ, the first at {at}: {first[at]} and {second[at]}")


def read_tiff(path):
    with tifffile.TiffFile(path) as file:
        series = file.asarray()
        pages = np.stack([page.asarray() for page in file.pages])
        imagej = file.imagej_metadata
        require(imagej is not None, f"{path}: tifffile sees no ImageJ metadata")
        pixels = pages.reshape(len(file.pages), *pages.shape[1:])
        same_pixels(series.reshape(pixels.shape), pixels, f"{path}: tifffile's series and its pages")
        equal(imagej.get("images", 1), len(pixels), f"{path}: ImageJ's number of images")
        equal(imagej["unit"], "um", f"{path}: ImageJ's unit")
        for page in file.pages:
            require("DateTime" not in page.tags, f"{path}: has a time stamp")
            if pixels.ndim == 4:
                equal(page.photometric.name, "RGB", f"{path}: photometric interpretation")
        tags = file.pages[0].tags
        along_y, along_x = (tags[name].value for name in ("XResolution", "YResolution"))
        for page in file.pages:
            found = (page.tags["XResolution"].value, page.tags["YResolution"].value)
            equal(found, (along_y, along_x), f"{path}: resolution of a further page")
        nm = (imagej["spacing"] * 1e3, 1e3 * along_x[1] / along_x[0], 1e3 * along_y[1] / along_y[0])
    same_pixels(imageio.imread(path).reshape(pixels.shape), pixels, f"{path}: imageio and tifffile")
    # Pillow knows neither 64-bit ids nor more than 8 bits of a colour.
    wide = pixels.dtype == np.uint64 or (pixels.ndim == 4 and pixels.dtype != np.uint8)
    if not wide:
        with Image.open(path) as image:
            equal(image.n_frames, len(pixels), f"{path}: Pillow's number of frames")
            for z, page in enumerate(pixels):
                image.seek(z)
                same_pixels(np.asarray(image).astype(pixels.dtype), page, f"{path}: Pillow, slice {z}")
    labels = imagej.get("Labels")
    labels = [labels] if isinstance(labels, str) else labels
    return Volume(path, pixels, nm, imagej.get("Info", ""), labels, imagej.get("LUTs"))


def read_sequence(folder):
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    digits = len(str(len(files) - 1))
    for i, file in enumerate(files):
        equal(file.name, f"image_{i:0{digits}}.png", f"{folder}: name of file {i} of {len(files)}")
    slices, texts, sizes = [], set(), set()
    for file in files:
        pixels = imagecodecs.png_decode(file.read_bytes())
        with Image.open(file) as image:
            image.load()
            # Pillow and imageio cut colours of 16 bits to 8.
            if pixels.ndim == 2 or pixels.dtype == np.uint8:
                same_pixels(np.asarray(image).astype(pixels.dtype), pixels, f"{file}: Pillow and imagecodecs")
                same_pixels(imageio.imread(file), pixels, f"{file}: imageio and imagecodecs")
            texts.add(image.info["Description"])
            sizes.add(image.info["dpi"])
            require("Time" not in str(image.info.keys()), f"{file}: has a time stamp")
        slices.append(pixels)
    require(len(texts) == len(sizes) == 1, f"{folder}: slices differ in their texts or pixel sizes")
    along_y, along_x = (0.0254e9 / dpi for dpi in sizes.pop())
    return Volume(folder, np.stack(slices), (None, along_x, along_y), texts.pop())


def read_gif(path):
    frames = []
    with Image.open(path) as image:
        equal(image.info.get("loop"), 0, f"{path}: repetitions (0 is endless)")
        text = image.info["comment"].decode()
        for frame in range(image.n_frames):
            image.seek(frame)
            equal(image.info["duration"], FRAME_MS, f"{path}: duration of frame {frame} in ms")
            frames.append(np.asarray(image.convert("RGB")))
    pixels = np.stack(frames)
    same_pixels(imageio.imread(path, mode="RGB"), pixels, f"{path}: imageio and Pillow")
    return Volume(path, pixels, None, text)


READERS = {"tiff": (".tiff", read_tiff), "gif": (".gif", read_gif), "image sequence": ("", read_sequence)}


def read_volume(stem, output_format):
    ending, reader = READERS[output_format]
    path = stem.with_name(stem.name + ending)
    require(path.exists(), f"{path}: is missing")
    return reader(path)


# ---- A run -------------------------------------------------------------------------------------------------


def image_stems(run):
    """Channel volumes: their stems below the run's folder, and the names of their channels."""
    names = run.channels
    if not run.merged:
        numbered = run.output["channel_files"] == "numbers"
        return {f"simulation/channel_{i}" if numbered else f"simulation/{name}": [name] for i, name in enumerate(names)}
    return {f"simulation/channels_{i}{i + 1}{i + 2}": names[i : i + 3] for i in range(0, len(names), 3)}


def truth_stems(run):
    """Ground truth volumes, and the id that each may show, or none for all."""
    if run.output["gt_cells"] == "merged":
        return {f"groundtruth/{dye}/all_cells": None for dye in run.dyes}
    stems = {}
    for entry in sorted(run.files):
        parts = Path(entry).parts
        if parts[0] == "groundtruth":
            cell = parts[2].split(".")[0]
            stems[f"groundtruth/{parts[1]}/{cell}"] = int(cell)
    return stems


def check_common(run, volume, output_format):
    equal(volume.pixels.shape[:3], tuple(run.shape), f"{volume.path}: shape (z, x, y)")
    if volume.voxel_nm:
        known = [(a, b) for a, b in zip(volume.voxel_nm, run.voxel_nm) if a is not None]
        near(*zip(*known), f"{volume.path}: size of a voxel in the gel, nm")
    if output_format != "gif" or volume.text:
        require("voxel in the gel" in volume.text, f"{volume.path}: its text names no voxel size: {volume.text!r}")


def check_image(run, volume, names, output_format):
    check_common(run, volume, output_format)
    for name in names:
        ascii_name = "".join(c if c.isascii() else "?" for c in name)
        require(name in volume.text or ascii_name in volume.text, f"{volume.path}: does not name channel {name}")
    if output_format != "gif":
        bits = run.output.get("bit_depth", 8)
        equal(volume.pixels.dtype, np.dtype(f"uint{bits}"), f"{volume.path}: type")
        equal(volume.pixels.ndim, 4 if run.merged else 3, f"{volume.path}: axes")
    if run.merged:
        # Channels that are missing are black; a palette may miss black by a little.
        rest = volume.pixels[..., len(names) :]
        require(not rest.size or rest.max() <= (8 if output_format == "gif" else 0), f"{volume.path}: colours without a channel are not black")
    if output_format == "tiff" and not run.merged:
        equal(volume.labels, [names[0]] * len(volume.pixels), f"{volume.path}: slice labels")
        require(volume.colours is not None, f"{volume.path}: has no colour")
        colours = np.asarray(volume.colours)
        equal(colours.shape, (3, 256), f"{volume.path}: shape of the colour table")
        require(not colours[:, 0].any() and colours[:, 255].max() > 100, f"{volume.path}: the colour table is no ramp from black to a bright colour")


def check_truth(run, volume, only, output_format):
    check_common(run, volume, output_format)
    if output_format == "gif":
        require("not the ids" in volume.text, f"{volume.path}: does not say that its colours are no ids")
        return
    equal(volume.pixels.ndim, 3, f"{volume.path}: axes")
    types = ("uint16",) if output_format == "image sequence" else ("uint16", "uint32", "uint64")
    require(volume.pixels.dtype.name in types, f"{volume.path}: type {volume.pixels.dtype}, not one of {types}")
    found = set(np.unique(volume.pixels).tolist()) - {0}
    allowed = run.ids if only is None else {only}
    if allowed is not None:
        strange = sorted(found - allowed)
        require(not strange, f"{volume.path}: shows ids that the input does not have: {strange[:5]}")


def check_run(run):
    """Reads every volume of a run; returns them by their stems."""
    output_format = run.output["format"]
    volumes = {}
    for stem, names in image_stems(run).items():
        volumes[stem] = read_volume(run.folder / stem, output_format)
        check_image(run, volumes[stem], names, output_format)
    for stem, only in truth_stems(run).items():
        volumes[stem] = read_volume(run.folder / stem, output_format)
        check_truth(run, volumes[stem], only, output_format)
    present = {p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*") if p.is_file()} - {RECORD}
    equal(sorted(present ^ run.files), [], f"{run.folder}: files that are not both in the folder and in {RECORD}")
    print(f"{run.folder}: {output_format}, {len(volumes)} volumes of {' x '.join(map(str, run.shape))} (z, x, y), "
          f"voxel {' x '.join(f'{nm:g}' for nm in run.voxel_nm)} nm: as expected")
    return volumes


# ---- Runs of the same configuration in different formats ---------------------------------------------------


def compare(first, second, stem):
    """The same volume of two runs. In GIFs of ids and of RGB only what a palette keeps can be compared."""
    what = f"{first.path} and {second.path}"
    a, b = first.pixels, second.pixels
    if stem.startswith("simulation") and not (first.exact and second.exact):
        mean = np.abs(a.astype(int) - b).mean()
        require(mean < 8, f"{what}: mean difference {mean:.2f}")
    elif a.ndim == b.ndim:
        same_pixels(a, b, what)
        equal(a.dtype, b.dtype, f"{what}: type")
    else:
        ids, colours = (a, b) if a.ndim == 3 else (b, a)
        require(((ids != 0) == colours.any(axis=-1)).all(), f"{what}: background and cells do not coincide")
        for number in np.unique(ids):
            shades = np.unique(colours[ids == number], axis=0)
            equal(len(shades), 1, f"{what}: colours of the id {number}")


def by_channel(run, volumes):
    """The volumes of a run with each merged file taken apart, so that its colours are compared in their order."""
    parts = {}
    for stem, volume in volumes.items():
        names = image_stems(run).get(stem)
        if names is None or volume.pixels.ndim == 3:
            parts[stem] = volume
            continue
        for i in range(len(names)):
            number = run.channels.index(names[i])
            pixels = volume.pixels[..., i if run.merged else 0]
            parts[f"simulation/channel_{number}"] = replace(volume, pixels=pixels, exact=volume.path.suffix != ".gif" or not run.merged)
    return parts


def main():
    numbers = lambda kind: lambda text: tuple(kind(part) for part in text.split(","))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN-FOLDER")
    parser.add_argument("--same", action="store_true")
    parser.add_argument("--shape", type=numbers(int))
    parser.add_argument("--voxel-nm", type=numbers(float))
    parser.add_argument("--ids", type=lambda text: set(numbers(int)(text)))
    arguments = parser.parse_args()
    try:
        runs = [expect(folder, arguments.shape, arguments.voxel_nm, arguments.ids) for folder in arguments.folders]
        volumes = [by_channel(run, check_run(run)) for run in runs]
        if arguments.same:
            for run, others in zip(runs[1:], volumes[1:]):
                equal(sorted(others), sorted(volumes[0]), f"{run.folder}: volumes, compared with {runs[0].folder}")
                for stem, volume in others.items():
                    compare(volumes[0][stem], volume, stem)
                print(f"{run.folder}: the same {len(others)} volumes as {runs[0].folder}")
    except Mismatch as mismatch:
        sys.exit(f"read-back: {mismatch}")


if __name__ == "__main__":
    main()
