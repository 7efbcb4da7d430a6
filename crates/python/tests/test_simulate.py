"""Arrays in, arrays out."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, VOXEL_NM

import simexm_gpu
from simexm_gpu import Config, ConfigurationError, FileError, RunError, SimexmWarning, Simulator, simulate


def same(a: simexm_gpu.Result, b: simexm_gpu.Result) -> None:
    assert list(a.images) == list(b.images)
    for name, image in a.images.items():
        np.testing.assert_array_equal(image, b.images[name], strict=True)
    for dye, ids in a.ground_truth.items():
        np.testing.assert_array_equal(ids, b.ground_truth[dye])
    assert a.labelled == b.labelled


@pytest.mark.filterwarnings("ignore::simexm_gpu.SimexmWarning")
def test_the_lines_of_the_documentation() -> None:
    cells = simexm_gpu.phantom((8, 64, 64), (40, 24, 24))
    result = simulate(cells, voxel_nm=(40, 24, 24), seed=7, set={"optics.pixel_size": 6480})
    assert list(result.images) == ["channel_1", "channel_2", "channel_3"]
    assert list(result.ground_truth) == ["ATTO425", "ATTO550", "ATTO700"]
    for image in result.images.values():
        assert image.shape == cells.shape == result.shape and image.dtype == np.uint16
        assert image.max() > 0
    for dye, ids in result.ground_truth.items():
        assert ids.shape == cells.shape and ids.dtype == cells.dtype
        assert set(np.unique(ids)) - {0} <= set(result.labelled[dye])
        # Of a cell that is labelled all voxels are shown, where they are.
        assert np.array_equal(ids != 0, np.isin(cells, result.labelled[dye]))
    assert result.voxel_nm == pytest.approx((180, 108, 108))
    assert result.tissue_voxel_nm == pytest.approx((40, 24, 24))
    assert result.seed == 7 and "CPU" in result.device
    assert result.brightest == {name: image.max() for name, image in result.images.items()}
    assert result.stack().shape == (3, *cells.shape)
    assert result.expected == {}


@pytest.mark.filterwarnings("ignore::simexm_gpu.SimexmWarning")
@pytest.mark.parametrize("model", ["physical", "simexm", "brainbow"])
def test_arrays_give_the_bytes_of_files(model: str, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    cells = simexm_gpu.phantom((10, 50, 60), VOXEL_NM, seed=5).astype(np.uint16)
    np.save(tmp_path / "cells.npy", cells)
    if model == "brainbow":
        config = Config.from_file(os.path.join(EXAMPLES, "brainbow.toml"))
    else:
        config = Config.default(model)
    config = config.changed(
        {"groundtruth.image_path": tmp_path / "cells.npy", "compute.seed": 11, "output.path": tmp_path, "output.name": "run"}
    )
    report = simexm_gpu.run(config)
    result = simulate(cells, config)
    assert report.folder == tmp_path / "run" and report.image_shape == result.shape and report.seed == result.seed == 11
    for name, image in result.images.items():
        file = tifffile.imread(report.folder / "simulation" / f"{name}.tiff")
        np.testing.assert_array_equal(image, file, strict=True)
        assert image.any()
    for dye, ids in result.ground_truth.items():
        path = report.folder / "groundtruth" / dye / "all_cells.tiff"
        np.testing.assert_array_equal(ids, tifffile.imread(path), strict=True)
        np.testing.assert_array_equal(ids, simexm_gpu.open(path).labels)
    # The quick-look of the arrays is the file's.
    assert result.quicklook() == (report.folder / "quicklook.png").read_bytes()
    # The record of the run, which is a configuration, gives them again.
    same(simulate(cells, report.folder / "simulation.toml"), result)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">u2", ">i8"])
def test_whole_numbers_of_any_type(kind: str, cells: np.ndarray, config: Config) -> None:
    reference = simulate(cells, config, seed=1)
    given = (cells % 100).astype(kind) if kind == "i1" else cells.astype(kind)
    if kind == "i1":
        reference = simulate(cells % 100, config, seed=1)
    result = simulate(given, config, seed=1)
    same(result, reference)
    assert result.ground_truth["ATTO550"].dtype == given.dtype.newbyteorder("=")


def test_strides_of_any_kind(cells: np.ndarray, config: Config) -> None:
    reference = simulate(cells, config, seed=1)
    wide = np.zeros((16, 80, 96), cells.dtype)
    wide[::2, ::2, ::2] = cells
    packed = np.zeros(cells.size, [("a", np.uint8), ("id", cells.dtype)])
    packed["id"] = cells.ravel()
    frozen = cells.copy()
    frozen.setflags(write=False)
    for array in (
        np.asfortranarray(cells),
        wide[::2, ::2, ::2],
        cells[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        cells.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        packed["id"].reshape(cells.shape),
        frozen,
    ):
        same(simulate(array, config, seed=1), reference)
    one = np.broadcast_to(cells[:1], cells.shape)
    same(simulate(one, config, seed=1), simulate(one.copy(), config, seed=1))


class Exported:
    """What is no array, but gives one."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **how: object) -> object:
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple:
        return self.array.__dlpack_device__()


def test_whatever_is_an_array(cells: np.ndarray, config: Config) -> None:
    reference = simulate(cells, config, seed=1)
    same(simulate(Exported(cells.copy()), config, seed=1), reference)
    same(simulate(cells.tolist(), config, seed=1), reference)
    same(simulate(memoryview(cells), config, seed=1), reference)
    mask = cells[4] != 0
    assert simulate(np.where(mask, 5, 0), config, seed=1).shape == (1, 40, 48)
    assert simulate(mask, config, seed=1).ground_truth["ATTO550"].dtype == np.uint8


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((2, 3, 4), np.float32), "astype"),
        (-np.ones((2, 3, 4), np.int32), "holds -1"),
        (np.zeros(5, int), "1 axes"),
        (np.zeros((2, 3, 4, 5), int), "4 axes"),
        (np.zeros((0, 3, 4), int), "empty"),
        (np.array([[["a"]]]), "whole numbers"),
    ],
)
def test_what_is_no_label_volume(labels: np.ndarray, words: str, config: Config) -> None:
    with pytest.raises(ConfigurationError, match=words) as error:
        simulate(labels, config)
    assert isinstance(error.value, ValueError)


def test_a_voxel_has_a_size(cells: np.ndarray) -> None:
    with pytest.raises(ConfigurationError, match="voxel_nm"):
        simulate(cells)
    tables = Config().to_dict()
    del tables["groundtruth"]["voxel_dim"]
    with pytest.raises(ConfigurationError, match="voxel_nm"):
        simulate(cells, tables)
    with pytest.raises(ConfigurationError, match="above 0"):
        simulate(cells, tables, voxel_nm=(40, 0, 24))


def test_regions_counts_and_expected_light(cells: np.ndarray, config: Config) -> None:
    tables = config.to_dict()
    tables["labeling"]["all"]["region"] = "spots"
    tables["output"]["expected"] = True
    spots = np.zeros(cells.shape, bool)
    spots[:, 10:20] = True
    counts = np.zeros(cells.shape, np.int64)
    counts[4, 30, 30] = 20
    result = simulate(cells, tables, seed=1, regions={"spots": spots}, counts={"ATTO550": counts})
    light = result.expected["green"]
    assert light.dtype == np.float32 and light.shape == result.shape
    # The rest of the light comes from the region.
    without = simulate(cells, tables, seed=1, regions={"spots": spots}).expected["green"]
    assert without[:, 10:20].mean() > 10 * without[:, 36:].mean()
    added = light - without
    assert np.unravel_index(added.argmax(), added.shape) == (4, 30, 30)
    with pytest.raises(ConfigurationError, match="same"):
        simulate(cells, tables, seed=1, regions={"spots": spots}, counts={"ATTO550": counts[1:]})
    with pytest.raises(ConfigurationError, match="same size"):
        simulate(cells, tables, seed=1, regions={"spots": spots[1:]})
    with pytest.raises(ConfigurationError, match="at most"):
        simulate(cells, tables, regions={"spots": spots}, counts={"ATTO550": counts << 40})
    with pytest.raises(ConfigurationError, match="spots"):
        simulate(cells, tables, seed=1)


def test_warnings_are_those_of_python(cells: np.ndarray, config: Config) -> None:
    blank = config.changed({"optics.channels.green.laser_filter": [300, 310]})
    with pytest.warns(SimexmWarning) as told:
        result = simulate(cells, blank, seed=1)
    texts = [str(warning.message) for warning in told]
    assert result.warnings == texts and any("green" in text for text in texts)
    # They point at the line that asked for it.
    assert {warning.filename for warning in told} == {__file__}
    with pytest.warns(SimexmWarning) as told:
        Simulator(blank).simulate(cells, seed=1)
    assert {warning.filename for warning in told} == {__file__}
    # As errors they stop it.
    with pytest.raises(SimexmWarning):
        simulate(cells, blank, seed=1)


def test_notes_are_logged(cells: np.ndarray, config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="simexm_gpu")
    result = simulate(cells, config.changed({"labeling.all.fluorophore": "Cy3"}), seed=1)
    assert result.notes and [record.message for record in caplog.records] == result.notes


def test_progress_is_told(cells: np.ndarray, config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[str, int, int]] = []
    result = simulate(cells, config, seed=1, progress=lambda *step: told.append(step))
    # The point spread functions are told of where they take long, and nobody counts them.
    stages = {stage for stage, _, total in told if total > 0}
    assert len(stages) >= 2
    for stage in stages:
        steps = [(done, total) for name, done, total in told if name == stage]
        assert steps[0][0] == 0 and steps[-1][0] == steps[-1][1] > 0
        assert steps == sorted(steps)
    same(simulate(cells, config, seed=1, progress=True), result)
    assert all(stage in capsys.readouterr().err for stage in [told[-1][0]])


def test_progress_without_tqdm(
    cells: np.ndarray, config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    simulate(cells, config, seed=1, progress=True)
    assert " of " in capsys.readouterr().err


def test_an_exception_of_the_progress_stops(cells: np.ndarray, config: Config) -> None:
    class Enough(Exception):
        pass

    steps = []

    def stop(*step: object) -> None:
        steps.append(step)
        raise Enough

    with pytest.raises(Enough):
        simulate(cells, config, progress=stop)
    assert len(steps) == 1


def test_ctrl_c_stops(config: Config) -> None:
    cells = np.arange(64 * 300 * 300, dtype=np.uint32).reshape(64, 300, 300) // 5000 + 1
    reached: list[str] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage not in reached:
            reached.append(stage)
        if len(reached) == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        simulate(cells, config, seed=1, progress=interrupt)
    # And it works afterwards as before.
    assert simulate(cells[:4, :32, :32], config, seed=1).images["green"].any()


def test_ctrl_c_from_outside_stops_before_the_end(tmp_path: Path, config: Config) -> None:
    np.save(tmp_path / "cells.npy", np.arange(48 * 256 * 256, dtype=np.uint32).reshape(48, 256, 256) // 5000 + 1)
    config = config.changed({"groundtruth.image_path": tmp_path / "cells.npy", "output.name": "run"})
    hidden = tmp_path / "run" / ".simulation.part"

    def interrupt() -> None:
        while not hidden.exists():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        simexm_gpu.run(config, output=tmp_path, seed=1)
    thread.join()
    # Had it gone on to its end, its record would be there.
    assert not (tmp_path / "run" / "simulation.toml").exists()


def test_other_threads_run_meanwhile(config: Config) -> None:
    cells = np.arange(16 * 200 * 200, dtype=np.uint32).reshape(16, 200, 200) // 5000 + 1
    counted, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    told: list[int] = []
    thread.start()
    simulate(cells, config, seed=1, progress=lambda *_: told.append(counted[0]))
    stop.set()
    thread.join()
    assert told[-1] > told[0]


def test_eight_threads_at_once(cells: np.ndarray, config: Config) -> None:
    reference = [simulate(cells, config, seed=seed) for seed in range(8)]
    shared = Simulator(config)
    for simulator in (simulate, shared.simulate):
        results: dict[int, simexm_gpu.Result] = {}

        def work(seed: int) -> None:
            for _ in range(3):
                results[seed] = simulator(cells, config, seed=seed)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for seed in range(8):
            same(results[seed], reference[seed])


def test_a_thousand_simulations_take_no_more_memory_than_a_hundred(config: Config) -> None:
    psutil = pytest.importorskip("psutil")
    cells = simexm_gpu.phantom((4, 24, 24), VOXEL_NM, seed=3)
    # Its point spread functions are made at once.
    tables = Config.default("simexm").to_dict()
    tables["labeling"] = config["labeling"]
    tables["optics"]["channels"] = {"green": tables["optics"]["channels"]["channel_2"]}
    tiny = Config(tables)
    process = psutil.Process()
    simulator = Simulator(tiny)

    def grown(count: int) -> int:
        before = process.memory_info().rss
        for seed in range(count):
            simulator.simulate(cells, seed=seed)
            if seed % 10 == 0:
                simulate(cells, tiny, seed=seed)
        return process.memory_info().rss - before

    grown(100)
    # An array of a simulation that were kept would be 4.6 kB, 4.6 MB in sum.
    assert grown(1000) < 3 << 20


def test_a_simulator_does_what_the_function_does(cells: np.ndarray, config: Config) -> None:
    simulator = Simulator(config)
    reference = simulate(cells, config, seed=4)
    same(simulator.simulate(cells, seed=4), reference)
    same(pickle.loads(pickle.dumps(simulator)).simulate(cells, seed=4), reference)
    other = simulator.simulate(cells, seed=4, set={"optics.exposure_time": "8 us"})
    assert other.images["green"].sum() > 2 * reference.images["green"].sum()
    assert simulator.simulate(cells, config, seed=4, voxel_nm=(50, 24, 24)).tissue_voxel_nm[0] == pytest.approx(40)
    with pytest.raises(ConfigurationError, match="voxel_nm"):
        Simulator().simulate(cells)
    assert "physical" in repr(simulator)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_may_simulate(cells: np.ndarray, config: Config) -> None:
    simulator = Simulator(config)
    reference = simulator.simulate(cells, seed=4)
    child = os.fork()
    if child == 0:
        try:
            same(simulator.simulate(cells, seed=4), reference)
            same(simulate(cells, config, seed=4), reference)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_gpus_agree_with_the_cpu(cells: np.ndarray, config: Config) -> None:
    if not simexm_gpu.devices():
        pytest.skip("no adapter")
    reference = simulate(cells, config, seed=4)
    for gpu in (simulate(cells, config, seed=4, backend="gpu"), Simulator(config, backend="gpu").simulate(cells, seed=4)):
        assert "CPU" not in gpu.device.split(",")[0]
        np.testing.assert_array_equal(gpu.ground_truth["ATTO550"], reference.ground_truth["ATTO550"])
        a, b = (result.images["green"].astype(float) for result in (gpu, reference))
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.999
    named = simexm_gpu.devices()[0].name
    assert simulate(cells, config, seed=4, adapter=0).device.startswith(named[:8])


def test_an_adapter_that_is_not_there(cells: np.ndarray, config: Config) -> None:
    with pytest.raises(ConfigurationError, match="no-such-adapter"):
        simulate(cells, config, adapter="no-such-adapter")
    with pytest.raises(ConfigurationError, match="no-such-adapter"):
        Simulator(config, adapter="no-such-adapter")
    with pytest.raises(ConfigurationError, match='"cpu"|cpu'):
        simulate(cells, config, backend="abacus")


def test_the_environment_chooses_a_backend(
    cells: np.ndarray, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMEXM_BACKEND", "abacus")
    with pytest.raises(ConfigurationError, match="abacus"):
        simulate(cells, config)
    assert simulate(cells, config, backend="cpu", seed=1).images


def test_a_result_shows_itself(cells: np.ndarray, config: Config) -> None:
    result = simulate(cells, config, seed=4)
    text = repr(result)
    assert "green" in text and "ATTO550" in text and "seed 4" in text
    page = result._repr_html_()
    assert "data:image/png;base64,iVBOR" in page
    picture = result.quicklook()
    width, height = struct.unpack(">II", picture[16:24])
    assert width > 2 * 48 and height > 2 * 40
    # It shows what is there: another image is another picture.
    result.images["green"][:] = 0
    assert result.quicklook() != picture
    again = pickle.loads(pickle.dumps(result))
    same(again, result)
    assert again.quicklook() == b"" and "data:image" not in again._repr_html_()
    same(simulate(cells, again.config), simulate(cells, config, seed=4))
    assert again.config["compute.seed"] == 4


def test_a_seed_is_drawn_and_told(cells: np.ndarray, config: Config) -> None:
    first, second = simulate(cells, config), simulate(cells, config)
    assert first.seed != second.seed
    same(simulate(cells, first.config), first)
    most = 2**64 - 1
    assert simulate(cells, config, seed=most).seed == most
    with pytest.raises(ConfigurationError, match="seed"):
        simulate(cells, config, seed=-1)


def test_what_files_alone_have_is_refused(cells: np.ndarray, config: Config) -> None:
    with pytest.raises(ConfigurationError, match="array"):
        simulate(cells, config, set={"groundtruth.background": [0, 3]})


def test_parts_of_an_array(cells: np.ndarray, config: Config) -> None:
    box = {"groundtruth.offset": [2, 8, 8], "groundtruth.bounds": [4, 24, 32]}
    result = simulate(cells, config, seed=1, set=box)
    assert result.shape == (4, 24, 32)
    ids = result.ground_truth["ATTO550"]
    np.testing.assert_array_equal(ids, cells[2:6, 8:32, 8:40])
    with pytest.raises(ConfigurationError, match="goes beyond"):
        simulate(cells, config, seed=1, set={"groundtruth.offset": [8, 0, 0]})


def test_runs_to_files(tmp_path: Path, cells: np.ndarray, config: Config) -> None:
    np.save(tmp_path / "cells.npy", cells)
    config = config.changed({"groundtruth.image_path": tmp_path / "cells.npy", "output.name": "run"})
    steps: list[object] = []
    report = simexm_gpu.run(config, output=tmp_path, seed=3, report=True, progress=lambda *step: steps.append(step))
    assert report.folder == tmp_path / "run" and (report.folder / "report.html").exists() and steps
    assert report.seed == 3 and report.image_shape == cells.shape and sum(report.seconds.values()) > 0
    (report.folder / "quicklook.png").write_bytes(b"mine")
    with pytest.raises(FileError, match="quicklook.png"):
        simexm_gpu.run(config, output=tmp_path, seed=3, report=True)
    simexm_gpu.run(config, output=tmp_path, seed=3, report=True, force=True)
    assert (report.folder / "quicklook.png").stat().st_size > 100
    with pytest.warns(SimexmWarning, match="report.html is left from an earlier run"):
        assert len(simexm_gpu.run(config, output=tmp_path, seed=3, resume=True).warnings) == 1
    with pytest.raises(FileError, match="nowhere"):
        simexm_gpu.run(config, set={"groundtruth.image_path": "nowhere.tif"})


def test_too_little_memory_is_told(cells: np.ndarray, config: Config) -> None:
    large = np.broadcast_to(np.uint8(1), (60000, 60000, 60000))
    with pytest.raises((RunError, ConfigurationError), match="fit|memory|voxels|pixels are supported"):
        simulate(large, config.changed({"compute.memory": "1 MB"}), seed=1)
