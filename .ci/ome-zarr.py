#!/usr/bin/env python3
"""Writes runs as OME-Zarr, and lets the field's programs judge them.

    .ci/ome-zarr.py target/release/simexm-gpu [CONFIG]

The same run as TIFF holds the same voxels; every level is what numpy makes of the one before; two runs have the
same bytes; ome-zarr-models and ngff-zarr accept image and labels; ome-zarr-py and napari-ome-zarr give names,
colours, units and sizes. The first mismatch ends the script with exit code 1. `.ci/containers` installs what
this needs.
"""

import contextlib
import subprocess
import sys
import tempfile
import tomllib
import warnings
from pathlib import Path

import numpy as np
import tifffile
import zarr

warnings.filterwarnings("ignore")


def require(condition, *words):
    if not condition:
        sys.exit("error: " + " ".join(str(word) for word in words))


def run(binary, config, folder, *sets):
    arguments = [argument for option in sets for argument in ("--set", option)]
    command = [str(binary), str(config), "--quiet", "--backend", "cpu", "--seed", "5", "--output", str(folder)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600)
    require(done.returncode == 0, command, done.stderr)
    (result,) = folder.iterdir()
    return result


def halves(level, step, labels):
    """What the next level must be: the mean of what there is of a box, rounded half up, or its mode."""
    shape = [-(-size // by) for size, by in zip(level.shape, step)]
    out = np.zeros(shape, level.dtype)
    for place in np.ndindex(*shape):
        box = level[tuple(slice(at * by, at * by + by) for at, by in zip(place, step))].astype(object).ravel()
        if labels:
            ids, votes = np.unique(box.astype("u8"), return_counts=True)
            out[place] = max(zip(votes, ids))[1]
        else:
            out[place] = (2 * sum(box) + len(box)) // (2 * len(box))
    return out


def halves_fast(level, step, labels):
    """The same by whole arrays."""
    pad = [(0, -size % by) for size, by in zip(level.shape, step)]
    known = np.pad(np.ones(level.shape, bool), pad)
    padded = np.pad(level, pad)
    parts = [np.s_[z :: step[0], y :: step[1], x :: step[2]] for z, y, x in np.ndindex(*step)]
    values = np.stack([padded[part] for part in parts]).astype("u8")
    there = np.stack([known[part] for part in parts])
    count = there.sum(0)
    if not labels:
        return ((2 * (values * there).sum(0) + count) // (2 * count)).astype(level.dtype)
    votes = np.stack([((values == value) & there).sum(0) for value in values]) * there
    best = votes.max(0)
    return np.where(votes == best, values, 0).max(0).astype(level.dtype)


def levels(group, labels):
    """Checks a pyramid; returns its finest level."""
    (image,) = group.attrs["ome"]["multiscales"]
    arrays = [group[dataset["path"]] for dataset in image["datasets"]]
    require(image["type"] == ("mode" if labels else "mean"), image["type"])
    scales = [dataset["coordinateTransformations"][0]["scale"][-3:] for dataset in image["datasets"]]
    for number in range(1, len(arrays)):
        step = [round(after / before) for before, after in zip(scales[number - 1], scales[number])]
        before, after = arrays[number - 1][:], arrays[number][:]
        volumes = zip(before, after) if before.ndim == 4 else [(before, after)]
        for fine, coarse in volumes:
            expected = halves_fast(fine, step, labels)
            require(np.array_equal(coarse, expected), group.path, "level", number, "is not made of the one before")
            if coarse.size < 5000:
                require(np.array_equal(halves(fine, step, labels), coarse), "the fast check is wrong")
        z, y, x = scales[number - 1]
        require((step[0] == 2) == (z <= 1.5 * max(y, x) and before.shape[-3] > 1), "steps", step, scales)
    return arrays[0][:]


def same_as_tiff(store, tiff):
    image = levels(zarr.open_group(store, mode="r"), False)
    stack = tifffile.imread(tiff / "simulation/channels.tiff").reshape(image.shape[1], image.shape[0], *image.shape[2:])
    require(np.array_equal(image, np.moveaxis(stack, 1, 0)), "the images are not those of the TIFF")
    labels = zarr.open_group(store / "labels", mode="r").attrs["ome"]["labels"]
    truths = sorted(path.name for path in (tiff / "groundtruth").iterdir())
    require(sorted(labels) == truths, labels, truths)
    for name in labels:
        ids = levels(zarr.open_group(store / "labels" / name, mode="r"), True)
        expected = tifffile.imread(tiff / f"groundtruth/{name}/all_cells.tiff").reshape(ids.shape)
        require(np.array_equal(ids, expected), name, "is not that of the TIFF")
        label = zarr.open_group(store / "labels" / name, mode="r").attrs["ome"]["image-label"]
        known, voxels = np.unique(ids[ids != 0], return_counts=True)
        told = {one["label-value"]: one["voxels"] for one in label.get("properties", [])}
        require(told == dict(zip(known.tolist(), voxels.tolist())), name, "counts other voxels")
    return labels


def validators(store, labels):
    from ngff_zarr import from_ngff_zarr
    from ome_zarr_models.v05 import Image, ImageLabel

    Image.from_zarr(zarr.open_group(store, mode="r"))
    from_ngff_zarr(str(store), validate=True)
    for name in labels:
        ImageLabel.from_zarr(zarr.open_group(store / "labels" / name, mode="r"))
        from_ngff_zarr(str(store / "labels" / name), validate=True)


def readers(store, labels, record):
    from napari_ome_zarr import napari_get_reader
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    # They print what they find.
    with contextlib.redirect_stdout(None):
        nodes = list(Reader(parse_url(str(store)))())
        layers = napari_get_reader(str(store))(str(store))
    require(nodes, "ome-zarr-py finds no image")
    names = sorted(record["optics"]["channels"])
    data, metadata, kind = layers[0]
    told = metadata["name"] if isinstance(metadata["name"], list) else [metadata["name"]]
    require(kind == "image" and sorted(told) == names, "napari names", told, names)
    found = [layer for layer in layers if layer[2] == "labels"]
    require(len(found) == len(labels), "napari shows", len(found), "labels of", len(labels))
    factor = record["expansion"]["factor"]
    scale = np.array(metadata["scale"], float).ravel()[-3:]
    voxel = np.array(record["groundtruth"]["voxel_dim"], float)
    require(scale[0] >= voxel[0] * factor * 0.999, "napari's scale is", scale)
    units = metadata.get("units")
    require(units is None or "nanometer" in str(units), "napari's units are", units)


def main():
    binary = Path(sys.argv[1]).resolve()
    configs = sys.argv[2:] or ["examples/brainbow.toml", "examples/simexm/visible2.ini"]
    with tempfile.TemporaryDirectory() as name:
        for number, config in enumerate(configs):
            work = Path(name) / str(number)
            plain = ["output.sim_channels=composite", "output.bit_depth=16"]
            tiff = run(binary, config, work / "tiff", *plain)
            zarrs = [
                run(binary, config, work / f"zarr{attempt}", 'output.format="ome-zarr"', *plain, *threads)
                for attempt, threads in enumerate(([], ["compute.threads=1"]))
            ]
            store = zarrs[0] / "simulation/channels.ome.zarr"
            files = [
                {path.relative_to(one / "simulation"): path.read_bytes() for path in (one / "simulation").rglob("*")
                 if path.is_file()}
                for one in zarrs
            ]
            differ = [str(path) for path in files[0] if files[0][path] != files[1].get(path)]
            require(files[0].keys() == files[1].keys() and not differ, "two runs differ in", differ)
            labels = same_as_tiff(store, tiff)
            record = tomllib.loads((zarrs[0] / "simulation.toml").read_text())
            own = zarr.open_group(store, mode="r").attrs["simexm"]
            require(own["seed"] == "5" and own["expansion_factor"] == record["expansion"]["factor"], own)
            validators(store, labels)
            readers(store, labels, record)
            for codec in ("zstd", "gzip", "none"):
                other = run(binary, config, work / codec, 'output.format="ome-zarr"', *plain, f"output.codec={codec}",
                            "output.shard=64")
                same_as_tiff(other / "simulation/channels.ome.zarr", tiff)
            print(f"{config}: {len(files[0])} files, labels {', '.join(labels)}")


if __name__ == "__main__":
    main()
