"""Who writes an entry: its caller to a store in memory, a thread to all others, and all that is large."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.core.play import entry
from wirecache import DiskStore, MemoryStore
from wirecache._storage.write_queue import AT_ONCE, WaitLimit, WriteJob, WriteQueue


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
