"""The file system is full or read-only, or there is no descriptor left: each answer is upstream's, and the store comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import echo
from tests.faults.mounts import mounted, remount
from tests.faults.seeds import IS_LONG
from tests.stores.processes import run
from wirecache import Cache, Cassette, DiskStore
from wirecache.errors import CassetteError

Warnings = Callable[[], list[str]]


def test_a_full_file_system(tmp_path: Path, warnings: Warnings) -> None:
    with mounted(tmp_path / "small", "2m") as place:
        with Cache(DiskStore(place / "store")) as cache:
            for number in range(40):
                echo.ask(cache, f"large {number}")
            cache.flush()
            assert cache.stats.store_errors > 0
            assert len(warnings()) == 1
            assert sum(echo.ask(cache, f"large {number}").hit for number in range(40)) > 0, "what was stored before is read"
            remount(place, "size=50m")
            cache.flush()
            echo.ask(cache, "there is room again")
            cache.flush()
            assert echo.ask(cache, "there is room again").hit
        with Cache(DiskStore(place / "store")) as cache:
            assert echo.ask(cache, "there is room again").hit
            assert all(echo.is_right(entry.body) for entry in cache.entries())
        assert not list(place.rglob("*corrupt*"))


def test_a_file_system_that_was_full_from_the_beginning(tmp_path: Path, warnings: Warnings) -> None:
    with mounted(tmp_path / "small", "1m") as place:
        with pytest.raises(OSError, match="No space left"):
            (place / "filling").write_bytes(bytes(2_000_000))
        with Cache(DiskStore(place / "store")) as cache:
            for number in range(5):
                echo.ask(cache, f"prompt {number}")
            cache.flush()
            assert (cache.stats.stored, cache.stats.store_errors) == (0, 10)
        assert len(warnings()) == 1


def test_a_cassette_on_a_full_file_system(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "1m") as place:
        cassette = Cassette(place / "cassette", "once")
        for number in range(20):
            echo.ask(cassette, f"large {number}")
        with pytest.raises(CassetteError, match="No space left"):
            cassette.close()
        with Cassette(place / "cassette", "none", miss="respond") as replayed:
            assert all(echo.is_right(entry.body) for entry in replayed.entries())
        assert not list((place / "cassette").glob(".*.tmp"))


STORED = """
import sys
from tests.faults import echo
from wirecache import Cache
with Cache(sys.argv[1]) as cache:
    print(echo.ask(cache, "stored").hit, echo.ask(cache, "new").hit)
"""


def test_a_file_system_that_becomes_read_only(tmp_path: Path, warnings: Warnings) -> None:
    with mounted(tmp_path / "drive", "20m") as place:
        path = place / "store"
        with Cache(DiskStore(path)) as cache:
            echo.ask(cache, "stored")
        remount(place, "ro")
        with Cache(DiskStore(path)) as cache:
            for prompt in ("stored", "new", "stored", "new"):
                echo.ask(cache, prompt)
            assert cache.stats.stored == 0
            assert cache.stats.store_errors > 0
            assert len(warnings()) == 1
        with Cache(DiskStore(path, read_only=True)) as cache:
            assert echo.ask(cache, "stored").hit, "a store that is said to be read-only is read"
            assert echo.ask(cache, "new").detail == "read-only"
        assert len(warnings()) == 1
        remount(place, "rw")
        assert run(STORED, path).split() == ["True", "False"]  # by another process: this one tries again after some seconds
        assert run(STORED, path).split() == ["True", "True"]


NO_DESCRIPTORS = """
import os, resource, sys, threading, time
import wirecache.stores._safe_disk, wirecache.stores._stats_table, wirecache.stores._directory, anyio.to_thread
from tests.faults import echo
from wirecache import Cache, DiskStore

path, when, tries_again = sys.argv[1:]
cache = Cache(DiskStore(path))
if when == "open":
    for number in range(5):
        echo.ask(cache, f"prompt {number}")
    cache.flush()
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
answers = [echo.ask(cache, f"prompt {number % 10}") for number in range(30)]
thread = threading.Thread(target=lambda: answers.extend(echo.ask(cache, f"prompt {number}") for number in range(10)))
thread.start()
thread.join()
cache.flush()
assert len(answers) == 40, "a thread has no connection of its own, and none can be opened"
errors = cache.stats.store_errors
for descriptor in held:
    os.close(descriptor)
resource.setrlimit(resource.RLIMIT_NOFILE, limit)
print(errors)
for _ in range(600 if tries_again == "True" else 0):  # a store that could not be opened is tried again after some seconds
    echo.ask(cache, "there are some again")
    cache.flush()
    if echo.ask(cache, "there are some again").hit and len(list(DiskStore(path).keys())):
        print("back")
        break
    time.sleep(0.05)
cache.close()
"""


@pytest.mark.parametrize("when", ["open", "not open"])
def test_no_descriptor_is_left(when: str, tmp_path: Path) -> None:
    tries_again = IS_LONG or when == "open"
    errors, *back = run(NO_DESCRIPTORS, tmp_path / "store", when, tries_again).split()
    assert int(errors) > 0
    assert back == ["back"] * tries_again
    with Cache(DiskStore(tmp_path / "store")) as cache:
        echo.ask(cache, "there are some again")
        cache.flush()
        assert echo.ask(cache, "there are some again").hit
    assert not list(tmp_path.rglob("*corrupt*"))


def test_no_thread_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a container limits them: what is stored then is not, and calls go on."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Cache(DiskStore(tmp_path / "store")) as cache:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        for number in range(3):
            echo.ask(cache, f"prompt {number}")
        monkeypatch.undo()
        echo.ask(cache, "after all")
        cache.flush()
        assert echo.ask(cache, "after all").hit
