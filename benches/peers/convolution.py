#!/usr/bin/env python3
"""The convolution against what Python users have, in one session, taking turns.

    cargo build --release --example convolve
    benches/peers/convolution.py [--shapes 150x773x739,256x256x256] [--rounds 5] [--devices cpu,gpu]

Every peer convolves the same float32 volume, reflected by 15 voxels on each side, with the same 31 x 31 x 31
values, and keeps the part that is the volume:

* scipy.signal.fftconvolve of the padded array, float32, 2 workers; padding is not timed;
* cuFFT through torch, or else through cupy: rfftn, product with the kernel's spectrum, irfftn of the padded array
  (at a length that is quick to transform), where there is CUDA. The volume is on the device already, the spectrum of
  the kernel is known.

Ours is timed twice: "total" from array to array, reflection included, and "passes" by the passes alone, which is what
compares with cuFFT. The first round is not counted; ratios are peer / ours, medians of the rounds, and above 1
where ours is faster. The results are compared too: whole photons against the unrounded ones of a float64
convolution by scipy, for volumes of at most 2^22 voxels, else by scipy in float32.

Needs numpy and scipy; torch or cupy if there is a GPU with CUDA.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

# Before numpy and scipy start their threads.
os.environ.setdefault("RAYON_NUM_THREADS", "2")

import numpy as np
import scipy
import scipy.fft
import scipy.signal

RADIUS = 15
ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLISHED = "8x100x100,20x200x200,150x773x739"


def kernel():
    """A symmetric kernel that is no product of its axes; its sum is 1."""
    z, x, y = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    r = np.hypot(x, y)
    values = np.exp(-((z / 5.0) ** 2)) * np.exp(-((r / (1.5 + 0.2 * np.abs(z))) ** 2))
    return values / values.sum()


def photons(shape):
    """Sparse photons, as labelled tissue emits them."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(400, shape) * (rng.random(shape, dtype=np.float32) < 0.25)
    return counts.astype(np.float32)


def reflected(volume):
    return np.pad(volume, RADIUS, mode="reflect")


def scipy_convolve(padded, psf):
    with scipy.fft.set_workers(2):
        return scipy.signal.fftconvolve(padded, psf.astype(padded.dtype), mode="valid")


class Cuda:
    """cuFFT, through torch or cupy."""

    def __init__(self, volume, psf):
        padded = reflected(volume)
        # Circular: what wraps around falls on the padding.
        lengths = [scipy.fft.next_fast_len(n, real=axis == 2) for axis, n in enumerate(padded.shape)]
        self.lengths, self.shape = lengths, volume.shape
        try:
            import torch

            if not torch.cuda.is_available():
                raise ImportError
            self.name = f"cuFFT (torch {torch.__version__}, {torch.cuda.get_device_name()})"
            self.volume, psf = (torch.from_numpy(a.astype(np.float32)).cuda() for a in (padded, psf))
            self.wait = torch.cuda.synchronize
            self.forward = lambda a: torch.fft.rfftn(a, s=lengths)
            self.back = lambda a: torch.fft.irfftn(a, s=lengths)
            self.array = lambda a: a.cpu().numpy()
            self.copy = self.volume.clone
        except ImportError:
            import cupy

            if cupy.cuda.runtime.getDeviceCount() == 0:
                raise ImportError("no CUDA device")
            self.name = f"cuFFT (cupy {cupy.__version__})"
            self.volume, psf = (cupy.asarray(a, dtype=cupy.float32) for a in (padded, psf))
            self.wait = cupy.cuda.Stream.null.synchronize
            self.forward = lambda a: cupy.fft.rfftn(a, s=lengths)
            self.back = lambda a: cupy.fft.irfftn(a, s=lengths)
            self.array = cupy.asnumpy
            self.copy = self.volume.copy
        self.spectrum = self.forward(psf)
        self.result = None

    def run(self):
        self.wait()
        start = time.perf_counter()
        self.result = self.back(self.forward(self.volume) * self.spectrum)
        self.wait()
        return time.perf_counter() - start

    def copied_bytes_per_second(self):
        """Of a copy from device to device: what memory can do."""
        self.copy()
        self.wait()
        start = time.perf_counter()
        for _ in range(10):
            self.copy()
        self.wait()
        return 20 * self.volume.nbytes / (time.perf_counter() - start)

    def blurred(self):
        z, x, y = self.shape
        first = 2 * RADIUS
        return self.array(self.result[first : first + z, first : first + x, first : first + y])


def cuda(volume, psf):
    try:
        return Cuda(volume, psf)
    except Exception as error:  # Whatever CUDA lacks, the other peers can be timed.
        return f"cuFFT is not measured: neither torch nor cupy finds a CUDA device ({error!r})"


class Ours:
    """The example `convolve`, which convolves once for each line it is sent."""

    def __init__(self, binary, device, folder, shape):
        self.output = folder / f"{device}.raw"
        self.shape = shape
        paths = [folder / "photons.raw", folder / "octant.raw", self.output]
        sizes = ",".join(map(str, shape))
        self.process = subprocess.Popen(
            [binary, sizes, *map(str, paths), device, "--ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.name = json.loads(self.answer())["device"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"convolve ended with {self.process.wait()}")
        return line

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        told = json.loads(self.answer())
        passes = [told_pass["seconds"] for told_pass in told["passes"]]
        seconds = None if None in passes else sum(passes)
        return told["seconds"], seconds, sum(told_pass["bytes"] for told_pass in told["passes"])

    def blurred(self):
        self.process.stdin.close()
        if self.process.wait():
            sys.exit(f"convolve ended with {self.process.returncode}")
        return np.fromfile(self.output, np.uint32).reshape(self.shape)


def compare(name, blurred, expected):
    error = np.linalg.norm(blurred - expected) / np.linalg.norm(expected)
    print(f"  {name}: relative L2 difference {error:.1e}, at most {np.abs(blurred - expected).max():.2f} photons")
    return error


def measure(shape, args, folder):
    volume, psf = photons(shape), kernel()
    volume.astype(np.float32).tofile(folder / "photons.raw")
    psf[RADIUS:, RADIUS:, RADIUS:].astype(np.float64).tofile(folder / "octant.raw")
    print(f"\n{'x'.join(map(str, shape))} voxels, {volume.size / 1e6:.2f} million")
    ours = {}
    for device in args.devices.split(","):
        ours[device] = Ours(args.binary, device, folder, shape)
    peer = cuda(volume, psf)
    if isinstance(peer, str):
        print(f"  {peer}")
        peer = None
    times, padded = {}, reflected(volume)

    def note(name, seconds):
        if seconds is not None:
            times.setdefault(name, []).append(seconds)

    moved = {}
    # The first round warms everything up: plans, shaders, pages.
    for round_number in range(args.rounds + 1):
        if round_number == 1:
            times.clear()
        start = time.perf_counter()
        from_scipy = scipy_convolve(padded, psf)
        note("scipy", time.perf_counter() - start)
        for device, process in ours.items():
            total, passes, moved[device] = process.run()
            note(f"{device} total", total)
            note(f"{device} passes", passes)
        if peer:
            note("cuFFT", peer.run())
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, seconds in medians.items():
        spread = f"{min(times[name]):.4f} to {max(times[name]):.4f}"
        rate = volume.size / seconds / 1e6
        print(f"  {name:<12} {seconds:.4f} s ({spread}), {rate:.1f} million voxels/s")
    for device, process in ours.items():
        print(f"  scipy / {device} total = {medians['scipy'] / medians[f'{device} total']:.2f}   ({process.name})")
        passes = medians.get(f"{device} passes")
        if passes:
            achieved = moved[device] / passes
            print(f"  {device}: {moved[device] / 1e6:.1f} MB to move, {achieved / 1e9:.2f} GB/s")
            if peer and device == "gpu":
                copy = peer.copied_bytes_per_second()
                print(f"  cuFFT / gpu passes = {medians['cuFFT'] / passes:.2f}   ({peer.name})")
                print(f"  {achieved / copy:.0%} of a device-to-device copy's {copy / 1e9:.1f} GB/s")
    small = volume.size <= 1 << 22
    expected = scipy_convolve(padded.astype(np.float64), psf) if small else from_scipy
    print(f"  against scipy in {'float64' if small else 'float32'}:")
    results = {device: process.blurred() for device, process in ours.items()}
    if peer:
        results["cuFFT"] = peer.blurred()
    # Whole photons: half a photon of rounding, and the rounding of float32.
    allowed = 0.5 + 1e-6 * expected.max() * (1 if small else 4)
    wrong = []
    for name, blurred in results.items():
        compare(name, blurred, expected)
        if np.abs(blurred - expected).max() > allowed:
            wrong.append(name)
    if wrong:
        sys.exit(f"wrong results: {', '.join(wrong)} (more than {allowed:.3f} photons)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default=PUBLISHED + ",256x256x256", help="z x x x y, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count")
    parser.add_argument("--devices", default="cpu", help="cpu, gpu or both, of ours")
    parser.add_argument("--binary", default=ROOT / "target/release/examples/convolve", type=pathlib.Path)
    args = parser.parse_args()
    if not args.binary.exists():
        sys.exit(f"{args.binary} is not there: cargo build --release --example convolve")
    print(f"numpy {np.__version__}, scipy {scipy.__version__}, 2 workers; ours with {os.environ['RAYON_NUM_THREADS']} threads")
    for shape in args.shapes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            measure(tuple(map(int, shape.split("x"))), args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
