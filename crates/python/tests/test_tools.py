"""What is known without a run; files."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, VOXEL_NM

import simexm_gpu
from simexm_gpu import Config, ConfigurationError, FileError


def test_check() -> None:
    path = Path(EXAMPLES) / "brainbow.toml"
    steps: list[object] = []
    found = simexm_gpu.check(path, progress=lambda *step: steps.append(step))
    assert found["volumes"]["shape_voxels"] == [40, 256, 256] and steps
    assert found["labelling"] is not None and len(found.text.splitlines()) > 10 and str(found) == found.text
    headers = simexm_gpu.check(path, volumes=False, set={"groundtruth.image_path": "nowhere.tif"})
    assert headers["labelling"] is None and any("nowhere" in text for text in headers["warnings"])
    with pytest.raises(FileError, match="nowhere"):
        simexm_gpu.check(path, set={"groundtruth.image_path": "nowhere.tif"})


def test_check_of_arrays(tmp_path: Path) -> None:
    cells = simexm_gpu.phantom((6, 40, 48), VOXEL_NM, seed=3)
    found = simexm_gpu.check(None, cells, voxel_nm=VOXEL_NM)
    assert found["volumes"]["shape_voxels"] == [6, 40, 48] and found["labelling"]["cells"] == len(np.unique(cells)) - 1
    np.save(tmp_path / "labels.npy", cells)
    volume = simexm_gpu.open(tmp_path / "labels.npy")
    again = simexm_gpu.check(None, volume, set={"groundtruth.voxel_dim": list(VOXEL_NM)})
    assert again["labelling"] == found["labelling"]
    with pytest.raises(ConfigurationError, match="astype"):
        simexm_gpu.check(None, cells.astype(float))


def test_plan() -> None:
    found = simexm_gpu.plan(None, shape=(64, 1024, 1024), set={"groundtruth.image_path": "nowhere.tif", "compute.backend": "cpu"})
    assert found["shape_voxels"] == [64, 1024, 1024] and found["devices"][0]["cut"]["slabs"] >= 1
    with pytest.raises(ConfigurationError, match="bounds"):
        simexm_gpu.plan(None, set={"groundtruth.image_path": "nowhere.tif"})


def test_psf() -> None:
    found = simexm_gpu.psf(voxel_nm=VOXEL_NM, channel="channel_1", fluorophore="atto425")
    [psf] = found
    assert psf.channel == "channel_1" and psf.fluorophore == "ATTO425" and psf.microscope == "confocal"
    assert psf.values.dtype == np.float32 and psf.values[psf.centre] == psf.values.max()
    assert psf.voxel_nm == pytest.approx((180, 108, 108)) and psf.excitation_nm == 425
    z, x, y = psf.full_width_nm
    assert z is not None and x is not None and y is not None and z > x > 100
    assert "electrons" in psf.unit and "channel_1" in repr(psf)
    # A dye that no layer has.
    [other] = simexm_gpu.psf(voxel_nm=VOXEL_NM, channel="channel_1", fluorophore="ATTO488")
    assert other.fluorophore == "ATTO488"
    with pytest.raises(ConfigurationError, match="channel_1"):
        simexm_gpu.psf(channel="channel_9")
    with pytest.raises(ConfigurationError, match="ATTO425"):
        simexm_gpu.psf(fluorophore="ATTO999")


def test_fluorophores(tmp_path: Path) -> None:
    dyes = simexm_gpu.fluorophores()
    atto = dyes["ATTO425"]
    wavelengths, values = atto.emission
    assert wavelengths[values.argmax()] == atto.emission_peak_nm and len(dyes) > 20
    assert 0 < atto.quantum_yield <= 1 and atto.extinction_coefficient > 1000 and "ATTO425" in repr(atto)
    (tmp_path / "own.csv").write_text("wavelength,excitation,emission\n400,0,0\n500,1,0\n550,0,1\n650,0,0\n")
    own = {"quantum_yield": 0.5, "extinction_coefficient": 50000, "spectra": tmp_path / "own.csv"}
    with_own = simexm_gpu.fluorophores(Config().changed({"fluorophores.own": own}))
    assert with_own["own"].excitation_peak_nm == 500 and set(dyes) < set(with_own)


def test_phantom() -> None:
    cells = simexm_gpu.phantom((6, 30, 40), VOXEL_NM, seed=9, density=0.5)
    assert cells.shape == (6, 30, 40) and cells.dtype == np.uint32
    assert abs((cells != 0).mean() - 0.5) < 0.05
    same, parts = simexm_gpu.phantom((6, 30, 40), VOXEL_NM, seed=9, density=0.5, organelles=True)
    np.testing.assert_array_equal(same, cells)
    assert set(parts) == {"mitochondria", "nuclei", "synapses"}
    assert all(part.shape == cells.shape for part in parts.values())
    for wrong in ({"density": 2}, {"size": (0, 3, 3)}, {"size": (3, 3)}, {"seed": -1}, {"voxel_nm": (0, 1, 1)}, {"size": (-1, 3, 3)}):
        with pytest.raises(ConfigurationError, match="must be|at least"):
            simexm_gpu.phantom(**{"size": (4, 4, 4), **wrong})


def test_devices() -> None:
    for index, adapter in enumerate(simexm_gpu.devices()):
        assert adapter.index == index and adapter.name and adapter.binding_bytes > 0


def test_open(tmp_path: Path) -> None:
    volume = simexm_gpu.open(Path(EXAMPLES) / "cortex.tif")
    assert volume.labels.shape == (40, 256, 256) and volume.labels.dtype == np.uint16
    assert volume.voxel_nm == pytest.approx((40, 24, 24)) and "cortex.tif" in repr(volume)
    part = simexm_gpu.open(Path(EXAMPLES) / "cortex.tif", offset=(17, 100, 50), bounds=(20, 30, 40))
    np.testing.assert_array_equal(part.labels, volume.labels[17:37, 100:130, 50:90])
    np.testing.assert_array_equal(np.asarray(volume), volume.labels)
    # It brings the size of its voxels along.
    result = simexm_gpu.simulate(part, seed=1)
    assert result.tissue_voxel_nm == pytest.approx((40, 24, 24), abs=0.1)
    for kind in ("u1", "u2", "u4", "u8", "i4"):
        ids = (np.arange(24).reshape(2, 3, 4) * 5).astype(kind)
        np.save(tmp_path / "ids.npy", ids)
        read = simexm_gpu.open(tmp_path / "ids.npy", format="npy", background=[0, 10])
        np.testing.assert_array_equal(read.labels, np.where(ids == 10, 0, ids))
        assert read.voxel_nm == (None, None, None)
    with pytest.raises(FileError, match="nowhere") as error:
        simexm_gpu.open("nowhere.tif")
    assert isinstance(error.value, OSError)
    with pytest.raises(ConfigurationError, match="goes beyond"):
        simexm_gpu.open(tmp_path / "ids.npy", offset=(2, 0, 0))
    with pytest.raises(ConfigurationError, match="tiff"):
        simexm_gpu.open(tmp_path / "ids.npy", format="tif")
    np.save(tmp_path / "ids.npy", -np.ones((2, 3, 4), np.int32))
    with pytest.raises(FileError, match="-1|negative"):
        simexm_gpu.open(tmp_path / "ids.npy")


def test_an_import_touches_no_gpu() -> None:
    code = """
import sys
import simexm_gpu
for heavy in ("torch", "scipy", "tqdm", "napari", "matplotlib"):
    assert heavy not in sys.modules, heavy
if sys.platform == "linux":
    with open("/proc/self/maps") as maps:
        assert "vulkan" not in maps.read()
    import os
    assert len(os.listdir("/proc/self/task")) <= int(sys.argv[1]), os.listdir("/proc/self/task")
"""
    # numpy's own threads.
    count = "import numpy, os; print(len(os.listdir('/proc/self/task')) if os.path.exists('/proc') else 0)"
    threads = subprocess.run([sys.executable, "-c", count], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([sys.executable, "-c", code, threads], check=True)


def test_everything_has_words() -> None:
    for name in simexm_gpu.__all__:
        what = getattr(simexm_gpu, name)
        if inspect.isclass(what) or inspect.isroutine(what):
            assert what.__doc__ and not what.__doc__.startswith(f"{name}("), name
    for name in ("changed", "from_file", "from_toml", "default", "to_toml", "to_dict"):
        assert getattr(Config, name).__doc__, name
