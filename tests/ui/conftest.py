from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui import sample
from tests.ui.browser import Tab, browser
from tests.ui.server import Served, serve


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The pages of the sample store and cassettes, read only: nothing in them changes."""
    folder = tmp_path_factory.mktemp("sample")
    now = time.time()
    store = sample.write_store(folder / "store", sample.entries(now), history=True, now=now)
    with serve([store, sample.write_cassettes(folder / "cassettes", now)], read_only=True) as served:
        yield served


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The pages of exchanges that attack them."""
    store = sample.write_store(tmp_path_factory.mktemp("hostile") / "store", sample.hostile_entries(time.time()))
    with serve([store]) as served:
        yield served


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """The pages of a store and of cassettes of the test's own, which it may change."""
    now = time.time()
    store = sample.write_store(tmp_path / "store", sample.entries(now), now=now)
    with serve([store, sample.write_cassettes(tmp_path / "cassettes", now)]) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, for the tests of one module."""
    with browser() as running:
        yield running


@pytest.fixture
def tab(chromium: Any) -> Iterator[Tab]:
    """A page of the browser that remembers what went wrong in it and what it loaded."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield Tab(context)
    context.close()
