"""The page docs/python.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "python.md"


@pytest.mark.filterwarnings("ignore::simexm_gpu.SimexmWarning")
def test_the_page_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)


def test_the_table_names_what_there_is() -> None:
    import simexm_gpu

    text = PAGE.read_text()
    for name in simexm_gpu.__all__:
        if name[0].islower() and name[0] != "_":
            assert f"`{name}`" in text or f"`{name}(" in text, name
