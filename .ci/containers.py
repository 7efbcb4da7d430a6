#!/usr/bin/env python3
"""Runs the binary on containers as the field's programs write them, and compares what it read; then checks what
it writes as OME-Zarr with the field's validators and readers.

    .ci/containers.py target/release/simexm-gpu

Reading: Zarr 2 and 3 (zarr-python: codecs, orders, byte orders, shards, missing chunks), OME-Zarr 0.4 and 0.5
(ome-zarr-py), HDF5 (h5py, hdf5plugin), neuroglancer precomputed (cloud-volume), N5 (z5py, tensorstore). Each is
simulated with every cell labelled whole and a camera whose pixels are the voxels, so that the ground truth that
comes out holds the very ids that went in. What is not read must be refused by name, with the way out.

The first lines that are printed tell what is wrong; the exit code is then 1. `.ci/containers` installs what
this needs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import hdf5plugin
import numcodecs
import numpy as np
import tifffile
import zarr

import cloudvolume
import tensorstore
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image, write_multiscale_labels

warnings.filterwarnings("ignore")

# What the outputs of this matrix are made of; the rest of a configuration is that of the matrix of TIFFs.
SHAPE = (19, 45, 38)
CHUNK = (8, 16, 16)

CONFIG = """
[groundtruth]
image_path = "replaced"
isotropic = true
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

VOXEL = "groundtruth.voxel_dim=[40, 40, 40]"


def ids(dtype, shape=SHAPE):
    """Cells of some voxels each, with background between, whose ids use all bytes of the type."""
    dtype = np.dtype(dtype)
    z, x, y = np.indices(shape)
    cells = (1 + 7 * (z // 3) + 3 * (x // 6) + y // 7) % 100
    cells[(x % 6 == 0) | (y % 7 == 0)] = 0
    # So that there are chunks of nothing.
    cells[:8, :16, :16] = 0
    if dtype == bool:
        return cells % 2 == 1
    if dtype.kind == "f":
        return cells.astype(dtype)
    return (cells.astype(dtype) * dtype.type(np.iinfo(dtype).max // 100)).astype(dtype)


class Matrix:
    """Containers in a folder, each with the ids it must give or the words of its refusal."""

    def __init__(self, folder):
        self.folder = folder
        self.cases = []

    def path(self, name):
        return str(self.folder / name)

    def add(self, name, expected, *options, tells_size=False):
        size = [] if tells_size else [VOXEL]
        self.cases.append((name, expected, [*size, *options]))

    def refuse(self, name, word, *options):
        self.cases.append((name, word, [VOXEL, *options]))


def zarr2(matrix):
    blosc = numcodecs.Blosc
    codecs = {
        "none": None,
        "zlib": numcodecs.Zlib(1),
        "gzip": numcodecs.GZip(1),
        "bz2": numcodecs.BZ2(1),
        "zstd": numcodecs.Zstd(1),
        "lz4": numcodecs.LZ4(),
        "blosc_noshuffle": blosc("lz4", 5, blosc.NOSHUFFLE),
    }
    for name in ("lz4", "lz4hc", "zstd", "zlib", "blosclz"):
        for shuffle in (blosc.SHUFFLE, blosc.BITSHUFFLE):
            codecs[f"blosc_{name}_{shuffle}"] = blosc(name, 5, shuffle, blocksize=0 if shuffle == 1 else 2048)
    number = 0
    dtypes = ("<u8", ">u4", "|u1", "<i4", ">u2", "|b1", "<u4", ">i8", "<f4", "<u2")
    for name, codec in codecs.items():
        for _ in range(3):
            dtype, order = dtypes[number % len(dtypes)], "CF"[number % 2]
            chunks = (CHUNK, (19, 45, 38), (1, 45, 38), (5, 7, 38))[number % 4]
            separator = "./"[number // 2 % 2]
            path = f"v2_{number}_{name}_{dtype[1:]}_{order}.zarr"
            array = zarr.create_array(
                matrix.path(path), shape=SHAPE, chunks=chunks, dtype=dtype, compressors=codec, order=order,
                zarr_format=2, fill_value=0, chunk_key_encoding={"name": "v2", "separator": separator},
            )
            array[:] = ids(dtype)
            matrix.add(path, ids(dtype))
            number += 1
    shuffle = zarr.create_array(
        matrix.path("v2_shuffle.zarr"), shape=SHAPE, chunks=CHUNK, dtype="<u4", zarr_format=2,
        filters=[numcodecs.Shuffle(4)], compressors=numcodecs.Zlib(1),
    )
    shuffle[:] = ids("<u4")
    matrix.add("v2_shuffle.zarr", ids("u4"))
    # Chunks that were never written are the fill value.
    some = zarr.create_array(
        matrix.path("v2_fill.zarr"), shape=SHAPE, chunks=CHUNK, dtype=">u2", zarr_format=2, fill_value=7
    )
    some[8:16] = ids("u2")[8:16]
    expected = np.full(SHAPE, 7, "u2")
    expected[8:16] = ids("u2")[8:16]
    matrix.add("v2_fill.zarr", expected)
    delta = zarr.create_array(
        matrix.path("v2_delta.zarr"), shape=SHAPE, chunks=CHUNK, dtype="<u4", zarr_format=2,
        filters=[numcodecs.Delta("<u4")], compressors=None,
    )
    delta[:] = ids("u4")
    matrix.refuse("v2_delta.zarr", "delta")


def zarr3(matrix):
    c = zarr.codecs
    compressors = {
        "zstd": c.ZstdCodec(),
        "gzip": c.GzipCodec(level=1),
        "blosc": c.BloscCodec(cname="zstd", shuffle="bitshuffle"),
        "blosclz": c.BloscCodec(cname="blosclz"),
        "crc32c": (c.ZstdCodec(), c.Crc32cCodec()),
        "none": None,
        "ncbz2": zarr.codecs.numcodecs.BZ2() if hasattr(zarr.codecs, "numcodecs") else None,
    }
    number = 0
    dtypes = ("uint64", "uint32", "uint8", "int32", "uint16", "bool", "int64", "float32", "int8")
    for name, compressor in compressors.items():
        for shards in (None, (16, 32, 32), (24, 48, 48)):
            dtype = dtypes[number % len(dtypes)]
            options = {}
            if number % 3 == 1:
                options["filters"] = [c.TransposeCodec(order=(2, 0, 1))]
            if number % 4 == 2 and not shards:
                options["serializer"] = c.BytesCodec(endian="big")
            if number % 5 == 3:
                options["chunk_key_encoding"] = {"name": "v2", "separator": "."}
            path = f"v3_{number}_{name}_{dtype}_{'sharded' if shards else 'plain'}.zarr"
            array = zarr.create_array(
                matrix.path(path), shape=SHAPE, chunks=CHUNK, shards=shards, dtype=dtype, compressors=compressor,
                zarr_format=3, fill_value=0, **options,
            )
            array[:] = ids(dtype)
            matrix.add(path, ids(dtype))
            number += 1
    start = zarr.create_array(
        matrix.path("v3_start.zarr"), shape=SHAPE, dtype="u4", chunks=(16, 32, 32), zarr_format=3, compressors=None,
        serializer=c.ShardingCodec(chunk_shape=CHUNK, codecs=[c.BytesCodec()], index_location="start",
                                   index_codecs=[c.BytesCodec()]),
    )
    start[:] = ids("u4")
    matrix.add("v3_start.zarr", ids("u4"))
    # Axes by name, in an order of their own.
    named = zarr.create_array(
        matrix.path("v3_xyz.zarr"), shape=SHAPE[::-1], chunks=CHUNK[::-1], dtype="u2", zarr_format=3,
        dimension_names=["x", "y", "z"],
    )
    named[:] = ids("u2").T
    matrix.add("v3_xyz.zarr", ids("u2"))
    # A tree, whose arrays are named.
    tree = zarr.open_group(matrix.path("tree.zarr"), mode="w", zarr_format=3)
    for name, factor in (("volumes/a", 1), ("volumes/b", 2)):
        array = tree.create_array(name, shape=SHAPE, chunks=CHUNK, dtype="u4")
        array[:] = ids("u1").astype("u4") * factor
    matrix.add("tree.zarr", ids("u1").astype("u4") * 2, 'groundtruth.dataset="volumes/b"')
    matrix.add("tree.zarr/volumes/a", ids("u1"))
    matrix.refuse("tree.zarr", '"volumes/a", "volumes/b"')
    matrix.refuse("tree.zarr", '"volumes/a", "volumes/b"', 'groundtruth.dataset="volumes/c"')
    text = zarr.create_array(matrix.path("text.zarr"), shape=SHAPE, chunks=CHUNK, dtype="U4", zarr_format=2)
    assert text.shape == SHAPE
    matrix.refuse("text.zarr", "elements of type")


def ome(matrix):
    """Images with labels, pyramids and sizes."""
    for fmt in (FormatV04(), FormatV05()):
        version = fmt.version
        store = matrix.path(f"ome{version}.zarr")
        group = zarr.open_group(store, mode="w", zarr_format=2 if version == "0.4" else 3)
        image = np.zeros((2, *SHAPE), "u2")
        scales = [[{"type": "scale", "scale": [1.0, 0.04, 0.004, 0.004]}]]
        units = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}
        axes = [{"name": "c", "type": "channel"}]
        axes += [{"name": name, "type": "space", "unit": unit} for name, unit in units.items()]
        write_image(image, group, fmt=fmt, axes=axes, scaler=None, coordinate_transformations=scales)
        write_multiscale_labels(
            [ids("u4"), ids("u4")[:, ::2, ::2]], group, name="cells", fmt=fmt, axes=axes[1:],
            coordinate_transformations=[
                [{"type": "scale", "scale": [0.04, 0.004, 0.004]}],
                [{"type": "scale", "scale": [0.04, 0.008, 0.008]}],
            ],
        )
        name = f"ome{version}.zarr"
        # The only labels are what is read, and their sizes are known.
        matrix.add(name, ids("u4"), "optics.pixel_size=4", tells_size=True)
        matrix.add(f"{name}/labels/cells", ids("u4"), "optics.pixel_size=4", tells_size=True)
        coarse = ids("u4")[:, ::2, ::2]
        matrix.add(name, coarse, "groundtruth.level=1", "optics.pixel_size=8", tells_size=True)
        second = next(Path(store, "labels/cells").glob("*1")).name
        matrix.add(
            name, coarse, f'groundtruth.dataset="labels/cells/{second}"', "optics.pixel_size=8", tells_size=True
        )
        matrix.refuse(name, "has 2 levels", "groundtruth.level=2")
        matrix.refuse(name, "channel = 0 to 1", 'groundtruth.dataset="."')
    # As bioformats2raw lays several images out.
    store = zarr.open_group(matrix.path("b2r.zarr"), mode="w", zarr_format=2)
    store.attrs["bioformats2raw.layout"] = 3
    for series in range(2):
        group = store.create_group(str(series))
        data = ids("u2")[None, None] if series == 0 else ids("u2")[None, None] // 2
        write_image(data, group, fmt=FormatV04(), axes="tczyx", scaler=None)
    matrix.add("b2r.zarr", ids("u2"))
    matrix.add("b2r.zarr", ids("u2") // 2, "groundtruth.series=1")


def hdf5(matrix):
    forms = {
        "contiguous": {},
        "chunked": {"chunks": CHUNK},
        "gzip": {"chunks": CHUNK, "compression": "gzip"},
        "shuffle": {"chunks": CHUNK, "compression": "gzip", "shuffle": True},
        "checked": {"chunks": CHUNK, "compression": "gzip", "fletcher32": True},
        "lzf": {"chunks": CHUNK, "compression": "lzf"},
        "lzf_shuffle": {"chunks": (19, 45, 38), "compression": "lzf", "shuffle": True},
        "slices": {"chunks": (1, 45, 38), "compression": "gzip"},
        "lz4": {"chunks": CHUNK, **hdf5plugin.LZ4()},
        "zstd": {"chunks": CHUNK, **hdf5plugin.Zstd()},
        "blosc": {"chunks": CHUNK, **hdf5plugin.Blosc(cname="lz4", shuffle=2)},
        "unlimited": {"chunks": CHUNK, "compression": "gzip", "maxshape": (None, 45, 38)},
        "unlimited2": {"chunks": CHUNK, "maxshape": (None, None, 38)},
    }
    dtypes = ("<u8", ">u4", "|u1", "<i4", ">u2", "|b1", "<u4", ">i8", "<f4", "<u2")
    number = 0
    for name, options in forms.items():
        for version in ("earliest", "latest"):
            dtype = dtypes[number % len(dtypes)]
            path = f"h{number}_{name}_{dtype[1:]}_{version}.h5"
            with h5py.File(matrix.path(path), "w", libver=version) as file:
                file.create_dataset("volumes/labels", data=ids(dtype), **options)
                # Lists of places are no volumes.
                file.create_dataset("places", data=np.zeros((4, 3)))
            matrix.add(path, ids(dtype))
            number += 1
    with h5py.File(matrix.path("cremi.hdf"), "w") as file:
        for name, factor in (("neuron_ids", 1), ("clefts", 2)):
            data = file.create_dataset(f"volumes/labels/{name}", data=ids("u1").astype("u8") * factor, chunks=CHUNK)
            data.attrs["resolution"] = [40.0, 4.0, 4.0]
    matrix.refuse("cremi.hdf", '"volumes/labels/clefts", "volumes/labels/neuron_ids"')
    for name, factor in (("neuron_ids", 1), ("clefts", 2)):
        options = [f'groundtruth.dataset="volumes/labels/{name}"', "optics.pixel_size=4"]
        matrix.add("cremi.hdf", ids("u1").astype("u8") * factor, *options, tells_size=True)
    with h5py.File(matrix.path("ilastik.h5"), "w") as file:
        data = file.create_dataset("exported_data", data=ids("u4").T[..., None], chunks=True, compression="gzip")
        axes = [{"key": key, "typeFlags": 2, "resolution": 0, "description": ""} for key in "xyzc"]
        data.attrs["axistags"] = json.dumps({"axes": axes})
    matrix.add("ilastik.h5", ids("u4"))
    with h5py.File(matrix.path("plantseg.h5"), "w") as file:
        file.create_dataset("label", data=ids("u2"), compression="gzip").attrs["element_size_um"] = [0.04, 0.02, 0.02]
    matrix.add("plantseg.h5", ids("u2"), "optics.pixel_size=20", tells_size=True)
    with h5py.File(matrix.path("user.h5"), "w", userblock_size=512) as file:
        file["label"] = ids("u2")
    matrix.add("user.h5", ids("u2"), 'groundtruth.format="hdf5"')
    with h5py.File(matrix.path("missing.h5"), "w") as file:
        data = file.create_dataset("label", shape=SHAPE, dtype="u4", chunks=CHUNK, fillvalue=7)
        data[8:16] = ids("u4")[8:16]
        expected = data[:]
    matrix.add("missing.h5", expected)
    with h5py.File(matrix.path("bitshuffle.h5"), "w") as file:
        file.create_dataset("label", data=ids("u4"), chunks=CHUNK, **hdf5plugin.Bitshuffle())
    matrix.refuse("bitshuffle.h5", "h5py, hdf5plugin")


def precomputed(matrix):
    for name, encoding, dtype, compress in (
        ("raw", "raw", "uint32", False),
        ("raw_gz", "raw", "uint16", "gzip"),
        ("cseg", "compressed_segmentation", "uint64", False),
        ("cseg_gz", "compressed_segmentation", "uint64", "gzip"),
        ("cseg32", "compressed_segmentation", "uint32", "gzip"),
    ):
        for offset in ((0, 0, 0), (100, 7, 33)):
            path = f"p_{name}_{offset[0]}"
            info = cloudvolume.CloudVolume.create_new_info(
                num_channels=1, layer_type="segmentation", data_type=dtype, encoding=encoding,
                resolution=[4, 4, 40], voxel_offset=offset, chunk_size=CHUNK[::-1], volume_size=SHAPE[::-1],
            )
            volume = cloudvolume.CloudVolume(
                "file://" + matrix.path(path), info=info, compress=compress, delete_black_uploads=True, progress=False
            )
            volume.commit_info()
            volume[:] = ids(dtype).T[..., None]
            matrix.add(path, ids(dtype), "optics.pixel_size=4", tells_size=True)
    number = 0
    for hashing in ("identity", "murmurhash3_x86_128"):
        for index in ("raw", "gzip"):
            for encoding in ("raw", "compressed_segmentation"):
                number += 1
                path = f"p_sharded_{number}"
                data = np.ascontiguousarray(ids("uint64").T)
                store = tensorstore.open({
                    "driver": "neuroglancer_precomputed",
                    "kvstore": {"driver": "file", "path": matrix.path(path)},
                    "multiscale_metadata": {"type": "segmentation", "data_type": "uint64", "num_channels": 1},
                    "scale_metadata": {
                        "key": "4_4_40", "size": SHAPE[::-1], "encoding": encoding, "chunk_size": CHUNK[::-1],
                        "resolution": [4, 4, 40], "voxel_offset": [0, 0, 0],
                        **({"compressed_segmentation_block_size": [8, 8, 8]} if encoding != "raw" else {}),
                        "sharding": {
                            "@type": "neuroglancer_uint64_sharded_v1", "hash": hashing,
                            "preshift_bits": number % 3, "minishard_bits": 2 + number % 2, "shard_bits": number % 4,
                            "minishard_index_encoding": index, "data_encoding": "gzip" if number % 2 else "raw",
                        },
                    },
                }, create=True).result()
                store[..., 0].write(data).result()
                matrix.add(path, ids("uint64"), "optics.pixel_size=4", tells_size=True)
    jpeg = cloudvolume.CloudVolume.create_new_info(
        num_channels=1, layer_type="image", data_type="uint8", encoding="jpeg", resolution=[4, 4, 40],
        voxel_offset=[0, 0, 0], chunk_size=CHUNK[::-1], volume_size=SHAPE[::-1],
    )
    cloudvolume.CloudVolume("file://" + matrix.path("p_jpeg"), info=jpeg).commit_info()
    matrix.refuse("p_jpeg", "cloudvolume")


def n5(matrix):
    compressions = {
        "raw": {"type": "raw"}, "gzip": {"type": "gzip"}, "bzip2": {"type": "bzip2"}, "zstd": {"type": "zstd"},
        "blosc": {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
    }
    dtypes = ("uint64", "uint32", "uint8", "int32", "uint16", "int64")
    number = 0
    for name, compression in compressions.items():
        for blocks in (CHUNK, (19, 45, 38)):
            dtype = dtypes[number % len(dtypes)]
            path = f"n{number}_{name}_{dtype}.n5"
            Path(matrix.path(path)).mkdir()
            Path(matrix.path(path), "attributes.json").write_text('{"n5": "2.0.0"}')
            store = tensorstore.open({
                "driver": "n5", "kvstore": {"driver": "file", "path": matrix.path(f"{path}/volumes/labels")},
                "metadata": {
                    "compression": compression, "dataType": dtype, "dimensions": SHAPE[::-1],
                    "blockSize": blocks[::-1], "resolution": [4, 4, 40], "units": ["nm", "nm", "nm"],
                },
            }, create=True).result()
            store.write(ids(dtype).T).result()
            matrix.add(path, ids(dtype), "optics.pixel_size=4", tells_size=True)
            number += 1
    xz = Path(matrix.path("xz.n5"))
    xz.mkdir()
    attributes = {"dimensions": SHAPE[::-1], "blockSize": CHUNK[::-1], "dataType": "uint8", "compression": {"type": "xz"}}
    (xz / "attributes.json").write_text(json.dumps(attributes))
    matrix.refuse("xz.n5", "z5py")


def run(binary, folder, case):
    """Simulates a case; returns what is wrong with it."""
    number, (name, expected, options) = case
    sets = [f'groundtruth.image_path="{name}"', *options]
    arguments = [argument for option in sets for argument in ("--set", option)]
    out = folder / "out" / str(number)
    command = [str(binary), "config.toml", "--output", str(out), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    case = f"{name} {' '.join(options)}"
    if "panicked" in done.stderr:
        return f"{case}: panicked: {done.stderr}"
    if isinstance(expected, str):
        said = [line for line in done.stderr.splitlines() if line.startswith("error") and expected in line]
        if done.returncode == 0 or not said:
            return f"{case}: not refused with {expected!r}: exit code {done.returncode}, {done.stderr}"
        return None
    if done.returncode:
        return f"{case}: exit code {done.returncode}: {done.stderr}"
    found = tifffile.imread(out / "run/groundtruth/ATTO390/all_cells.tiff")
    if found.shape != expected.shape:
        return f"{case}: shape {found.shape}, not {expected.shape}"
    if not np.array_equal(found.astype("u8"), expected.astype("u8")):
        return f"{case}: ids differ; {found.dtype}, {np.unique(found)[:9]}, not {np.unique(expected)[:9]}"
    return None


def main():
    binary = Path(sys.argv[1]).resolve()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        matrix = Matrix(folder)
        for write in (zarr2, zarr3, ome, hdf5, precomputed, n5):
            write(matrix)
        written = time.monotonic() - start
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda case: run(binary, folder, case), enumerate(matrix.cases))
            problems = [problem for problem in found if problem]
    for problem in problems:
        print(problem)
    seconds = time.monotonic() - start
    print(f"{len(matrix.cases)} containers, {len(problems)} problems, {written:.1f} s to write, {seconds:.1f} s")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
