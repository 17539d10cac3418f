"""Who writes an entry: its caller to a store in memory, a thread to all others, and all that is large."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.core.play import entry
from wirecache import DiskStore, MemoryStore
from wirecache._core.messages import Entry
from wirecache._storage.write_queue import AT_ONCE, MOST_TOGETHER, TOGETHER, WaitLimit, WriteJob, WriteQueue


@pytest.mark.parametrize(
    ("is_in_memory", "size", "writes_itself"),
    [(True, 100, True), (True, AT_ONCE + 1, False), (False, 100, False)],
    ids=["memory", "memory, large", "disk"],
)
def test_who_writes(tmp_path: Path, is_in_memory: bool, size: int, writes_itself: bool) -> None:
    store = MemoryStore() if is_in_memory else DiskStore(tmp_path)
    queue = WriteQueue(store)
    written: list[tuple[threading.Thread, Exception | None]] = []
    kept = entry()
    assert queue.put(WriteJob(kept.key, size, lambda: kept, None, lambda error: written.append((threading.current_thread(), error))))
    assert queue.flush()
    assert [(thread is threading.current_thread(), error) for thread, error in written] == [(writes_itself, None)]
    assert store.get(kept.key)


def waits_of(limit: WaitLimit, calls: int, call_seconds: float, wait: float = 0.001) -> int:
    """Return how many of the calls wait."""
    waits = 0
    for _ in range(calls):
        if limit.may_wait(call_seconds):
            waits += 1
            limit.waited(wait)
    return waits


def test_callers_wait_for_their_writes_as_long_as_that_is_little_beside_their_calls() -> None:
    limit = WaitLimit()
    assert waits_of(limit, 20, call_seconds=0.0) in (10, 11), "the first ones wait, whatever they take"
    assert waits_of(limit, 400, call_seconds=0.001) in (19, 20, 21), "one in twenty"
    assert waits_of(limit, 10, call_seconds=0.5) == 10


def test_a_store_that_stalls_adds_no_more_to_its_calls_than_one_that_is_well() -> None:
    assert waits_of(WaitLimit(), 100, call_seconds=0.1, wait=0.1) <= 6


def test_a_call_that_took_long_waits_for_its_write(tmp_path: Path) -> None:
    queue, kept, written = WriteQueue(DiskStore(tmp_path)), entry(), list[Exception | None]()
    assert queue.put(WriteJob(kept.key, 1, lambda: kept, None, written.append))
    for _ in range(100):  # a disk may take longer than one wait
        queue.flush_if_cheap(60.0)
    assert written == [None]


@contextmanager
def held_up(queue: WriteQueue) -> Iterator[None]:
    """Keep the writing thread waiting until the block ends, and wait until all is written that was queued in it."""
    goes_on = threading.Event()
    queue.after(lambda: goes_on.wait(60))
    yield
    goes_on.set()
    assert queue.flush(60)


def keys(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(count)]


def transactions(folder: Path) -> list[int]:
    """Return how many rows each transaction wrote, the first one first."""
    with closing(sqlite3.connect(folder / "cache.db")) as database:
        return [count for (count,) in database.execute("SELECT COUNT(*) FROM Cache GROUP BY store_time ORDER BY store_time")]


def test_what_waits_for_a_disk_is_written_together(tmp_path: Path) -> None:
    queue, done = WriteQueue(store := DiskStore(tmp_path / "store")), list[tuple[str, Exception | None]]()
    with held_up(queue):
        for key in keys(MOST_TOGETHER + 5):
            assert queue.put(WriteJob(key, 1, partial(entry, key=key), None, lambda error, key=key: done.append((key, error))))  # type: ignore[misc]
    assert done == [(key, None) for key in keys(MOST_TOGETHER + 5)]
    assert queue.queued == {}
    store.close()
    assert transactions(tmp_path / "store") == [MOST_TOGETHER, 5]


def test_a_subclass_with_a_set_of_its_own_is_given_each_value(tmp_path: Path) -> None:
    class Upper(DiskStore):
        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            super().set(key, b"own" + value, ttl=ttl)

    queue = WriteQueue(store := Upper(tmp_path / "store"))
    with held_up(queue):
        for key in keys(3):
            assert queue.put(WriteJob(key, 1, partial(entry, key=key), None, lambda error: None))
    assert [(store.get(key) or b"")[:3] for key in keys(3)] == [b"own"] * 3
    store.close()


def test_much_is_written_in_parts(tmp_path: Path) -> None:
    queue = WriteQueue(store := DiskStore(tmp_path / "store"))
    with held_up(queue):
        for key in keys(5):
            assert queue.put(WriteJob(key, TOGETHER - 1, partial(entry, key=key), None, lambda error: None))
    store.close()
    assert transactions(tmp_path / "store") == [2, 2, 1]


def test_one_that_cannot_be_made_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    def fail() -> Entry:
        raise ValueError("no entry")

    queue, done = WriteQueue(store := DiskStore(tmp_path / "store")), list[tuple[int, str]]()
    with held_up(queue):
        for number, key in enumerate(keys(5)):
            make = fail if number == 2 else partial(entry, key=key)
            assert queue.put(WriteJob(key, 1, make, None, lambda error, number=number: done.append((number, repr(error)))))  # type: ignore[misc]
    assert done == [(0, "None"), (1, "None"), (2, "ValueError('no entry')"), (3, "None"), (4, "None")]
    assert {*store.keys()} == {*keys(5)} - {keys(5)[2]}
    store.close()


def test_of_one_key_the_last_value_stays(tmp_path: Path) -> None:
    queue = WriteQueue(store := DiskStore(tmp_path / "store"))
    (key,) = keys(1)
    with held_up(queue):
        for body in (b"first", b"second", b"last"):
            assert queue.put(WriteJob(key, 1, partial(entry, key=key, body=body), None, lambda error: None))
    value = store.get(key)
    assert value is not None
    assert value.endswith(b"last")
    store.close()


def test_what_is_to_come_after_the_writes_comes_between_those_before_and_after_it(tmp_path: Path) -> None:
    queue, found = WriteQueue(store := DiskStore(tmp_path / "store")), list[list[bool]]()
    with held_up(queue):
        for key in keys(4):
            assert queue.put(WriteJob(key, 1, partial(entry, key=key), None, lambda error: None))
            if key == keys(2)[1]:
                queue.after(lambda: found.append([store.get(key) is not None for key in keys(4)]))
    assert found == [[True, True, False, False]]
    store.close()
