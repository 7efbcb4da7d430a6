"""Configurations."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES

import simexm_gpu
from simexm_gpu import Config, ConfigurationError, FileError


def test_tables_there_and_back() -> None:
    for config in (Config(), Config.default("simexm"), Config.from_file(Path(EXAMPLES) / "brainbow.toml")):
        tables = config.to_dict()
        assert Config(tables) == config and Config.from_toml(config.to_toml()) == config
        assert Config.from_toml(config.to_toml(commented=True)) == config
        assert pickle.loads(pickle.dumps(config)) == config
    assert Config() == Config.default("physical") != Config.default("simexm")
    assert Config.default("simexm").to_dict().get("model") is None
    assert "# Size of a pixel on the camera" in Config().to_toml(commented=True)
    assert "physical" in repr(Config()) and "confocal" in repr(Config())


def test_files_of_both_languages(tmp_path: Path) -> None:
    ini = Config.from_file(Path(EXAMPLES) / "simexm" / "small.ini")
    assert "model" not in ini.to_dict()
    path = tmp_path / "a.toml"
    path.write_text(ini.to_toml())
    assert Config.from_file(str(path)) == ini
    assert Config.from_file(path, set={"expansion.factor": 8})["expansion.factor"] == 8


def test_changes() -> None:
    config = Config()
    changed = config.changed(
        {
            "expansion.factor": np.float32(4),
            "optics.exposure_time": "4 us",
            "groundtruth.voxel_dim": np.array([50, 20, 20]),
            "labeling.new": {"fluorophore": "ATTO425", "region": "full"},
            "groundtruth.image_path": Path("somewhere") / "cells.tif",
            "compute.seed": 2**64 - 1,
            "output.expected": True,
            "optics.pixel_size": "6500",
        }
    )
    assert config["expansion.factor"] == 4.5 and config == Config()
    assert changed["expansion.factor"] == 4
    assert changed["optics"]["exposure_time"] == pytest.approx(4e-6)
    assert changed["groundtruth.voxel_dim"] == [50, 20, 20]
    assert changed["labeling.new.fluorophore"] == "ATTO425"
    assert changed["groundtruth.image_path"] == str(Path("somewhere/cells.tif").absolute())
    assert changed["compute.seed"] == str(2**64 - 1)
    assert changed["output.expected"] is True
    with pytest.raises(KeyError, match=r"expansion\.none"):
        config["expansion.none"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expansion.factor": 0.5}, r"expansion.factor = 0.5.*at least 1"),
        ({"expansion.factr": 2}, "factor"),
        ({"factor": 2}, "SECTION.KEY"),
        ({"expansion..factor": 2}, "SECTION.KEY"),
        ({3: 2}, "must be a string"),
        ({"expansion.factor": object()}, "object"),
        ({"expansion.factor": {1: 2}}, "must be a string"),
        ({"optics.type": "confocl"}, "confocal"),
        ({"expansion.factor": float("nan")}, "at least 1"),
        ({"expansion.factor": None}, "None"),
    ],
)
def test_wrong_changes(changes: dict, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Config().changed(changes)


def test_all_mistakes_are_told_at_once() -> None:
    tables = Config().to_dict()
    tables["expansion"]["factor"] = 0
    tables["optics"]["pixl_size"] = tables["optics"].pop("pixel_size")
    with pytest.raises(ConfigurationError) as error:
        Config(tables)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and isinstance(error.value, ValueError)
    # There is no text in which a line could be counted.
    assert lines[0].startswith("configuration: [expansion]") and "did you mean pixel_size" in lines[1]
    with pytest.raises(ConfigurationError, match=r"configuration:2:\d+: \[expansion\]"):
        Config.from_toml("[expansion]\nfactor = 0\n")


def test_what_files_need_may_be_left_out() -> None:
    tables = Config().to_dict()
    del tables["groundtruth"]["image_path"], tables["output"]["name"], tables["output"]["path"]
    assert Config(tables)["output.name"] == "simulation"
    with pytest.raises(ConfigurationError, match="expansion"):
        Config({})
    with pytest.raises(ConfigurationError, match="groundtruth"):
        Config({"groundtruth": 3})


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere"):
        Config.from_file("nowhere.toml")
    path = tmp_path / "bad.toml"
    path.write_text("[a")
    with pytest.raises(ConfigurationError, match=r"bad.toml:1"):
        Config.from_file(path)
    with pytest.raises(ConfigurationError, match="physical"):
        Config.default("chemical")


def test_what_is_no_configuration() -> None:
    with pytest.raises(ConfigurationError, match="int"):
        simexm_gpu.check(3)  # type: ignore[arg-type]
