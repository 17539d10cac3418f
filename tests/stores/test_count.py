"""Counters of the stores that can count: one adds, and sees what all have added."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.stores.contract import until
from tests.stores.two_methods import TwoMethods
from wirecache import DiskStore, EncryptedStore, MemoryStore, RedisStore, StoreError, TieredStore
from wirecache.stores import _budget_table


@pytest.fixture(params=["memory", "disk", "redis", "tiers", "encrypted"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    makers: dict[str, Callable[[], Any]] = {
        "memory": MemoryStore,
        "disk": lambda: DiskStore(tmp_path / "store"),
        "redis": lambda: RedisStore(request.getfixturevalue("redis_url"), prefix=f"wirecache-{uuid4()}:", timeout=10),
        "tiers": lambda: TieredStore([MemoryStore(), DiskStore(tmp_path / "store")]),
        "encrypted": lambda: EncryptedStore(DiskStore(tmp_path / "store"), os.urandom(32)),
    }
    made = makers[request.param]()
    yield made
    made.close()


def test_it_adds_and_returns_all_sums(store: Any) -> None:
    assert store.count("a", {}, ttl=60) == {}
    assert store.count("a", {"calls": 1, "usd|m": 2**52 + 1}, ttl=60) == {"calls": 1, "usd|m": 2**52 + 1}
    assert store.count("a", {"calls": -3, "ü": 7}, ttl=60) == {"calls": -2, "usd|m": 2**52 + 1, "ü": 7}
    assert store.count("b", {}, ttl=60) == {}, "each counter for itself"


def test_large_sums_are_exact(store: Any) -> None:
    store.count("a", {"usd": 2**62}, ttl=60)
    assert store.count("a", {"usd": 1}, ttl=60) == {"usd": 2**62 + 1}


@pytest.mark.parametrize("arrives", ["never", "before the next one", "after the next one"])
def test_an_addition_without_an_answer_is_not_counted_in_redis(redis_url: str, arrives: str) -> None:
    """Redis carries it out, though nobody waits for it any more."""
    store = RedisStore(redis_url, prefix=f"wirecache-{uuid4()}:", timeout=10)
    store.count("a", {"calls": 1, "usd|m": 5}, ttl=60)
    run, late = store._counter._run, []

    def without_answer(action: Callable[[Any], Any]) -> Any:
        late.append(lambda: run(action))
        if arrives == "before the next one":
            late.pop()()
        run(lambda _: action(Unanswering()))

    store._counter._run = without_answer
    with pytest.raises(StoreError):
        store.count("a", {"calls": 1, "usd|m": -5}, ttl=60)
    store._counter._run = run
    until(lambda: counted(store))
    for send in late if arrives == "after the next one" else ():
        send()
    assert store.count("a", {"calls": 1}, ttl=60) == {"calls": 2, "usd|m": 5}
    assert store.count("a", {}, ttl=60) == {"calls": 2, "usd|m": 5}
    store.close()


class Unanswering:
    """A client whose answers do not come."""

    def eval(self, *_: Any) -> Any:
        raise TimeoutError


def counted(store: RedisStore) -> bool:
    """Return whether the store can be used again."""
    try:
        store.count("a", {}, ttl=60)
    except StoreError:
        return False
    return True


def test_a_sum_of_nothing_is_left_out(store: Any) -> None:
    store.count("a", {"open": 1, "calls": 1}, ttl=60)
    assert store.count("a", {"open": -1}, ttl=60) == {"calls": 1}


def test_each_of_many_threads_sees_its_own_place(store: Any) -> None:
    seen: list[int] = []

    def add() -> None:
        for _ in range(25):
            seen.append(store.count("a", {"calls": 1}, ttl=60)["calls"])  # noqa: PERF401  # each as it comes

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 201))


def test_a_counter_is_no_entry_and_stays_when_they_are_cleared(store: Any) -> None:
    store.count("a", {"calls": 1}, ttl=60)
    store.set("k" * 64, b"value", ttl=None)
    assert list(store.keys()) == ["k" * 64]
    store.clear()
    assert store.count("a", {}, ttl=60) == {"calls": 1}


def test_tiers_count_in_the_last_that_can_and_not_in_this_process_alone(tmp_path: Path) -> None:
    disk = DiskStore(tmp_path / "store")
    tiers = TieredStore([MemoryStore(), disk, TwoMethods()])
    tiers.count("a", {"calls": 1}, ttl=60)
    assert disk.count("a", {}, ttl=60) == {"calls": 1}
    assert not hasattr(TieredStore([MemoryStore(), TwoMethods()]), "count")
    assert hasattr(TieredStore([MemoryStore()]), "count")
    assert not hasattr(EncryptedStore(TwoMethods(), os.urandom(32)), "count")
    tiers.close()


# -- the table on the disk --------------------------------------------------------------------------------------------


def edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path / "cache.db")
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_value_that_is_no_number_is_reported_and_the_store_goes_on(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.count("a", {"calls": 1}, ttl=60)
    edit(store.path, "UPDATE WirecacheBudgets SET amount = 'none'")
    with pytest.raises(StoreError, match="not an integer: 'calls'"):
        store.count("a", {"calls": 1}, ttl=60)
    store.set("k", b"value", ttl=None)
    assert store.get("k") == b"value"
    store.close()


def test_a_foreign_table_is_reported_and_is_no_damage(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.set("k", b"value", ttl=None)
    edit(store.path, "CREATE TABLE WirecacheBudgets (other)")
    with pytest.raises(StoreError, match="a counter of a budget could not be kept"):
        store.count("a", {"calls": 1}, ttl=60)
    assert store.get("k") == b"value"
    assert [path.name for path in store.path.iterdir() if "corrupt" in path.name] == []
    store.close()


def test_counters_that_nobody_uses_any_more_are_deleted_whole(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.count("old", {"calls": 1}, ttl=-1)
    store.count("used", {"calls": 1}, ttl=-1)
    store.count("used", {"usd": 1}, ttl=60)
    store.count("new", {"calls": 1}, ttl=60)
    assert store.count("old", {}, ttl=60) == {}
    assert store.count("used", {}, ttl=60) == {"calls": 1, "usd": 1}
    store.close()


def test_a_sum_that_sqlite_cannot_keep_is_refused(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.count("a", {"usd": 2**63 - 1}, ttl=60)
    with pytest.raises(_budget_table.CounterError, match="is full"):
        store.count("a", {"usd": 1}, ttl=60)
    assert store.count("a", {}, ttl=60) == {"usd": 2**63 - 1}
    store.close()
