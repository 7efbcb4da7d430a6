#!/usr/bin/env python3
"""Writes tests/data/hdf5/*.h5 with h5py: the volume of make_tiffs.py in small files. Needs numpy and h5py."""

from pathlib import Path

import h5py
import numpy as np

folder = Path(__file__).parent / "hdf5"
folder.mkdir(exist_ok=True)
z, x, y = np.indices((3, 20, 17))
ids = ((7 * z + 3 * (x // 4) + y // 5) % 251).astype("u1")
for version in ("earliest", "latest"):
    with h5py.File(folder / f"{version}.h5", "w", libver=version) as file:
        options = {"chunks": (2, 16, 8), "compression": "gzip", "shuffle": True}
        data = file.create_dataset("volumes/labels", data=ids.astype(">u2"), **options)
        data.attrs["resolution"] = [40.0, 5.0, 4.0]
with h5py.File(folder / "plain.h5", "w") as file:
    file["labels"] = ids
with h5py.File(folder / "lzf.h5", "w") as file:
    file.create_dataset("labels", data=ids, chunks=(3, 20, 17), compression="lzf")
