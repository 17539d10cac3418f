"""The flow of a request for several embeddings, looked up item by item: only the missing items are requested, each once.

Equal items of concurrent calls are requested once, too: a call claims the items it misses, requests those that it leads, stores them, and
only then waits for those that others lead, so that no two calls wait for each other. What the others do not store, it requests itself.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from wirecache._core.flows.admission import admission
from wirecache._core.flows.collapse import collapse_timeout, longest_wait
from wirecache._core.flows.effects import (
    COMPUTE,
    READ_ANSWER,
    READ_BODY,
    READ_CLOCK,
    ClaimItems,
    Effect,
    Flow,
    FollowItems,
    Forward,
    KeepItems,
    LookupItems,
    Outcome,
    Refuse,
    Relay,
    Turn,
)
from wirecache._core.flows.items import Items, Judge, SplitAnswer
from wirecache._core.flows.refusal import explain_missing_items
from wirecache._core.flows.storability import head_refusal_reason
from wirecache._core.keys.canonical import parse_body
from wirecache._core.llm.embedding_requests import split_request
from wirecache._core.messages import Head, Request
from wirecache._core.rules.eligibility import model_of
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.rules.rules import rule_for_model, rules_for

__all__ = ["embeddings_flow"]

MANY = 32  # items; computing that many keys takes a millisecond


def embeddings_flow(request: Request, plan: Plan, now: float, judge: Judge) -> Generator[Effect, Any, Outcome | None]:
    """Answer a request for embeddings item by item; return None if it is to be handled as a whole. ``now``: seconds since the epoch."""
    rules = rules_for(plan.rules, request) if plan.rules else []
    endpoint = find_endpoint(request.path) if request.method == "POST" else None
    if endpoint != "embeddings" or judge.target_bypass_reason(request, endpoint, plan, rules) is not None:
        return None
    body = parse_body((yield READ_BODY), request.fields.get(b"content-type", b""))
    model = model_of(request, body)
    rule = rule_for_model(rules, model) if rules else None
    if len(body.raw) > plan.max_body or judge.why_body_bypasses(endpoint, body, rule, plan) is not None:
        return None
    if (batch := split_request(request, body)) is None:
        return None
    yield from _compute(len(batch.items))
    try:
        items = Items(request, batch, model, plan, rule, now, judge)
    except Exception:  # the user's normalize raised, and will again for the whole request
        return None
    return (yield from _items_flow(request, items, model))


def _items_flow(request: Request, items: Items, model: str | None) -> Flow:
    plan, batch = items.plan, items.batch
    if not plan.skips_lookup:
        items.add_found((yield LookupItems(tuple(items.places))))
    if not items.missing:
        return items.reused()
    if plan.mode is Mode.OFFLINE or plan.directives.only_if_cached:
        first = batch.body_of_one(items.places[items.missing[0]])
        message = explain_missing_items(request, model, len(items.missing), len(batch.items))
        return Refuse(items.status("only-if-cached"), message, first)
    return (yield from _complete(items, request.read_timeout))


def _compute(count: int) -> Generator[Effect, Any, None]:
    """Move on to a worker thread if there are many items, so that no event loop is blocked."""
    if count > MANY:
        yield COMPUTE


Part = Generator[Effect, Any, Outcome | None]  # a part of the flow; an outcome ends the flow


def _complete(items: Items, read_timeout: float | None) -> Flow:
    """Request what is missing, and wait for what other calls have requested."""
    own, followed = items.missing, list[str]()
    if items.plan.collapse and not items.plan.skips_lookup:
        own, followed = yield from _claim(items)
    if own and (outcome := (yield from _send_for(items, own))) is not None:
        return outcome
    if followed:
        yield from _follow(items, followed, read_timeout)
        if (rest := items.missing) and (outcome := (yield from _send_for(items, rest))) is not None:
            return outcome
        if not own and not rest:
            return items.collapsed()
    yield from _compute(len(items.keys))
    return items.relayed() if items.is_sent else items.reused()


def _claim(items: Items) -> Generator[Effect, Any, tuple[list[str], list[str]]]:
    """Return the keys that this call is to request, and those that others are requesting."""
    missing = items.missing
    turns: Sequence[Turn] = yield ClaimItems(tuple(missing))
    again = tuple(key for key, turn in zip(missing, turns, strict=True) if turn is Turn.LOOK_AGAIN)
    if again:
        items.add_found((yield LookupItems(again)))
    followed = [key for key, turn in zip(missing, turns, strict=True) if turn is Turn.FOLLOW]
    return [key for key in items.missing if key not in followed], followed


def _follow(items: Items, keys: Sequence[str], read_timeout: float | None) -> Generator[Effect, Any, None]:
    seconds = longest_wait(read_timeout)
    try:
        yield FollowItems(seconds)
    except TimeoutError:
        raise collapse_timeout(seconds) from None
    items.add_found((yield LookupItems(tuple(keys))))


def _send_for(items: Items, keys: Sequence[str]) -> Part:
    """Request these items. Return the outcome if the answer cannot be used: an error, or vectors that do not match the others."""
    if (refused := (yield from _admission(items))) is not None:
        return refused
    places = list(items.places_of(keys).values())
    is_all = len(places) == len(items.keys)
    try:
        head: Head = yield Forward(content=None if is_all else items.batch.content_of(places))
        reason = head_refusal_reason(head)
        body: bytes = b"" if reason else (yield READ_ANSWER)
    except Exception:
        if (stale := items.reused_if_stale(599)) is not None:
            return stale
        raise
    if (stale := items.reused_if_stale(head.status)) is not None:
        return stale
    if reason:
        return items.refused(reason, head)
    found = items.read(head, body, keys)
    if found.reason is None:
        return (yield from _keep(items, head, found, keys, is_all=is_all))
    return items.refused(found.reason, head) if is_all else (yield from _send_whole(items))


def _admission(items: Items) -> Generator[Effect, Any, Refuse | None]:
    """Reserve what the call may cost, once for everything it sends. Return the refusal, or None if it may be sent."""
    if items.is_admitted or not items.plan.is_budgeted:
        return None
    items.is_admitted = True
    return (yield from admission("embeddings", items.model, items.status().key))


def _keep(items: Items, head: Head, found: SplitAnswer, keys: Sequence[str], *, is_all: bool) -> Part:
    """Store what was requested. Return the outcome if that is the whole answer."""
    now: float = yield READ_CLOCK
    yield from _compute(len(keys))
    items.add_answer(head, found, keys)
    items.note_unstored((yield KeepItems(items.entries_of(found, head, keys, now))))
    return items.as_sent() if is_all else None


def _send_whole(items: Items) -> Flow:
    """Send the request unchanged, since the answer to a part of it does not match itself or what is known."""
    items.forget_known()
    head: Head = yield Forward()
    if reason := head_refusal_reason(head):
        return items.refused(reason, head)
    found = items.read(head, (yield READ_ANSWER), items.keys)
    if found.reason is not None:
        return items.refused(found.reason, head)
    outcome = yield from _keep(items, head, found, items.keys, is_all=True)
    assert isinstance(outcome, Relay)
    return outcome
