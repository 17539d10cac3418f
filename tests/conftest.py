from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider import Provider

pytest_plugins = ["pytester"]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on a loopback socket, for one test."""
    running = Provider()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings or the store of the person who runs it."""
    import os

    for name in [name for name in os.environ if name.startswith("WIRECACHE_")]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WIRECACHE_DIR", str(tmp_path / "default-store"))
