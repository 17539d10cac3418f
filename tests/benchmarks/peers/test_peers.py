"""The contestants that need nothing more than the tests do are measured; one that is not installed is named; no figure is asserted."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.benchmarks.peers.__main__ import contestants_of, rows_of
from tests.benchmarks.peers.contestant import Contestant, Place
from tests.benchmarks.peers.costs import COLUMNS, LINES
from tests.benchmarks.peers.measure import measure
from tests.benchmarks.peers.plots import PICTURE, description
from tests.benchmarks.peers.results import load
from tests.benchmarks.peers.rows import ROWS, Row


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as exits:
        yield Place(tmp_path, exits)


@pytest.mark.parametrize("name", ["hit", "miss", "stream of 100 events", "4 async", "hit among 1,000 entries"])
def test_a_row_is_measured(place: Place, name: str) -> None:
    row = next(row for row in ROWS if row.name == name)
    contestants, missing = contestants_of(place, ["wirecache"])
    assert missing == {}
    with asyncio.Runner() as runner:
        figures = measure(row, contestants, 3, runner.get_loop())
    ours = [figure for name, figure in figures.items() if name.startswith("wirecache")]
    assert ours
    assert {name: figure for name, figure in figures.items() if figure["error"] or figure["ratio"] <= 0} == {}
    assert all(figure["sent"] == (0 if row.kind != "miss" else 100) for figure in ours)


def test_one_that_fails_is_a_line(place: Place) -> None:
    def fail(_: str) -> None:
        raise ValueError("no")

    contestants = [*contestants_of(place, ["floor"])[0], Contestant("broken", "function", ask=fail)]
    with asyncio.Runner() as runner:
        assert measure(Row("hit", "hit"), contestants, 3, runner.get_loop())["broken"]["error"] == "ValueError: no"


def test_one_that_is_not_installed_is_named(place: Place) -> None:
    found, missing = contestants_of(place, ["vcrpy"])
    assert ("vcrpy" in missing) == (find_spec("vcr") is None)
    assert [one.name for one in found if one.layer == "none"] == ["floor, httpx", "floor, httpx2"]


def test_rows_are_chosen_by_how_their_names_begin() -> None:
    assert [row.name for row in rows_of(["request"], quick=True)] == ["request of 50 KB", "request of 500 KB", "request of 5,000 KB"]
    assert len(list(rows_of([], quick=False))) == len(ROWS)


def test_the_readme_has_the_plot_of_what_was_measured() -> None:
    assert description(load()) in html.unescape(PICTURE.read_text("utf-8"))


def test_the_readme_shows_what_was_measured() -> None:
    measured = load()["rows"]
    assert [name for name in LINES if name not in measured["hit"]["figures"]] == []
    assert [name for name in COLUMNS if name not in measured] == []
