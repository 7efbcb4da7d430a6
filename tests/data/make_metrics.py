"""Figures of metrics by NumPy, SciPy and scikit-image, for src/apps/metrics/tests.rs.

    pip install scikit-image==0.26.0
    python tests/data/make_metrics.py

writes tests/data/metrics/reference.json. The volumes are made of whole numbers by rules that the tests follow, too.
"""

import json
import pathlib

import numpy as np
from scipy import ndimage
from skimage.metrics import adapted_rand_error, variation_of_information
from skimage.segmentation import find_boundaries, watershed

SHAPE = (3, 24, 30)
CENTRES = [(0, 4, 5), (1, 6, 22), (2, 15, 12), (0, 19, 25), (1, 20, 4), (2, 3, 14)]


def mixed(number):
    """A whole number below 2^24 of the voxels' numbers, and of which volume it is."""
    x = (np.arange(np.prod(SHAPE), dtype=np.uint64) * 2654435761 + number * 40503) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    return (x >> 8).reshape(SHAPE)


def noise(number):
    return mixed(number).astype(np.float64) / (1 << 24)


def cells():
    z, x, y = np.indices(SHAPE)
    far = [4 * (z - cz) ** 2 + (x - cx) ** 2 + (y - cy) ** 2 for cz, cx, cy in CENTRES]
    near = np.sort(far, axis=0)
    ids = 1 + np.argmin(far, axis=0)
    return np.where(near[1] - near[0] < 12, 0, ids)


def scores(truth, found):
    error, *_ = adapted_rand_error(truth, found, ignore_labels=[0])
    split, merge = variation_of_information(truth, found, ignore_labels=[0])
    return [float(error), float(split), float(merge)]


def rings(first, second, pixel):
    _, rows, columns = first.shape
    window = np.outer(
        0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(rows) + 0.5) / rows),
        0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(columns) + 0.5) / columns),
    )
    step = 1 / max(rows * pixel[0], columns * pixel[1])
    count = int(np.floor(0.5 / max(pixel) / step + 1e-9)) + 1
    frequency = np.hypot(np.fft.fftfreq(rows, pixel[0])[:, None], np.fft.fftfreq(columns, pixel[1])[None, :])
    ring = np.round(frequency / step).astype(int)
    sums = np.zeros((3, count))
    for a, b in zip(first, second):
        a, b = (np.fft.fft2((part - part.mean()) * window) for part in (a, b))
        for row, values in enumerate([(a * b.conj()).real, abs(a) ** 2, abs(b) ** 2]):
            for number in range(count):
                sums[row, number] += values[ring == number].sum()
    return sums[0] / np.sqrt(sums[1] * sums[2])


truth = cells()
height = noise(1)
assert len(np.unique(height)) == height.size, "ties would be broken by order"
markers = np.where((mixed(2) < 0.03 * (1 << 24)) & (truth > 0), truth, 0)
flooded = watershed(height, markers, connectivity=1)
halves = truth + 10 * (np.indices(SHAPE)[2] >= 15)
shuffled = truth.ravel()[np.argsort(mixed(3).ravel(), kind="stable")].reshape(SHAPE)
smooth = ndimage.gaussian_filter(noise(4), 1.0, axes=(1, 2), mode="reflect", truncate=4.0)
pair = [smooth + 0.3 * noise(number) for number in (5, 6)]
mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
bent = np.array([np.abs(ndimage.convolve(part, mask))[1:-1, 1:-1] for part in noise(1).astype(np.float32).astype(float)])
depth = np.zeros(SHAPE, int)
for part, slice_of_truth in zip(depth, truth):
    for cell in np.unique(slice_of_truth):
        inside = slice_of_truth == cell
        part[inside] = ndimage.distance_transform_cdt(inside, metric="taxicab")[inside]
correlation = rings(*(part.astype(np.float32).astype(float) for part in pair), (30.0, 20.0))
below = next(number for number in range(1, len(correlation)) if correlation[number] < 1 / 7)
crossing = below - 1 + (correlation[below - 1] - 1 / 7) / (correlation[below - 1] - correlation[below])
reference = {
    "cells": "".join(map(str, truth.ravel())),
    "membranes": int(sum(find_boundaries(part, connectivity=1, mode="inner").sum() for part in truth)),
    "depths": int(depth.sum()),
    "flooded": "".join(map(str, flooded.ravel())),
    "scores": {
        "truth": scores(truth, truth),
        "flooded": scores(truth, flooded),
        "merged": scores(truth, np.where(truth == 2, 1, truth)),
        "halves": scores(truth, halves),
        "shuffled": scores(truth, shuffled),
    },
    "smoothed": [float(smooth[at]) for at in [(0, 0, 0), (1, 12, 7), (2, 23, 29)]],
    "noise_of_one": float(np.sqrt(np.pi / 2) / 6 * bent.mean()),
    "rings": [float(value) for value in correlation],
    "resolution_nm": float(max(SHAPE[1] * 30.0, SHAPE[2] * 20.0) / crossing),
}
out = pathlib.Path(__file__).parent / "metrics" / "reference.json"
out.write_text(json.dumps(reference, indent=1) + "\n")
