from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores.upstream import Model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the wirecache logger warned of so far."""

    def so_far() -> list[str]:
        return [found.getMessage() for found in caplog.records if found.name == "wirecache" and found.levelno >= logging.WARNING]

    return so_far
