"""Which items are known, and what do they make together? What the flow and the faces do not show already."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.flows.test_embeddings import HOST, entries_of
from tests.core.play import ask, head
from tests.embedder import OPENAI, Embedder, body_for
from wirecache._core.flows.inference import reuse_of, stale_reuse, target_bypass_reason, why_body_bypasses
from wirecache._core.flows.items import Items, Judge, split_answer
from wirecache._core.keys.canonical import parse_body
from wirecache._core.llm.embedding_requests import split_request
from wirecache._core.messages import Usage
from wirecache._core.rules.plan import Plan

JUDGE = Judge(target_bypass_reason, why_body_bypasses, reuse_of, stale_reuse)
WHOLE = Embedder().answer(OPENAI, body_for(OPENAI, ["a"]))


def items_of(*texts: str, plan: Plan | None = None, now: float = 1010.0) -> Items:
    body = parse_body(json.dumps(body_for(OPENAI, list(texts))).encode())
    request = ask(HOST + OPENAI)
    batch = split_request(request, body)
    assert batch is not None
    return Items(request, batch, "m", plan or Plan(), None, now, JUDGE)


@pytest.mark.parametrize(
    ("headers", "body", "reason", "usage"),
    [
        ({"content-type": "text/event-stream"}, "data: {}", "stream", None),
        ({"content-type": "application/json"}, "{", "malformed", None),
        ({"content-type": "application/json"}, "[]", "no-answer", None),
        ({"content-type": "text/plain"}, "hello", "malformed", None),
        ({}, '{"error": "no", "usage": {"prompt_tokens": 3}}', "error", Usage(3)),
        ({}, '{"data": [], "usage": {"prompt_tokens": 3}}', "items-count", Usage(3)),
        ({}, WHOLE, None, Usage(7)),
    ],
)
def test_what_an_answer_has(headers: dict[str, str], body: str, reason: str | None, usage: Usage | None) -> None:
    found = split_answer(items_of("a").batch, head(headers=headers), body.encode(), 1)
    assert (found.reason, found.usage) == (reason, usage)


def test_an_entry_that_is_no_answer_to_one_item_is_none() -> None:
    items = items_of("a", "b")
    entries = entries_of("a", "b")
    first, second = entries
    entries[first] = entries[first]._replace(body=b'{"data": []}')
    entries[second] = entries[second]._replace(body=b"\xff")
    items.add_found(entries)
    assert items.missing == [first, second]


def test_the_age_is_that_of_the_oldest() -> None:
    items = items_of("a", "b", plan=Plan(ttl=60.0))
    entries = entries_of("a", "b")
    first = next(iter(entries))
    entries[first] = entries[first]._replace(stored_at=995.0, usage=Usage(3))
    items.add_found(entries)
    reuse = items.reused()
    assert (reuse.age, reuse.status.ttl, reuse.entry.seconds, reuse.entry.usage) == (15.0, 45.0, 1.0, Usage(3))


def stale(**plan: Any) -> Items:
    items = items_of("a", "b", plan=Plan(ttl=5.0, **plan))
    entries = entries_of("a", "b")
    key = next(iter(entries))
    entries[key] = entries[key]._replace(stored_at=1009.0)  # of the two, this one is fresh
    items.add_found(entries)
    return items


def test_stale_items_in_place_of_an_error() -> None:
    reuse = stale(stale_if_error=60.0).reused_if_stale(500)
    assert reuse is not None
    assert (reuse.status.hit, reuse.status.detail, reuse.age) == (True, "stale-if-error", 9.0)
    assert stale(stale_if_error=60.0).reused_if_stale(200) is None
    assert stale(stale_if_error=1.0).reused_if_stale(500) is None
    assert stale().reused_if_stale(500) is None


def test_why_it_goes_upstream() -> None:
    assert stale().status().fwd == "partial"
    assert items_of("a").status().fwd == "miss"
    assert items_of("a").status().key is not None
