"""Statistics are bounded in memory and in the store, whatever texts come from outside, and take nothing from the entries."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from wirecache import Cache, DiskStore, MemoryStore, Stats
from wirecache._core.flows.labels import Labels
from wirecache._core.label_bounds import LONGEST, MOST, OTHER
from wirecache._core.status import CacheStatus
from wirecache._storage.tally import Tally
from wirecache.stores import _stats_table

MANY = 8000
MEGABYTE = 10**6
KEY = "a" * 64


def line(day: int = 20_000, model: str = "m", name: str = "hits", amount: float = 1) -> tuple[object, ...]:
    return (day, "h", "chat", model, "", 0, name, amount)


def models(days: list[tuple[object, ...]]) -> dict[object, object]:
    return {row[3]: row[7] for row in days}


def test_a_process_counts_so_many_models_apart() -> None:
    tally = Tally()
    for number in range(MANY):
        tally.answered(CacheStatus(hit=True), labels=Labels("h", "chat", f"{number}" + "m" * MEGABYTE if number < 20 else f"model{number}"))
        tally.refused(f"reason {number}", Labels("h"))
    by_model = tally.snapshot().by("model")
    assert len(by_model) <= MOST + 1
    assert by_model[OTHER].hits == MANY - (MOST - 1)  # one of them is the row of the reasons
    assert max(map(len, by_model)) <= LONGEST
    assert tally.snapshot().hits == MANY
    assert len(tally.snapshot().refused_for) <= MOST + 1
    assert tally.snapshot().refused == MANY


def test_all_processes_of_a_day_share_the_bound(tmp_path: Path) -> None:
    for process in range(4):
        DiskStore(tmp_path).add_history([line(model=f"{process} model {number}") for number in range(MOST // 2)])
    kept = models(DiskStore(tmp_path).history())
    assert len(kept) == MOST + 1
    assert kept[OTHER] == MOST


def test_names_of_megabytes_leave_room_for_entries(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, size_limit="20MB")
    store.add_history([line(model=f"{number}" + "m" * MEGABYTE) for number in range(10)])
    assert max(len(str(model)) for model in models(store.history())) <= LONGEST
    for number in range(30):
        store.set(f"{number:064}", b"x" * MEGABYTE, ttl=None)
    assert 15 <= len(list(store.keys())) <= 20


def test_a_table_of_an_older_version_takes_nothing_from_the_entries(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, size_limit="20MB")
    store.add_history([line()])
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection, connection:  # as versions without a bound wrote it
        rows = [line(model=f"{number}" + "m" * MEGABYTE) for number in range(30)] + [line(model=f"model{number}") for number in range(MANY)]
        connection.executemany("INSERT INTO WirecacheHistory VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    store = DiskStore(tmp_path, size_limit="20MB", lock_wait=4.0)  # not shared with the first one, which has measured the table
    for number in range(5):
        store.set(f"{number:064}", b"x" * MEGABYTE, ttl=None)
    assert len(list(store.keys())) == 5
    with Cache(store) as cache:
        (today,) = cache.history().values()
    assert len(today.by("model")) == MOST + 1
    assert today.hits == 1 + 30 + MANY
    assert max(map(len, today.by("model"))) <= LONGEST


def test_the_oldest_days_are_summed_up_where_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stats_table, "_MOST_LINES", 50)
    store = DiskStore(tmp_path)
    for day in range(10):
        store.add_history([line(day, f"model{number}") for number in range(20)])
    lines = store.history()
    assert len(lines) <= 50
    assert {row[3] for row in lines if row[0] == 0} == {OTHER}
    assert len({row[3] for row in lines if row[0] == 9}) == 20
    assert sum(row[7] for row in lines) == 200  # type: ignore[misc]


@pytest.mark.usefixtures("only_new_garbage")  # a collection of all that other tests made takes a second
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_statistics_of_thousands_of_models_are_quick(where: str, tmp_path: Path) -> None:
    with Cache(MemoryStore() if where == "memory" else tmp_path) as cache:
        for number in range(MANY):
            cache._statistics.tally.answered(CacheStatus(hit=True), labels=Labels("h", "chat", f"model{number}"), day=20_000)
        if where == "disk":
            DiskStore(tmp_path).add_history([line(model=f"model{number}") for number in range(MANY)])
        started = time.thread_time()
        found: Stats = cache.stats if where == "memory" else cache.history()[max(cache.history())]
        assert len(found.by("model")) == MOST + 1
        assert time.thread_time() - started < 1.0  # of the processor: 0.05 s; without a bound ten times as much
