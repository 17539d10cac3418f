"""The clock jumps: no answer is wrong, nothing lives for ever, and what is fresh by the right clock is reused by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import echo
from wirecache import Cache, DiskStore, MemoryStore, RedisStore, TieredStore

NOW = 1_800_000_000.0
YEAR = 365 * 86400.0
JUMPS = {
    "a second back": NOW - 1,
    "an hour back": NOW - 3600,
    "ten years back": NOW - 10 * YEAR,
    "to the beginning": 0.0,
    "before the beginning": -NOW,
    "an hour on": NOW + 3600,
    "ten years on": NOW + 10 * YEAR,
    "beyond 2038": 2.0**31 + 1,
    "to the year 9000": 221_845_392_000.0,
}


class Clock:
    """The system's clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(time, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


STORES: dict[str, Callable[[Path], Any]] = {
    "memory": lambda path: MemoryStore(),
    "disk": DiskStore,
    "tiered": lambda path: TieredStore([MemoryStore(), DiskStore(path)]),
}


@pytest.fixture(params=[*STORES, "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        opened = RedisStore(url, prefix=f"{tmp_path}:", timeout=10)
    else:
        opened = STORES[request.param](tmp_path / "store")
    yield opened
    if close := getattr(opened, "close", None):
        close()


def test_jumps_and_back(store: Any, clock: Clock) -> None:
    """Whatever is stored while the clock is wrong, calls are answered rightly then and after."""
    with Cache(store, ttl="1d", keep_stale="30d") as cache:
        for name, moment in JUMPS.items():
            clock.now = NOW
            echo.ask(cache, "before")
            cache.flush()
            assert echo.ask(cache, "before").hit
            clock.now = moment
            for prompt in ("before", f"then {name}", f"then {name}", "before"):
                status = echo.ask(cache, prompt)
                cache.flush()
                assert not status.hit or (status.ttl is not None and status.ttl <= 86400), (name, status)
            assert [entry.body for entry in cache.entries() if not echo.is_right(entry.body)] == []
            cache.prune()
            clock.now = NOW
            for prompt in ("before", f"then {name}", "after"):
                echo.ask(cache, prompt)
                cache.flush()
                assert echo.ask(cache, prompt).hit, name
        assert cache.stats.store_errors == 0


def test_what_was_stored_ahead_of_time_is_stale_in_the_end(store: Any, clock: Clock) -> None:
    """An entry of a clock that was ten years ahead is none of ten years: its age is that of the moment in which it is read."""
    with Cache(store, ttl="1d") as cache:
        clock.now = NOW + 10 * YEAR
        echo.ask(cache, "ahead")
        cache.flush()
        clock.now = NOW
        status = echo.ask(cache, "ahead")
        assert not status.hit or (status.ttl is not None and status.ttl <= 86400)


def test_a_clock_that_goes_backwards_between_two_calls(store: Any, clock: Clock) -> None:
    with Cache(store, ttl="1h") as cache:
        for step in range(50):
            clock.now = NOW - step * 7
            echo.ask(cache, f"prompt {step % 5}")
            cache.flush()
        assert cache.stats.store_errors == 0
        assert cache.stats.hits == 45
