#!/usr/bin/env python3
"""A whole run against merely reading its input and writing its output, in one session, taking turns.

    cargo build --release
    benches/peers/run.py CONFIG [--rounds 5] [--devices cpu,gpu]

No program that makes these files can be faster than reading and writing them. Python reads the volume and writes the
same images and ground truth with tifffile, with the compression that ours has. The first round is not counted;
medians of the rounds are compared, and the memory at the peak is told. CONFIG reads a TIFF stack and writes TIFF.

Needs numpy, tifffile and imagecodecs.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import tifffile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(binary, config, device, folder):
    """Seconds and bytes at the peak of a whole run that writes to this folder."""
    command = [binary, config, "--backend", device, "--seed", "1", "--force", "--quiet", "--output", folder]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{binary} --backend {device} ended with {os.waitstatus_to_exitcode(status)}")
    # Linux tells kilobytes, macOS bytes.
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def outputs(folder):
    """Images and ground truth of a run: (name, array, how they are written)."""
    found = []
    for path in sorted(folder.rglob("*.tiff")):
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            how = {"compression": page.compression, "rowsperstrip": page.rowsperstrip}
            found.append((path.name, file.asarray(), how))
    return found


def read_and_write(source, written, folder):
    """Seconds to read the volume and to write what a run wrote."""
    start = time.perf_counter()
    tifffile.imread(source)
    for number, (name, array, how) in enumerate(written):
        tifffile.imwrite(folder / f"{number}_{name}", array, photometric="minisblack", **how)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count")
    parser.add_argument("--devices", default="cpu", help="cpu, gpu or both, of ours")
    parser.add_argument("--binary", default=ROOT / "target/release/simexm-gpu", type=pathlib.Path)
    args = parser.parse_args()
    if not args.binary.exists():
        sys.exit(f"{args.binary} is not there: cargo build --release")
    devices = args.devices.split(",")
    times, memory = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # Before anything is read here: a process begins with the memory of the one that starts it.
        for device in devices:
            _, memory[device] = run(args.binary, args.config, device, folder)
        (told,) = folder.rglob("simulation.toml")
        source = tomllib.loads(told.read_text())["groundtruth"]["image_path"]
        written = outputs(folder)
        if not written:
            sys.exit(f"{args.config} writes no TIFF stacks")
        # The first round warms everything up: files, shaders, pages.
        for round_number in range(args.rounds + 1):
            if round_number == 1:
                times.clear()
            times.setdefault("read and write", []).append(read_and_write(source, written, folder))
            for device in devices:
                seconds, _ = run(args.binary, args.config, device, folder)
                times.setdefault(device, []).append(seconds)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, seconds in medians.items():
        peak = f", {memory[name] / 1e6:.0f} MB at the peak" if name in memory else ""
        print(f"{name:<15} {seconds:.3f} s ({min(times[name]):.3f} to {max(times[name]):.3f}){peak}")
    for device in devices:
        print(f"{device} / read and write = {medians[device] / medians['read and write']:.2f}")
    if devices == ["cpu", "gpu"]:
        print(f"gpu / cpu = {medians['gpu'] / medians['cpu']:.2f}")


if __name__ == "__main__":
    main()
