"""Writes the NumPy files in npy/ that the reader is tested on.

Needs numpy:  python make_npys.py
The ids are those of make_tiffs.py.
"""

from pathlib import Path

import numpy as np
from numpy.lib import format as npy

OUT = Path(__file__).parent / "npy"
OUT.mkdir(exist_ok=True)

z, x, y = np.indices((3, 20, 17))
V = (7 * z + 3 * (x // 4) + y // 5) % 251


def ids(dtype):
    dtype = np.dtype(dtype)
    return (V.astype(dtype) * dtype.type(np.iinfo(dtype).max // 255)).astype(dtype)


def write(name, data, version=None):
    with open(OUT / f"{name}.npy", "wb") as file:
        npy.write_array(file, data, version=version)


for dtype in ("u1", "u2", "u4", "u8", "i2", "i4", "i8"):
    write(dtype, ids(dtype))
write("big_endian_u4", ids(">u4"))
write("version_2_u2", ids("u2"), version=(2, 0))
write("version_3_u2", ids("u2"), version=(3, 0))
write("fortran_u2", np.asfortranarray(ids("u2")))
write("fortran_big_endian_u8", np.asfortranarray(ids(">u8")))
write("bool", V % 2 == 1)
write("one_slice_u2", ids("u2")[1])


# What Cellpose saves: a dictionary, pickled. Some of it is there twice, and some comes after the masks.
def seg(name, masks):
    outlines = np.zeros_like(masks)
    data = {
        "outlines": outlines, "colors": np.zeros((5, 3), "u1"), "masks": masks, "chan_choose": [0, 0],
        "ismanual": np.zeros(5, bool), "filename": "/data/cells.tif", "flows": [outlines, V / 2, [], None],
        "diameter": 17.5, "model_path": 0, "large": -1 << 40, "again": {"masks": 1},
    }
    np.save(OUT / f"{name}.npy", data, allow_pickle=True)


seg("cellpose_u2_seg", ids("u2"))
seg("cellpose_fortran_u4_seg", np.asfortranarray(ids(">u4")))
seg("cellpose_slice_u2_seg", ids("u2")[1])

# What must be refused.
write("negative_i4", np.where(V == 11, -5, V).astype("i4"))
write("negative_fortran_i1", np.asfortranarray(np.where(V == 11, -5, V).astype("i1")))
write("float", V / 2)
write("complex", V.astype("c8"))
write("half", V.astype("f2"))
write("structured", np.zeros((3, 4, 5), [("id", "u2"), ("score", "f4")]))
write("text", np.full((2, 3, 4), "a"))
write("times", np.zeros((2, 3, 4), "M8[s]"))
write("one_axis", np.arange(9, dtype="u2"))
write("four_axes", ids("u1")[None, :2])
write("nothing", np.zeros((3, 0, 17), "u2"))
