from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.core.play import entry
from wirecache._core.messages import Entry
from wirecache._core.status import CacheStatus
from wirecache.stats import Stats, Tally


@pytest.mark.parametrize(
    ("status", "reused", "counted"),
    [
        pytest.param(CacheStatus(hit=True, ttl=5.0), entry(), Stats(hits=1, seconds_saved=0.5, tokens=12), id="hit"),
        pytest.param(CacheStatus(hit=True), entry(usage=None), Stats(hits=1, seconds_saved=0.5), id="hit for ever, no usage"),
        pytest.param(CacheStatus(hit=True, ttl=-5.0), entry(), Stats(hits=1, stale=1, seconds_saved=0.5, tokens=12), id="stale hit"),
        pytest.param(CacheStatus(fwd="miss"), None, Stats(misses=1), id="miss"),
        pytest.param(CacheStatus(fwd="stale"), None, Stats(misses=1), id="stale"),
        pytest.param(CacheStatus(fwd="request"), None, Stats(misses=1), id="refresh"),
        pytest.param(CacheStatus(fwd="miss", detail="only-if-cached"), None, Stats(misses=1), id="refused, offline"),
        pytest.param(CacheStatus(fwd="bypass", detail="stream"), None, Stats(bypassed=1, reasons={"stream": 1}), id="bypass"),
        pytest.param(
            CacheStatus(fwd="stale", fwd_status=304, stored=True), entry(), Stats(misses=1, seconds_saved=0.5, tokens=12), id="renewed"
        ),
    ],
)
def test_answered(status: CacheStatus, reused: Entry | None, counted: Stats) -> None:
    tally = Tally()
    tally.answered(status, reused)
    assert tally.snapshot() == counted


def test_what_becomes_of_the_body() -> None:
    tally = Tally()
    for reason in ("error", "error", "truncated"):
        tally.refused(reason)
    tally.add("stored")
    tally.add("store_errors")
    assert tally.snapshot() == Stats(refused=3, stored=1, store_errors=1, reasons={"error": 2, "truncated": 1})


def test_a_snapshot_stays_as_it_was() -> None:
    tally = Tally()
    tally.refused("error")
    before = tally.snapshot()
    tally.refused("error")
    assert before.reasons == {"error": 1}
    with pytest.raises(AttributeError):
        before.hits = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        before.reasons["error"] = 2  # type: ignore[index]


def test_no_count_is_lost_between_threads() -> None:
    tally = Tally()

    def some(_: int) -> None:
        for _ in range(200):
            tally.answered(CacheStatus(hit=True, ttl=1.0), entry())
            tally.refused("error")
            tally.add("stored")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))
    assert tally.snapshot() == Stats(hits=1600, stored=1600, refused=1600, seconds_saved=800.0, tokens=19_200, reasons={"error": 1600})
