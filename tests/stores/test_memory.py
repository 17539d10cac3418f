"""What only a MemoryStore has: bounds, and the least recently used that leave."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import pytest

from wirecache import ConfigError, MemoryStore


def test_the_least_recently_used_leaves() -> None:
    store = MemoryStore(max_entries=3)
    for key in "abc":
        store.set(key, b"value", ttl=None)
    assert store.get("a") == b"value"
    store.set("d", b"value", ttl=None)
    assert list(store.keys()) == ["c", "a", "d"]
    assert list(store.newest()) == ["d", "a", "c"]


def test_what_is_pinned_stays_until_it_is_replaced() -> None:
    store = MemoryStore(max_entries=2)
    store.set("pinned", b"value", ttl=60)
    assert (store.pin("pinned"), store.pin("none")) == (True, False)
    for n in range(5):
        store.set(f"{n}", b"value", ttl=None)
    assert list(store.keys()) == ["pinned", "4"]
    assert store.get_with_ttl("pinned") == (b"value", None)
    store.set("pinned", b"value", ttl=None)
    for n in range(5):
        store.set(f"{n}", b"value", ttl=None)
    assert list(store.keys()) == ["3", "4"]


def test_if_all_are_pinned_what_is_new_stays() -> None:
    store = MemoryStore(max_entries=2)
    for n in range(4):
        store.set(f"{n}", b"value", ttl=None)
        store.pin(f"{n}")
    assert len(list(store.keys())) == 4
    store.clear()
    store.set("0", b"value", ttl=None)
    assert store._pinned == set()


def test_bytes_are_bounded() -> None:
    store = MemoryStore(max_bytes="100KB")
    for n in range(100):
        store.set(f"{n}", bytes(10_000), ttl=None)
    kept = list(store.keys())
    assert kept == [f"{n}" for n in range(91, 100)]
    store.set("large", bytes(100_001), ttl=None)
    assert store.get("large") is None
    assert list(store.keys()) == kept
    store.set("99", bytes(100_001), ttl=None)  # the value that it would replace is gone, too
    assert store.get("99") is None
    for key in kept:
        store.delete(key)
    assert store._size == 0


def test_values_are_returned_as_they_are() -> None:
    store, value = MemoryStore(), os.urandom(1000)
    store.set("a", value, ttl=None)
    assert store.get("a") is value


def test_what_has_expired_is_not_listed() -> None:
    store = MemoryStore()
    store.set("a", b"value", ttl=0.001)
    store.set("b", b"value", ttl=60)
    deadline = time.monotonic() + 10
    while store._entries["a"].expires > time.monotonic():
        assert time.monotonic() < deadline
    assert (list(store.keys()), list(store.newest())) == (["b"], ["b"])
    assert store.delete("a") is False


def test_each_is_a_store_of_its_own() -> None:
    one, other = MemoryStore(), MemoryStore()
    one.set("a", b"value", ttl=None)
    assert other.get("a") is None
    assert one.location != other.location
    assert one.location == one.location


@pytest.mark.parametrize(
    "options", [{"max_entries": 0}, {"max_entries": "10"}, {"max_entries": True}, {"max_bytes": 0}, {"max_bytes": "x"}]
)
def test_wrong_bounds(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} must be .*, got "):
        MemoryStore(**options)


def test_a_fork_in_the_middle_of_a_write() -> None:
    """The lock that another thread held is free in the child."""
    store = MemoryStore()
    store.set("a", b"value", ttl=None)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.get("a") == b"value" else 1)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_read_is_two_calls() -> None:
    """Some microseconds, whatever the size of the value."""
    store = MemoryStore()
    store.set("a", bytes(100_000), ttl=60)
    calls: list[str] = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        store.get("a")
    finally:
        sys.setprofile(None)
    assert len(calls) == 2, calls
