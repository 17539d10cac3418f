from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.core.play import entry
from wirecache._core.flows.labels import Labels
from wirecache._core.messages import Entry, Usage
from wirecache._core.stats import Row, Stats, band_of, days_of, flat
from wirecache._core.status import CacheStatus
from wirecache._storage.tally import Tally

COST, STREAM, TWO = Usage(5, 7), {"stream": 1}, {"error": 2, "truncated": 1}


@pytest.mark.parametrize(
    ("status", "reused", "counted"),
    [
        pytest.param(CacheStatus(hit=True, ttl=5.0), entry(), Stats(hits=1, seconds_saved=0.5, tokens=12, saved=COST), id="hit"),
        pytest.param(CacheStatus(hit=True), entry(usage=None), Stats(hits=1, seconds_saved=0.5), id="hit for ever, no usage"),
        pytest.param(
            CacheStatus(hit=True, ttl=-5.0),
            entry(),
            Stats(hits=1, stale=1, seconds_saved=0.5, tokens=12, saved=COST),
            id="stale hit",
        ),
        pytest.param(CacheStatus(fwd="miss"), None, Stats(misses=1), id="miss"),
        pytest.param(CacheStatus(fwd="stale"), None, Stats(misses=1), id="stale"),
        pytest.param(CacheStatus(fwd="request"), None, Stats(misses=1), id="refresh"),
        pytest.param(CacheStatus(fwd="miss", detail="only-if-cached"), None, Stats(misses=1), id="refused, offline"),
        pytest.param(
            CacheStatus(fwd="bypass", detail="stream"),
            None,
            Stats(bypassed=1, reasons={"stream": 1}, bypassed_for={"stream": 1}),
            id="bypass",
        ),
        pytest.param(
            CacheStatus(fwd="stale", fwd_status=304, stored=True),
            entry(),
            Stats(misses=1, seconds_saved=0.5, tokens=12, saved=COST),
            id="renewed",
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
    assert tally.snapshot() == Stats(
        refused=3, stored=1, store_errors=1, reasons={"error": 2, "truncated": 1}, refused_for={"error": 2, "truncated": 1}
    )


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
    assert tally.snapshot() == Stats(
        hits=1600, stored=1600, refused=1600, seconds_saved=800.0, tokens=19_200, saved=Usage(8000, 11_200),
        reasons={"error": 1600}, refused_for={"error": 1600},
    )  # fmt: skip


HERE = Labels("api.openai.com", "chat", "gpt-4o", "team")
THERE = Labels("api.anthropic.com", "messages", "claude-sonnet-4-5")


def counted() -> Tally:
    tally = Tally()
    tally.answered(CacheStatus(fwd="miss"), None, HERE, 1)
    tally.paid(Usage(100, 50, 64, 0, 0, 30), 2.0, HERE, 1)
    tally.add("stored", HERE, 1)
    tally.answered(CacheStatus(hit=True), entry(usage=Usage(100, 50, 64, 0, 0, 30), seconds=2.0), HERE, 2)
    tally.answered(CacheStatus(fwd="miss", collapsed=True), entry(usage=None), HERE, 2)
    tally.answered(CacheStatus(fwd="bypass", detail="stream"), None, THERE, 2)
    tally.paid(None, 0.25, THERE, 2)
    tally.answered(CacheStatus(fwd="miss"), None, THERE, 2)
    tally.spent(0.5, THERE, 2)
    tally.refused("status-503", THERE, 2)
    return tally


def test_what_was_billed_and_saved_and_where() -> None:
    stats = counted().snapshot()
    assert stats == Stats(
        hits=1, misses=2, bypassed=1, collapsed=1, stored=1, refused=1, untold=1, seconds_saved=2.5, seconds_spent=2.75, tokens=150,
        billed=Usage(100, 50, 64, 0, 0, 30), saved=Usage(100, 50, 64, 0, 0, 30), reasons={"stream": 1, "status-503": 1},
        bypassed_for={"stream": 1}, refused_for={"status-503": 1},
    )  # fmt: skip
    assert stats.calls == 5
    assert {name: (part.calls, part.seconds_spent) for name, part in stats.by("model").items()} == {
        "gpt-4o": (3, 2.0), "claude-sonnet-4-5": (2, 0.75)
    }  # fmt: skip
    assert list(stats.by("host")) == ["api.anthropic.com", "api.openai.com"]
    assert list(stats.by("endpoint")) == ["chat", "messages"]
    assert list(stats.by("namespace")) == ["", "team"]
    with pytest.raises(ValueError, match="'host', 'endpoint', 'model' or 'namespace'"):
        stats.by("day")


def test_what_is_drained_is_drained_once_and_stays_in_the_sum() -> None:
    tally = counted()
    before = tally.snapshot()
    lines = list(flat(tally.drain()))
    assert tally.drain() == {}
    assert tally.snapshot() == before
    days = days_of(lines)
    assert [Stats.of(days[day]).calls for day in sorted(days)] == [1, 4]
    assert Stats.of(days[1] | days[2]) == before


def test_what_could_not_be_kept_is_drained_again() -> None:
    tally = counted()
    before, rows = tally.snapshot(), tally.drain()
    tally.put_back(rows)
    assert tally.snapshot() == before
    assert sorted(flat(tally.drain()), key=str) == sorted(flat(rows), key=str)


LINE = (1, "h", "chat", "m", "", 0, "hits", 2)


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, "1"), (0, None), (0, 10**9), (1, 1), (3, b"m"), (5, 0.5), (6, None), (7, "2"), (7, -1), (7, float("nan")), (7, float("inf"))],
)
def test_a_foreign_line_is_passed_over(at: int, value: object) -> None:
    foreign = (*LINE[:at], value, *LINE[at + 1 :])
    assert days_of([foreign, LINE, LINE[:3]]) == {1: {Row(1, "h", "chat", "m", "", 0): {"hits": 2}}}


@pytest.mark.parametrize(
    ("usage", "band"), [(None, 0), (Usage(0), 0), (Usage(32_000), 0), (Usage(32_001), 1), (Usage(10**9), 9), (Usage(5, other=1), -1)]
)
def test_calls_are_counted_by_what_they_read(usage: Usage | None, band: int) -> None:
    assert band_of(usage) == band
