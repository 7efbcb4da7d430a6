"""Endless training data."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, VOXEL_NM

import simexm_gpu
from simexm_gpu import Config, ConfigurationError, Stream, targets

CROP = (4, 16, 20)
RANGES = {
    "expansion.factor": (4.0, 5.0),
    "optics.exposure_time": ["2 us", "8 us"],
    "labeling.all.fluorophore": ["ATTO550", "Alexa546"],
}


@pytest.fixture(scope="module")
def volume() -> np.ndarray:
    return simexm_gpu.phantom((16, 64, 64), VOXEL_NM, seed=3, density=0.4)


@pytest.fixture
def stream(volume: np.ndarray, config: Config) -> Stream:
    return Stream([volume, volume[:, ::-1]], RANGES, CROP, 5, config=config, margin=(1, 2, 2))


def test_pairs_of_one_shape_that_belong_together(stream: Stream, volume: np.ndarray) -> None:
    drawn: dict[str, set] = {}
    for index, (images, truth) in zip(range(8), stream):
        sample = stream[index]
        np.testing.assert_array_equal(sample.images, images, strict=True)
        np.testing.assert_array_equal(sample.truth, truth, strict=True)
        assert images.shape == (1, *CROP) and truth.shape == CROP and images.dtype == np.uint16
        assert truth.any() and set(np.unique(truth)) <= set(np.unique(volume))
        # Cells are bright, and where they are says the truth.
        if (truth == 0).any():
            assert images[0][truth != 0].mean() > images[0][truth == 0].mean()
        for key, value in sample.values.items():
            drawn.setdefault(key, set()).add(value)
        drawn.setdefault("volume", set()).add(sample.volume)
        drawn.setdefault("seed", set()).add(sample.seed)
    assert len(drawn["expansion.factor"]) == len(drawn["seed"]) == 8
    assert all(4 <= factor <= 5 for factor in drawn["expansion.factor"])
    assert drawn["optics.exposure_time"] == {"2 us", "8 us"} and drawn["volume"] == {0, 1}


def test_a_seed_says_all(stream: Stream, volume: np.ndarray, config: Config) -> None:
    first = list(itertools.islice(stream, 4))
    again = Stream([volume, volume[:, ::-1]], RANGES, CROP, 5, config=config, margin=(1, 2, 2))
    copy = pickle.loads(pickle.dumps(stream))
    for other in (again, copy):
        for (images, truth), (a, b) in zip(other, first):
            np.testing.assert_array_equal(images, a)
            np.testing.assert_array_equal(truth, b)
    other = Stream([volume, volume[:, ::-1]], RANGES, CROP, 6, config=config, margin=(1, 2, 2))
    assert not np.array_equal(other[0].images, first[0][0])
    # The parts of several processes together are the stream, and none repeats another's.
    parts = [list(itertools.islice(stream.part(part, 2), 2)) for part in range(2)]
    for index in range(4):
        np.testing.assert_array_equal(parts[index % 2][index // 2][0], first[index][0])
    assert not np.array_equal(parts[0][0][0], parts[1][0][0])


def first_of(stream: Stream, part: int, parts: int) -> np.ndarray:
    return next(stream.part(part, parts))[0]


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_share_a_stream(start: str, stream: Stream) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"a system without {start}")
    expected = [stream[index].images for index in range(2)]
    with multiprocessing.get_context(start).Pool(2) as pool:
        found = pool.starmap(first_of, [(stream, part, 2) for part in range(2)])
    for images, reference in zip(found, expected):
        np.testing.assert_array_equal(images, reference)


def test_flips_turn_image_and_truth_alike(volume: np.ndarray, config: Config) -> None:
    plain = Stream(volume, crop=(4, 16, 16), seed=1, config=config, flips=False, margin=(0, 0, 0))
    flipped = Stream(volume, crop=(4, 16, 16), seed=1, config=config, margin=(0, 0, 0))
    seen = set()
    for index in range(12):
        sample = plain[index]
        z, x, y = sample.offset
        np.testing.assert_array_equal(sample.truth, volume[z : z + 4, x : x + 16, y : y + 16])
        z, x, y = (turned := flipped[index]).offset
        part = volume[z : z + 4, x : x + 16, y : y + 16]
        ways = [
            (flips, turn)
            for flips in itertools.product((1, -1), repeat=3)
            for turn in (False, True)
            if np.array_equal(turned.truth, flip(part, flips, turn))
        ]
        assert len(ways) == 1
        seen.add(ways[0])
    assert len(seen) > 4 and {turn for _, turn in seen} == {False, True}


def flip(part: np.ndarray, flips: tuple, turn: bool) -> np.ndarray:
    part = part[tuple(slice(None, None, step) for step in flips)]
    return part.transpose(0, 2, 1) if turn else part


def test_targets_of_all_kinds(volume: np.ndarray, config: Config) -> None:
    pytest.importorskip("scipy")
    names = ["ids", "affinities", "boundaries", "distances"]
    common = {"crop": CROP, "seed": 2, "config": config}
    truth = Stream(volume, target=names, **common)[3].truth
    assert isinstance(truth, dict) and list(truth) == names
    ids = truth["ids"]
    np.testing.assert_array_equal(truth["affinities"], targets.affinities(ids))
    np.testing.assert_array_equal(truth["boundaries"], targets.boundaries(ids))
    assert truth["affinities"].shape == (3, *CROP) and truth["distances"].dtype == np.float32
    for name in names:
        np.testing.assert_array_equal(Stream(volume, target=name, **common)[3].truth, truth[name])
    dye = Stream(volume, fluorophore="ATTO550", **common)[3].truth
    np.testing.assert_array_equal(dye, ids)
    with pytest.raises(ConfigurationError, match="ATTO550"):
        Stream(volume, fluorophore="ATTO425", **common)[3]


def test_targets_by_their_definition() -> None:
    random = np.random.default_rng(0)
    ids = random.integers(0, 3, (4, 5, 6)).astype(np.uint16)
    affinities, boundaries = targets.affinities(ids, [(-1, 0, 0), (0, 2, 0), (0, 0, -9)]), targets.boundaries(ids)
    for place in np.ndindex(ids.shape):
        z, x, y = place
        assert affinities[0][place] == (z > 0 and ids[place] == ids[z - 1, x, y] != 0)
        assert affinities[1][place] == (x < 3 and ids[place] == ids[z, min(x + 2, 4), y] != 0)
        near = [(z + 1, x, y), (z - 1, x, y), (z, x + 1, y), (z, x - 1, y), (z, x, y + 1), (z, x, y - 1)]
        inside = [n for n in near if all(0 <= a < size for a, size in zip(n, ids.shape))]
        assert boundaries[place] == (ids[place] != 0 and any(ids[n] != ids[place] for n in inside))
    assert not affinities[2].any()
    with pytest.raises(ConfigurationError, match="3 numbers"):
        targets.affinities(ids, [(1, 0)])
    pytest.importorskip("scipy")
    block = np.zeros((1, 9, 9), np.uint8)
    block[:, 1:8, 1:8] = 4
    distances = targets.distances(block, (50, 10, 20))
    assert distances[0, 4, 4] == 30 and distances[0, 4, 2] == 20 and distances[0, 1, 1] == 0 and distances[0, 0, 0] == 0
    assert np.isinf(targets.distances(np.ones((2, 2, 2), int))).all()
    assert not targets.distances(np.zeros((2, 2, 2), int)).any()


def test_volumes_of_files(config: Config) -> None:
    path = Path(EXAMPLES) / "cortex.tif"
    tables = config.to_dict()
    del tables["groundtruth"]["voxel_dim"]
    stream = Stream([path, simexm_gpu.open(path)], crop=CROP, config=tables)
    sample = stream[0]
    assert sample.tissue_voxel_nm == pytest.approx((40, 24, 24), abs=0.1)
    assert pickle.loads(pickle.dumps(stream))[1].images.shape == (1, *CROP)


def test_random_functions(volume: np.ndarray, config: Config) -> None:
    ranges = {"optics.exposure_time": exposure, "detector.bits": range(12, 15)}
    sample = Stream(volume, ranges, CROP, config=config)[7]
    assert 1e-6 <= sample.values["optics.exposure_time"] <= 1e-5 and sample.values["detector.bits"] in (12, 13, 14)


def exposure(random: np.random.Generator) -> float:
    return float(10 ** random.uniform(-6, -5))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"crop": (40, 16, 16)}, "along z"),
        ({"crop": (4, 160, 16)}, "along x"),
        ({"crop": (4, 16)}, "three whole numbers"),
        ({"crop": (0, 16, 16)}, "at least 1"),
        ({"margin": (-1, 0, 0)}, "at least 0"),
        ({"seed": -1}, "seed"),
        ({"target": "edges"}, "affinities"),
        ({"ranges": {"expansion.factor": (1, 2, 3)}}, "least, most"),
        ({"ranges": {"expansion.factor": []}}, "empty"),
        ({"ranges": {"expansion.factr": [2]}}, "factor"),
        ({"ranges": {"expansion.factor": (0.1, 0.2)}}, "at least 1"),
    ],
)
def test_what_is_wrong_is_told(arguments: dict, words: str, volume: np.ndarray, config: Config) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Stream(volume, **{"config": config, "crop": CROP, "flips": False, **arguments})[0]


def test_indices(stream: Stream, volume: np.ndarray) -> None:
    with pytest.raises(IndexError, match="from 0"):
        stream[-1]
    with pytest.raises(ConfigurationError, match="part"):
        stream.part(2, 2)
    with pytest.raises(ConfigurationError, match="empty"):
        Stream([])
    with pytest.raises(ConfigurationError, match="voxel_nm"):
        Stream(volume)[0]
    assert "2 volumes" in repr(stream)


def stand_in(worker: object) -> types.ModuleType:
    """As much of PyTorch as the dataset takes, where it is not installed."""
    torch, utils, data = (types.ModuleType(name) for name in ("torch", "torch.utils", "torch.utils.data"))
    torch.from_numpy = lambda array: array  # type: ignore[attr-defined]
    data.IterableDataset = type("IterableDataset", (), {})  # type: ignore[attr-defined]
    data.get_worker_info = lambda: worker  # type: ignore[attr-defined]
    torch.utils, utils.data = utils, data  # type: ignore[attr-defined]
    return torch


def test_datasets_of_torch(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = types.SimpleNamespace(id=1, num_workers=2)
    torch = stand_in(worker)
    for module in (torch, torch.utils, torch.utils.data):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "simexm_gpu.torch", raising=False)
    from simexm_gpu.torch import StreamDataset

    images, truth = next(iter(StreamDataset(stream)))
    np.testing.assert_array_equal(images, stream[1].images.astype(np.float32), strict=True)
    np.testing.assert_array_equal(truth, stream[1].truth.astype(np.int64), strict=True)
    second = next(iter(StreamDataset(stream, part=1, parts=2, transform=lambda images, truth: images)))
    np.testing.assert_array_equal(second, stream[3].images)
    monkeypatch.delitem(sys.modules, "simexm_gpu.torch")


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_torch(start: str, stream: Stream) -> None:
    torch = pytest.importorskip("torch")
    from simexm_gpu.torch import StreamDataset

    loader = torch.utils.data.DataLoader(
        StreamDataset(stream), batch_size=None, num_workers=2, multiprocessing_context=start
    )
    found = [images.numpy() for images, _ in itertools.islice(loader, 4)]
    for index, images in enumerate(found):
        np.testing.assert_array_equal(images, stream[index].images.astype(np.float32))
