"""Processes that use a store at the same time are one run; the next one begins with nothing spent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stores.processes import Script
from wirecache import DiskStore, MemoryStore
from wirecache._runtime.processes import is_on_this_machine, is_running, process_id
from wirecache._storage.runs import ALIVE_FOR, COUNTER, Runs, new_run_id

RUN = """
import sys
from wirecache import DiskStore
from wirecache._storage.runs import Runs
runs, store = Runs(), DiskStore(sys.argv[1])
for _ in sys.stdin:
    print(runs.current(store), flush=True)
"""


def next_run(script: Script) -> str:
    script.go()
    return script.line()


def test_processes_that_run_at_the_same_time_are_one_run(tmp_path: Path) -> None:
    scripts = [Script(RUN, tmp_path / "store") for _ in range(4)]
    try:
        for script in scripts:
            script.go()
        assert len({script.line() for script in scripts}) == 1
    finally:
        for script in scripts:
            script.kill()


def test_a_run_ends_with_the_last_of_its_processes_also_by_kill(tmp_path: Path) -> None:
    with Script(RUN, tmp_path / "store") as first, Script(RUN, tmp_path / "store") as second:
        run = next_run(first)
        assert next_run(second) == run
        first.kill()
        with Script(RUN, tmp_path / "store") as third:
            assert next_run(third) == run, "the second one is still there"
            second.kill()
    with Script(RUN, tmp_path / "store") as later:
        assert next_run(later) != run


def test_the_caches_of_one_process_are_one_run(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    assert Runs().current(store) == Runs().current(store) == "1"
    store.close()


def test_a_variable_names_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_RUN", "nightly")
    assert Runs().current(MemoryStore()) == "nightly"
    assert new_run_id() != new_run_id()


def test_a_member_on_another_machine_is_alive_while_it_was_seen_lately() -> None:
    store = MemoryStore()
    run = Runs().current(store)
    mine = f"member|{run}|{process_id()}"
    elsewhere = f"member|{run}|elsewhere[1]/5/77"
    seen = store.count(COUNTER, {}, ttl=1)[mine]
    store.count(COUNTER, {mine: -seen, elsewhere: seen}, ttl=1)
    assert Runs().current(store) == run
    seen = store.count(COUNTER, {}, ttl=1)
    store.count(COUNTER, {**{name: -amount for name, amount in seen.items() if name != f"claim|{run}"}, elsewhere: -ALIVE_FOR}, ttl=1)
    assert Runs().current(store) == str(int(run) + 1)
    assert [name for name in store.count(COUNTER, {}, ttl=1) if f"|{run}" in name] == [], "the remains are gone"


def test_a_run_whose_counter_was_lost_is_still_the_run() -> None:
    store, runs = MemoryStore(), Runs()
    store.count(COUNTER, {"claim|7": 1}, ttl=1)
    run = runs.current(store)
    assert run == "8"
    store._counters.clear()
    runs.after_fork()  # it makes itself known again
    assert runs.current(store) == run
    assert Runs().current(store) == run


def test_processes() -> None:
    assert is_running(process_id())
    assert is_on_this_machine(process_id())
    assert not is_on_this_machine("elsewhere[1]/5/77")
    place = process_id().rpartition("/")[0].rpartition("/")[0]
    assert not is_running(f"{place}/{os.getpid()}/1"), "its number was used before"
    assert not is_running(f"{place}/none/1")
