"""One store under sixteen processes at once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.stores.contract import KEY
from tests.stores.processes import Script
from wirecache import DiskStore

PROCESSES = 16

WORK = """
import sys
from wirecache import DiskStore
path, mine = sys.argv[1:]
print("ready", flush=True)
input()
store = DiskStore(path, size_limit="1GB", lock_wait=30)
for n in range(30):
    key = f"{mine}-{n:062d}"
    store.set(key, key.encode() * 100, ttl=60)
    assert store.get(key) == key.encode() * 100, key
print("done", flush=True)
"""

IN_TURNS = """
import sys
from wirecache import DiskStore
path, mine = sys.argv[1:]
store = DiskStore(path, size_limit="1MB", lock_wait=30)
print("ready", flush=True)
for n in range(30):
    input()
    key = f"{mine}-{n:062d}"
    store.set(key, key.encode() * 100, ttl=60)
    print("wrote", flush=True)
    input()
    print(store.get(key) == key.encode() * 100, flush=True)
"""

ADD = """
import sys
from wirecache.stores import open_store
store = open_store(sys.argv[1], {})
print("ready", flush=True)
input()
print(store.add(sys.argv[2], sys.argv[3].encode(), ttl=60), flush=True)
"""


def all_at_once(code: str, arguments: list[tuple[object, ...]]) -> list[str]:
    """Start one process for each of the arguments and let them go at once. Return the last line of each."""
    scripts = [Script(code, *each) for each in arguments]
    try:
        assert [script.line() for script in scripts] == ["ready"] * len(scripts)
        for script in scripts:
            script.go()
        return [script.line() for script in scripts]
    finally:
        for script in scripts:
            script.kill()


def test_they_open_read_and_write(tmp_path: Path) -> None:
    path = tmp_path / "store"
    assert all_at_once(WORK, [(path, f"{n:x}") for n in range(PROCESSES)]) == ["done"] * PROCESSES
    store = DiskStore(path)
    assert len(list(store.keys())) == PROCESSES * 30
    assert all(store.get(key) == key.encode() * 100 for key in store.keys())  # noqa: SIM118  # it is no dictionary
    assert not list(path.glob("*.corrupt*"))


def test_their_size_limit_is_one_and_what_each_wrote_last_is_there(tmp_path: Path) -> None:
    """All of them together write three times what may stay; none is more than a round ahead, so that nobody's last one is the oldest."""
    path = tmp_path / "store"
    with ExitStack() as stack:
        scripts = [stack.enter_context(Script(IN_TURNS, path, f"{n:x}")) for n in range(PROCESSES)]
        assert [script.line() for script in scripts] == ["ready"] * PROCESSES
        for _ in range(30):
            for expected in ("wrote", "True"):
                for script in scripts:
                    script.go()
                assert [script.line() for script in scripts] == [expected] * PROCESSES
    store = DiskStore(path, size_limit="1MB")
    store.set(KEY, b"newest", ttl=None)
    kept = list(store.newest())
    assert kept[0] == KEY
    assert 50 < len(kept) < 150
    assert (path / "cache.db").stat().st_size < 2_000_000


@pytest.mark.parametrize("where", ["disk", "redis"])
def test_one_of_them_adds(tmp_path: Path, redis_url: str, where: str) -> None:
    place = str(tmp_path / "store") if where == "disk" else f"{redis_url}?timeout=10&prefix={uuid4()}:"
    printed = all_at_once(ADD, [(place, KEY, n) for n in range(8)])
    assert sorted(printed) == ["False"] * 7 + ["True"]
