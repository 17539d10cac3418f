"""The soak itself: it runs, it sees what grows, and it draws."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.soak.__main__ import main
from tests.soak.report import plot
from tests.soak.sampling import ALLOWED, growth


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_short_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0.02", "--report", str(tmp_path)]) == 0
    assert "verdict: flat, and no answer was wrong" in capsys.readouterr().out
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["calls"]["calls"] > 0
    assert (found["bad"], found["verdict"]) == ({}, [])
    assert len(ElementTree.parse(tmp_path / "soak.svg").getroot().findall("{*}polyline")) == 9


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        pytest.param([10e6] * 9, False, id="flat"),
        pytest.param([1e6, 5e6, 40e6, *[50e6] * 6], False, id="grows at first"),
        pytest.param([50e6 + step * 5e6 for step in range(9)], True, id="grows on"),
        pytest.param([50e6] * 6 + [50e6, 90e6, 50e6], False, id="one peak"),
        pytest.param([1e6], False, id="too few"),
    ],
)
def test_what_is_growth(values: list[float], grows: bool) -> None:
    assert (growth(values, *ALLOWED["memory"]) is not None) is grows


def test_a_plot_escapes_its_titles_and_has_no_division_by_nothing() -> None:
    svg = plot({"a < b": {"one": [], "two": [(0.0, 0.0)]}}, {"killed": [0.0]}, 0)
    assert ElementTree.fromstring(svg).findall("{*}text")[0].text == "a < b"
