"""SIGKILL at any point of a write, of one process and of eight: what is in the store or the cassette after is whole, and it opens again.

``make faults SEEDS=500`` kills more often.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.faults import echo
from tests.faults.seeds import seeds
from tests.stores.processes import Script
from tests.stores.upstream import URL, question
from wirecache import Cache, Cassette, DiskStore
from wirecache.httpx import CacheTransport

PROCESSES = 8

WRITER = """
import sys
from tests.faults import echo
from wirecache import Cache, DiskStore

path, name = sys.argv[1:]
cache = Cache(DiskStore(path, size_limit="20MB", lock_wait=60))
print("ready", flush=True)
input()
for number in range(10**6):
    echo.ask(cache, f"{'large' if number % 3 else 'small'} {name} {number}")
    print(number, flush=True)
"""

RECORDER = """
import sys
from tests.faults import echo
from tests.stores.upstream import URL, question
from wirecache import Cassette

path, name = sys.argv[1:]
cassette = Cassette(path, "new_episodes")
print("ready", flush=True)
input()
for number in range(10**6):
    echo.client(cassette).post(URL, json=question(f"{'large' if number % 3 else 'small'} {name} {number}"))
    print(number, flush=True)
"""


def killed(code: str, path: Path, draw: random.Random, *names: object) -> None:
    """Let that many processes write, and kill each at a moment drawn by chance, while the others go on."""
    with ExitStack() as stack:
        scripts = [stack.enter_context(Script(code, path, name)) for name in names]
        for script in scripts:
            assert script.line() == "ready"
        for script in scripts:
            script.go()
        for script in scripts:
            for _ in range(draw.randrange(1, 6)):
                assert script.line().isdigit()
            time.sleep(draw.random() * 0.004)  # a point between two lines
            script.kill()


def whole(path: Path) -> int:
    """Check all that is in the store; return how many entries that are."""
    with Cache(DiskStore(path)) as cache:
        keys = list(cache.store.keys())  # type: ignore[attr-defined]
        entries = list(cache.entries())
        assert all(echo.is_right(entry.body) for entry in entries)
        assert len(entries) == len(keys), "a row that is none"
        echo.ask(cache, "after all")
        assert echo.ask(cache, "after all").hit
        assert cache.stats.store_errors == 0
    assert not list(path.glob("*corrupt*"))
    return len(entries)


def test_one_process(tmp_path: Path) -> None:
    """One store, and kill after kill."""
    for seed in seeds(5):
        killed(WRITER, tmp_path / "store", random.Random(seed), seed)
        assert whole(tmp_path / "store")


@pytest.mark.parametrize("seed", seeds(1, each=20))
def test_eight_processes(seed: int, tmp_path: Path) -> None:
    killed(WRITER, tmp_path / "store", random.Random(seed), *range(PROCESSES))
    assert whole(tmp_path / "store") >= PROCESSES


@pytest.mark.parametrize("seed", seeds(2, each=4))
def test_who_records(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "cassette"
    killed(RECORDER, path, random.Random(seed), "one", "two")
    files = list(path.glob("chat-*.json"))
    assert files
    prompts = [json.loads(file.read_bytes())["request"]["body"]["json"]["messages"][0]["content"] for file in files]
    with Cassette(path, "none", miss="respond") as cassette:
        client = httpx.Client(transport=CacheTransport(cassette))
        for prompt in prompts:
            assert client.post(URL, json=question(prompt)).content == echo.right(prompt)
