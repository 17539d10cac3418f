"""Processes count together, and a counter that was lost gets back what those that still run had added."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tests.stores.contract import until
from wirecache import MemoryStore, StoreError
from wirecache._storage.shared_counters import ADDITIONS, Counters, can_count


class Flaky(MemoryStore):
    """A memory store that can fail, and lose its counters."""

    fails = False

    def count(self, counter: str, amounts: Mapping[str, int], *, ttl: float) -> dict[str, int]:
        if self.fails:
            raise StoreError("gone")
        return super().count(counter, amounts, ttl=ttl)

    def lose(self) -> None:
        self._counters.clear()


def sums(totals: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in totals.items() if name != ADDITIONS}


def nothing(_: Any) -> None:
    pass


def test_which_stores_can_count() -> None:
    assert can_count(MemoryStore())
    assert not can_count(object())  # type: ignore[arg-type]


def test_what_is_added_later_is_in_the_next_sums() -> None:
    counters, store = Counters(), MemoryStore()
    assert sums(counters.add(store, "c", {"calls": 1}, 60)) == {"calls": 1}
    counters.add_later(store, "c", {"usd": 5}, 60, nothing)
    counters.add_later(store, "c", {"usd": 6}, 60, nothing)
    assert sums(counters.add(store, "c", {"calls": 1}, 60)) == {"calls": 2, "usd": 11}


def test_what_is_added_later_is_added_in_any_case() -> None:
    counters, store, seen = Counters(), MemoryStore(), threading.Event()
    counters.add_later(store, "c", {"usd": 5}, 60, lambda totals: seen.set() if totals["usd"] == 5 else None)
    assert seen.wait(30)
    assert sums(Counters().add(store, "c", {}, 60)) == {"usd": 5}


def test_what_could_not_be_added_is_added_when_the_store_is_back() -> None:
    counters, store = Counters(), Flaky()
    counters.add(store, "c", {"calls": 1}, 60)
    store.fails = True
    counters.add_later(store, "c", {"usd": 5}, 60, nothing)
    for _ in range(2):
        with pytest.raises(StoreError):
            counters.add(store, "c", {"calls": 1}, 60)
    store.fails = False
    assert sums(counters.add(store, "c", {"calls": 1}, 60)) == {"calls": 2, "usd": 5}, "what raised was not added"


def test_a_counter_that_was_lost_gets_back_what_each_process_had_added() -> None:
    store = Flaky()
    ours, theirs = Counters(), Counters()  # of two processes
    for _ in range(20):
        ours.add(store, "c", {"usd": 1}, 60)
        theirs.add(store, "c", {"usd": 100}, 60)
    store.lose()
    assert sums(ours.add(store, "c", {"usd": 1}, 60)) == {"usd": 21}
    assert sums(theirs.add(store, "c", {"usd": 100}, 60)) == {"usd": 2121}
    assert sums(ours.add(store, "c", {}, 60)) == {"usd": 2121}, "once"
    store.lose()
    assert sums(theirs.add(store, "c", {}, 60)) == {"usd": 2100}
    assert sums(ours.add(store, "c", {}, 60)) == {"usd": 2121}


def test_threads_lose_nothing() -> None:
    counters, store = Counters(), MemoryStore()

    def add() -> None:
        for _ in range(200):
            counters.add(store, "c", {"calls": 1}, 60)
            counters.add_later(store, "c", {"usd": 2}, 60, nothing)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: sums(counters.add(store, "c", {}, 60)) == {"calls": 1600, "usd": 3200})


def test_a_child_of_a_fork_adds_nothing_of_its_parents() -> None:
    counters, store = Counters(), Flaky()
    store.fails = True
    counters.add_later(store, "c", {"usd": 5}, 60, nothing)
    counters.after_fork()
    store.fails = False
    assert sums(counters.add(store, "c", {"calls": 1}, 60)) == {"calls": 1}
