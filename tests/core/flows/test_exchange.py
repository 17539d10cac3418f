"""What an exchange cost and saved, and why its answer was not stored: decided once, for all accounts."""

from __future__ import annotations

import pytest

from tests.core.play import CHAT, ask, entry
from wirecache._core.flows.exchange import Cost, Exchange
from wirecache._core.flows.labels import Labels
from wirecache._core.messages import Entry, Usage
from wirecache._core.privacy.names import redacted_url
from wirecache._core.status import CacheStatus

USAGE = Usage(10, 3)
REUSED = entry(seconds=0.5, usage=USAGE)
MISS, BYPASS = CacheStatus(fwd="miss"), CacheStatus(fwd="bypass", detail="stream")


def ended(
    status: CacheStatus,
    code: int = 200,
    *,
    entry: Entry | None = None,
    sent: bool = True,
    usage: Usage | None = None,
    endpoint: str = "chat",
) -> Exchange:
    exchange = Exchange(ask(CHAT + "?key=secret"), 86_400.0 * 3 + 5, redacted_url, print)
    exchange.status, exchange.code, exchange.entry, exchange.is_forwarded = status, code, entry, sent
    exchange.recorded_usage, exchange.labels, exchange.seconds = usage, Labels("h", endpoint, "m", "team"), 2.0
    return exchange


@pytest.mark.parametrize(
    ("exchange", "cost"),
    [
        pytest.param(ended(CacheStatus(hit=True), entry=REUSED, sent=False), Cost(None, 0.5, None, USAGE), id="a hit"),
        pytest.param(ended(CacheStatus(fwd="stale"), entry=REUSED), Cost(2.0, 0.5, None, USAGE), id="a renewed entry"),
        pytest.param(ended(MISS, usage=USAGE), Cost(2.0, None, USAGE), id="a miss"),
        pytest.param(ended(BYPASS), Cost(2.0, is_uncounted=True), id="a stream that passed"),
        pytest.param(ended(MISS, 500), Cost(2.0), id="an error costs no tokens"),
        pytest.param(ended(MISS, 500, usage=USAGE), Cost(2.0, None, USAGE), id="but what it counts"),
        pytest.param(ended(MISS, 0), Cost(2.0), id="no answer"),
        pytest.param(ended(BYPASS, endpoint=""), Cost(2.0), id="no inference"),
        pytest.param(ended(MISS, endpoint="http"), Cost(2.0), id="a GET"),
        pytest.param(ended(MISS, 424, sent=False), Cost(), id="a refusal"),
    ],
)
def test_cost(exchange: Exchange, cost: Cost) -> None:
    assert exchange.cost == cost


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        pytest.param(ended(CacheStatus(fwd="miss", detail="status-500"), 500), "status-500", id="not stored"),
        pytest.param(ended(MISS), "", id="not stored, no reason"),
        pytest.param(ended(CacheStatus(fwd="miss", stored=True)), None, id="stored"),
        pytest.param(ended(BYPASS), None, id="not to be stored"),
        pytest.param(ended(CacheStatus(fwd="stale"), entry=REUSED), None, id="reused"),
        pytest.param(ended(MISS, 0), None, id="no answer"),
        pytest.param(ended(MISS, 424, sent=False), None, id="not sent"),
    ],
)
def test_why_it_was_not_stored(exchange: Exchange, reason: str | None) -> None:
    assert exchange.refusal_reason == reason


def test_what_it_is_counted_by() -> None:
    exchange = ended(MISS)
    assert (exchange.method, exchange.host, exchange.endpoint, exchange.model, exchange.namespace, exchange.day) == (
        "POST", "h", "chat", "m", "team", 3,
    )  # fmt: skip
    assert "secret" not in exchange.url + repr(exchange)
    assert exchange.url.startswith(CHAT)


def test_usage_and_saved_are_those_of_the_entry() -> None:
    hit, miss = ended(CacheStatus(hit=True), entry=REUSED, sent=False), ended(MISS, usage=USAGE)
    assert (hit.usage, hit.saved, miss.usage, miss.saved) == (USAGE, 0.5, USAGE, None)


def test_discard_rejects_the_answer_of_its_key() -> None:
    rejected: list[str] = []
    for status in (MISS, CacheStatus(fwd="miss", key="abc")):
        exchange = Exchange(ask(), 0.0, redacted_url, rejected.append)
        exchange.status = status
        exchange.discard()
    assert rejected == ["abc"]


def test_what_is_missing() -> None:
    refused, wrong, answered = ended(MISS, 424), ended(CacheStatus(fwd="bypass", detail="config-error"), 400), ended(MISS)
    refused.message = wrong.message = "no"
    assert [each.is_missing for each in (refused, wrong, answered)] == [True, False, False]


def test_what_a_budget_refused() -> None:
    refused, missing, answered = ended(CacheStatus(fwd="miss", detail="budget-exceeded"), 424), ended(MISS, 424), ended(MISS)
    refused.message = missing.message = "no"
    assert [each.is_over_budget for each in (refused, missing, answered)] == [True, False, False]
    assert not refused.is_missing
