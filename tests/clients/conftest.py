from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wirecache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache on a store of its own."""
    with Cache(tmp_path / "store") as cache:
        yield cache
