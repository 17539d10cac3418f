"""Who writes an entry: its caller to a store in memory, a thread to all others, and all that is large."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.core.play import entry
from wirecache import DiskStore, MemoryStore
from wirecache._storage.write_queue import AT_ONCE, WriteJob, WriteQueue


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
