"""Which items are known, and what do they make together? What the flow and the faces do not show already."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.flows.test_embeddings import HOST, entries_of
from tests.core.play import ask, head
from tests.embedder import OPENAI, Embedder, body_for, vectors_in
from wirecache._core.flows.inference import reuse_of, stale_reuse, target_bypass_reason, why_body_bypasses
from wirecache._core.flows.items import Items, Judge, split_answer
from wirecache._core.keys.canonical import parse_body
from wirecache._core.llm.embedding_requests import split_request
from wirecache._core.messages import Usage
from wirecache._core.rules.plan import Mode, Plan

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


def answered(items: Items, **changes: Any) -> None:
    """Take upstream's answer to what is missing."""
    keys = items.missing
    texts = [chr(ord("a") + list(items.places).index(key)) for key in keys]
    found = items.read(head(), Embedder(**changes).answer(OPENAI, body_for(OPENAI, texts)).encode(), keys)
    assert found.reason is None
    items.add_answer(head(), found, keys)


def test_vectors_of_other_lengths_in_the_store_are_as_good_as_none() -> None:
    items = items_of("a", "b")
    entries = entries_of("a", "b")
    key = next(iter(entries))
    other = Embedder(size=lambda item: 7).answer(OPENAI, body_for(OPENAI, ["a"]))
    items.add_found({**entries, key: entries[key]._replace(body=other.encode())})
    assert items.missing == list(entries)


def test_an_item_that_is_there_twice_is_one_entry() -> None:
    items = items_of("a", "a", "b")
    assert items.is_sent is False
    answered(items)
    assert items.is_sent is True
    found = items.read(head(), Embedder().answer(OPENAI, body_for(OPENAI, ["a", "a", "b"])).encode(), items.keys)
    entries = items.entries_of(found, head(), items.keys, 1012.0)
    assert [entry.key for entry in entries] == list(items.places)
    assert {entry.seconds for entry in entries} == {2.0 / 3}


def test_the_answer_of_store_and_upstream_together() -> None:
    items = items_of("a", "b", plan=Plan(ttl=60.0))
    items.add_found(entries_of("a"))
    answered(items)
    items.note_unstored(None)
    relay = items.relayed()
    assert relay.body is not None
    assert vectors_in(OPENAI, relay.body) == vectors_in(OPENAI, Embedder().answer(OPENAI, body_for(OPENAI, ["a", "b"])).encode())
    assert (relay.status.stored, relay.keys) == (True, tuple(items.places))
    items.note_unstored("store-error")
    items.note_unstored("another")
    assert (items.as_sent().status.stored, items.as_sent().status.detail) == (False, "store-error")


def test_what_is_forgotten_is_sent_for_again() -> None:
    items = items_of("a", plan=Plan(ttl=60.0))
    items.add_found(entries_of("a"))
    assert items.missing == []
    items.forget_known()
    assert items.missing == list(items.places)


def test_what_others_stored_is_collapsed() -> None:
    items = items_of("a", "b", plan=Plan(ttl=60.0))
    items.add_found(entries_of("a", "b"))
    reuse = items.collapsed()
    assert (reuse.status.fwd, reuse.status.collapsed, reuse.status.items, reuse.status.items_reused) == ("miss", True, 2, 2)


def test_an_answer_that_is_refused_says_why_and_what_it_cost() -> None:
    items = items_of("a")
    found = items.read(head(), b'{"error": "no", "usage": {"prompt_tokens": 3}}', items.keys)
    assert found.reason == "error"
    relay = items.refused("error", head(500))
    assert (relay.status.detail, relay.status.fwd_status, relay.usage, relay.status.stored) == ("error", 500, Usage(3), False)


def test_a_call_that_does_not_look_goes_upstream_on_request() -> None:
    assert items_of("a", plan=Plan(mode=Mode.REFRESH)).status().fwd == "request"
    all_stale = items_of("a", plan=Plan(ttl=5.0))
    all_stale.add_found(entries_of("a"))
    assert all_stale.status().fwd == "stale"
