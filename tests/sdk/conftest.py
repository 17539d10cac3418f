from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wirecache import Cache


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The directory of the store, so that a test can open another cache on it."""
    return tmp_path / "store"


@pytest.fixture
def cache(store: Path) -> Iterator[Cache]:
    """A cache on a store of its own."""
    with Cache(store) as cache:
        yield cache
