from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider import Provider
from tests.proxy.serving import Proxy, serving
from wirecache import Cache, MemoryStore


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache in memory that records streams."""
    with Cache(MemoryStore(), streams="record") as cache:
        yield cache


@pytest.fixture
def proxy(cache: Cache, provider: Provider) -> Iterator[Proxy]:
    """A proxy in front of the provider."""
    with serving(cache, provider) as running:
        yield running
