"""What the tests have in common: a small piece of tissue, and a configuration that takes no time."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import simexm_gpu

VOXEL_NM = (40.0, 24.0, 24.0)
EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "examples")


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that wants another one says so."""
    monkeypatch.setenv("SIMEXM_BACKEND", "cpu")


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> None:
    """Python leaves Ctrl-C ignored where its parent did, as shells do behind an &."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cells() -> np.ndarray:
    return simexm_gpu.phantom((8, 40, 48), VOXEL_NM, seed=3)


@pytest.fixture(scope="session")
def config() -> simexm_gpu.Config:
    """One dye on all cells: no warning."""
    tables = simexm_gpu.Config().to_dict()
    layer = {"fluorophore": "ATTO550", "region": "full", "labeling_density": 1.0, "protein_density": 2e-6}
    tables["labeling"] = {"all": layer}
    tables["optics"]["channels"] = {"green": tables["optics"]["channels"]["channel_2"]}
    # A pixel is a voxel wide.
    tables["optics"]["pixel_size"] = 6480
    return simexm_gpu.Config(tables)
