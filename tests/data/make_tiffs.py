"""Writes the TIFF files in tiff/ that the reader is tested on.

Needs numpy, tifffile and imagecodecs:  python make_tiffs.py
Every valid volume has 3 slices of 20 x 17 pixels (x, y) and holds, in each type, the ids

    v = (7 z + 3 (x div 4) + y div 5) mod 251,  times the type's largest value div 255

(signed types: v times the largest value div 255 of the type one bit narrower), so that all bytes
of the wide types are in use. The tests compute the same.
"""

from pathlib import Path

import numpy as np
import tifffile

OUT = Path(__file__).parent / "tiff"
OUT.mkdir(exist_ok=True)

z, x, y = np.indices((3, 20, 17))
V = (7 * z + 3 * (x // 4) + y // 5) % 251


def ids(dtype):
    dtype = np.dtype(dtype)
    return V.astype(dtype) * dtype.type(np.iinfo(dtype).max // 255)


def write(name, data, **options):
    options.setdefault("photometric", "minisblack")
    options.setdefault("metadata", None)
    tifffile.imwrite(OUT / f"{name}.tif", data, software=False, **options)


for bits in (8, 16, 32, 64):
    write(f"plain_u{bits}", ids(f"u{bits // 8}"))
for name, scheme in {
    "lzw": "lzw",
    "deflate": "zlib",
    "old_deflate": "deflate",
    "packbits": "packbits",
    "zstd": "zstd",
}.items():
    write(f"{name}_u16", ids("u2"), compression=scheme)
for name, dtype in {"u8": "u1", "u16": "u2", "u32": "u4"}.items():
    write(f"deflate_predictor_{name}", ids(dtype), compression="zlib", predictor=True)
write("lzw_predictor_u16", ids("u2"), compression="lzw", predictor=True)
write("zstd_predictor_u32", ids("u4"), compression="zstd", predictor=True)
write("strips_u32", ids("u4"), rowsperstrip=3)
write("lzw_strips_u16", ids("u2"), rowsperstrip=7, compression="lzw")
write("tiled_u16", ids("u2"), tile=(16, 16))
write("tiled_deflate_predictor_u32", ids("u4"), tile=(16, 16), compression="zlib", predictor=True)
write("bigtiff_u32", ids("u4"), bigtiff=True)
write("bigtiff_lzw_u16", ids("u2"), bigtiff=True, compression="lzw")
write("big_endian_u16", ids(">u2"), byteorder=">")
write("big_endian_deflate_predictor_u32", ids(">u4"), byteorder=">", compression="zlib", predictor=True)
write("big_endian_bigtiff_u64", ids(">u8"), byteorder=">", bigtiff=True)
write("signed_i16", ids("i2"))
write("signed_i32_lzw", ids("i4"), compression="lzw")
write("miniswhite_u8", ids("u1"), photometric="miniswhite")
write("miniswhite_u16_deflate", ids("u2"), photometric="miniswhite", compression="zlib")
write("ome_u16", ids("u2"), ome=True, metadata={"axes": "ZYX"})

# ImageJ: pages of their own, and one directory for all slices.
imagej = {"metadata": {"axes": "ZYX", "unit": "um", "spacing": 0.5}, "imagej": True}
write("imagej_u16", ids(">u2"), byteorder=">", **imagej)


def only_first_directory(source, target):
    """ImageJ ends the chain of directories after the first when a stack is larger than 4 GB."""
    data = bytearray((OUT / source).read_bytes())
    with tifffile.TiffFile(OUT / source) as file:
        big_endian = file.byteorder == ">"
        page = file.pages[0]
        count_at = page.offset
    order = "big" if big_endian else "little"
    count = int.from_bytes(data[count_at : count_at + 2], order)
    next_at = count_at + 2 + 12 * count
    data[next_at : next_at + 4] = bytes(4)
    (OUT / target).write_bytes(data)


only_first_directory("imagej_u16.tif", "imagej_contiguous_u16.tif")
write("imagej_u8_little", ids("u1"), byteorder="<", **imagej)
only_first_directory("imagej_u8_little.tif", "imagej_contiguous_u8.tif")
(OUT / "imagej_u8_little.tif").unlink()

# One slice as Cell Tracking Challenge folders have them.
for t in (2, 10, 1):
    write(f"man_seg{t:03}", ids("u2")[t % 3], compression="lzw")

# Masks.
write("bilevel", (V % 2).astype(bool))

# Layouts beyond the usual.
write("packbits_strips_u32", ids("u4"), compression="packbits", rowsperstrip=6)
write("big_endian_zstd_tiled_u16", ids(">u2"), byteorder=">", compression="zstd", tile=(16, 16), predictor=True)
write("bigtiff_zstd_ome_u32", ids("u4"), bigtiff=True, compression="zstd", ome=True, metadata={"axes": "ZYX"})
write("big_endian_lzw_signed_i16", ids(">i2"), byteorder=">", compression="lzw", predictor=True)
# Padded tiles in LZW, which tiff 0.11.3 does not read to their end row by row.
for name, order, bits, predictor in (("u8", "<", 8, False), ("u16", ">", 16, True), ("u32", "<", 32, True)):
    data = ids(f"{order}u{bits // 8}")
    write(f"lzw_tiled_{name}", data, byteorder=order, compression="lzw", tile=(16, 16), predictor=predictor)
write("lzw_tiled_bilevel", (V % 2).astype(bool), compression="lzw", tile=(16, 16))
# One axis that is called channels or frames, as tifffile does unless told the axes.
write("imagej_channels_u16", ids("u2"), imagej=True, metadata={"axes": "CYX"})
write("imagej_frames_u16", ids("u2"), imagej=True, metadata={"axes": "TYX"})
write("ome_times_u16", ids("u2"), ome=True, metadata={"axes": "TYX"})
# One directory for all slices, as tifffile writes it on request.
write("truncated_u16", ids("u2"), metadata={}, truncate=True)


def tiles(data, missing):
    """The tiles of all slices, some of them left out of the file, which stands for zeros."""
    for s in range(3):
        for t, (row, column) in enumerate(((0, 0), (0, 16), (16, 0), (16, 16))):
            tile = np.zeros((16, 16), data.dtype)
            part = data[s, row : row + 16, column : column + 16]
            tile[: part.shape[0], : part.shape[1]] = part
            yield None if (s, t) in missing else tile


write("sparse_tiles_u16", tiles(ids("u2"), {(1, 3), (2, 1), (2, 3)}), shape=(3, 20, 17), dtype="u2", tile=(16, 16))

# A folder of images that differ in all but their size.
MIXED = OUT.parent / "mixed"
MIXED.mkdir(exist_ok=True)
OUT, TIFFS = MIXED, OUT
write("s8", ids("u1")[0], compression="packbits")
write("s9", ids(">u2")[1], byteorder=">", compression="zstd", predictor=True, tile=(16, 16))
write("s10", ids("u4")[2], bigtiff=True, compression="zlib", rowsperstrip=3)
write("s11", ids("i2")[0], compression="lzw", ome=True)
write("s100", ids("u8")[1])
OUT = TIFFS

# What must be refused.
write("imagej_hyperstack", np.stack([ids("u2")] * 2, 1), imagej=True, metadata={"axes": "ZCYX"})
write("ome_channels", np.stack([ids("u2")] * 2, 1), ome=True, metadata={"axes": "ZCYX"})
write("four_axes", np.stack([ids("u1")] * 2), metadata={})
write("volumetric", np.pad(ids("u1"), ((0, 13), (0, 0), (0, 0))), volumetric=True, tile=(16, 16, 16))
# tifffile does not write FillOrder: another tag in its place, renamed in each directory.
write("reversed_bits", (V % 2).astype(bool), extratags=[(265, 3, 1, 2, False)])
reversed_bits = (OUT / "reversed_bits.tif").read_bytes()
(OUT / "reversed_bits.tif").write_bytes(
    reversed_bits.replace(bytes([9, 1, 3, 0, 1, 0, 0, 0, 2]), bytes([10, 1, 3, 0, 1, 0, 0, 0, 2]))
)
write("packed_12_bits", np.minimum(ids("u2"), 4095), bitspersample=12)
for name, scheme in {"lzma": "lzma", "jpeg2000": "jpeg2000", "jpegxl": "jpegxl", "lerc": "lerc", "png": "png"}.items():
    write(name, ids("u1")[0], compression=scheme)
write("negative_i16", np.where(V == 11, -5, V).astype("i2"))
write("float32", V.astype("f4"))
rgb = np.stack([V, V, V], -1).astype("u1")
write("rgb", rgb, photometric="rgb")
write("rgb_planar", np.moveaxis(rgb, -1, 1), photometric="rgb", planarconfig="separate")
write("palette", ids("u1"), photometric="palette", colormap=np.zeros((3, 256), "u2"))
write("two_samples", np.stack([V, V], -1).astype("u1"), planarconfig="contig")
write("jpeg", ids("u1"), compression="jpeg")
with tifffile.TiffWriter(OUT / "sizes_differ.tif") as file:
    for shape in ((20, 17), (20, 17), (19, 17)):
        file.write(np.ones(shape, "u2"), photometric="minisblack", metadata=None, software=False)
with tifffile.TiffWriter(OUT / "types_differ.tif") as file:
    for dtype in ("u2", "u1"):
        file.write(np.ones((20, 17), dtype), photometric="minisblack", metadata=None, software=False)
