"""The cassette of a test, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wirecache import Cassette, CassetteError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the cassette of the test is; not there yet."""
    return tmp_path / "cassettes" / "one"


@pytest.fixture
def cassette(folder: Path) -> Iterator[Callable[..., Cassette]]:
    """Opens the test's cassette, as often as it is called; each is closed at the end if the test did not close it."""
    made: list[Cassette] = []

    def open_(mode: str | None = None, **options: Any) -> Cassette:
        made.append(Cassette(folder, **({"record_mode": mode} if mode else {}), **options))
        return made[-1]

    yield open_
    for one in made:
        try:
            one.close()
        except CassetteError:  # a test of what cannot be written has seen it already
            pass
