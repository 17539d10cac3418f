"""The flow of an inference request: answer from the store, or forward and record.

The flow ends when the head of the response is known; the recorder handles the body.
"""

from __future__ import annotations

import math
from typing import Literal

from wirecache._core.flows.admission import admission, budgeted_endpoint, metered, read_body
from wirecache._core.flows.collapse import claim_or_follow
from wirecache._core.flows.effects import READ_BODY, Flow, Forward, Lookup, Refuse, Relay, Reuse
from wirecache._core.flows.recorder import Recorder, Recording, selecting_fields
from wirecache._core.flows.refusal import explain_bypass, explain_miss
from wirecache._core.flows.storability import head_refusal_reason
from wirecache._core.headers import fields_of
from wirecache._core.keys.canonical import Body, parse_body
from wirecache._core.keys.keys import key_of, per_caller
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.rules.eligibility import (
    body_bypass_reason,
    body_requests_stream,
    is_event_stream,
    is_upgrade,
    model_of,
    target_requests_stream,
    too_large,
)
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.freshness import age_of, effective_ttl, may_answer, ttl_left
from wirecache._core.rules.plan import Mode, Plan, Streams, ttl_in_force
from wirecache._core.rules.rules import Rule, rule_for_model, rules_for
from wirecache._core.status import CacheStatus

__all__ = [
    "bypass_flow", "config_error_flow", "inference_flow", "reuse_of", "stale_reuse", "target_bypass_reason", "why_body_bypasses",
]  # fmt: skip


def inference_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer from the store, or forward and record. ``now``: seconds since the epoch."""
    rules = rules_for(plan.rules, request) if plan.rules else []
    endpoint = find_endpoint(request.path) if request.method == "POST" else None
    if reason := target_bypass_reason(request, endpoint, plan, rules):
        return (yield from bypass_flow(request, plan, reason))
    body = parse_body((yield READ_BODY), request.fields.get(b"content-type", b""))
    rule = rule_for_model(rules, model_of(request, body)) if rules else None
    if reason := "body-size" if len(body.raw) > plan.max_body else why_body_bypasses(endpoint, body, rule, plan):
        return (yield from bypass_flow(request, plan, reason, model_of(request, body)))
    try:
        options = plan.key if request.method == "POST" else per_caller(plan.key)
        key = key_of(request, body, options, plan.namespace, plan.sample)
    except Exception:  # the user's normalize raised, which must not fail the call
        return (yield from bypass_flow(request, plan, "normalize-error", model_of(request, body)))
    entry: Entry | None = None
    if not plan.skips_lookup:
        entry = yield Lookup(key)
        if entry is not None and request.method != "POST":
            entry = _selected(entry, request, plan)
        if entry is not None and (reuse := reuse_of(entry, plan, rule, now)):
            return reuse
    wants_stream = target_requests_stream(request.path, request.query) or body_requests_stream(endpoint or "rule", body)
    if plan.mode is Mode.OFFLINE or plan.directives.only_if_cached:
        message = explain_miss(request, endpoint or "rule", model_of(request, body), stream=wants_stream)
        return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), message, body)
    # nobody waits for the end of a stream that somebody else reads
    if plan.collapse and not plan.skips_lookup and not wants_stream:
        shared = yield from claim_or_follow(key, entry, request.read_timeout, shared=plan.collapse_shared)
        shared = _selected(shared, request, plan)
        if shared is not None and (reuse := reuse_of(shared, plan, rule, now)):
            return reuse._replace(status=CacheStatus(fwd="stale" if entry else "miss", collapsed=True, key=key))
    return (yield from _forward(request, body, endpoint or "rule", rule, plan, key, entry, now, wants_stream=wants_stream))


def _forward(
    request: Request,
    body: Body,
    endpoint: str,
    rule: Rule | None,
    plan: Plan,
    key: str,
    entry: Entry | None,
    now: float,
    *,
    wants_stream: bool,
) -> Flow:
    """Forward the request and record the answer. If that fails, a stale entry may answer instead."""
    model, budgeted = model_of(request, body), endpoint if plan.is_budgeted and request.method == "POST" else None
    if refused := (yield from admission(budgeted, model, key)):
        return refused
    try:
        head: Head = yield Forward()
    except Exception:
        if stale := stale_reuse(entry, plan, rule, now, 599):
            return stale
        raise
    if stale := stale_reuse(entry, plan, rule, now, head.status):
        return stale
    stream = is_event_stream(head.fields)
    reason = "stream" if stream and plan.streams is Streams.BYPASS else head_refusal_reason(head)
    if request.method != "POST" and b"*" in head.fields.get(b"vary", b""):
        reason = "vary"
    recorder = None
    if reason is None:
        recording = Recording(key, head, request, endpoint, model, body, plan.max_body, plan.call_ttl, plan.namespace, plan.sample)
        keeps = plan.streams is Streams.RECORD
        recorder = Recorder(recording._replace(stream=stream, is_stream_requested=wants_stream, keeps_streams=keeps))
    fwd: Literal["miss", "stale", "request"] = "request" if plan.skips_lookup else "stale" if entry else "miss"
    detail = reason or (None if fwd != "request" else "refresh" if plan.mode is Mode.REFRESH else "no-cache")
    relay = Relay(CacheStatus(fwd=fwd, fwd_status=head.status, key=key, detail=detail), recorder, model)
    return metered(relay, request, body, plan, head, budgeted)


def _selected(entry: Entry | None, request: Request, plan: Plan) -> Entry | None:
    """Return the entry if the request's headers select it (RFC 9111 section 4.1), else None: a rule may cache GETs, whose answers vary."""
    if entry is None or request.method == "POST":
        return entry
    response_fields = fields_of(entry.headers)
    requested, stored = selecting_fields(request, response_fields, plan.key.headers), entry.request.fields
    names = (name.strip().lower().decode("latin-1") for name in response_fields.get(b"vary", b"").split(b","))
    return entry if all(requested.get(name) == stored.get(name) for name in names) else None


def reuse_of(entry: Entry, plan: Plan, rule: Rule | None, now: float) -> Reuse | None:
    """Return the reuse of the entry, or None if it may not answer."""
    ttl, age = effective_ttl(entry.ttl, ttl_in_force(plan, rule)), age_of(entry, now)
    left = None if ttl is None else ttl - age
    max_stale = math.inf if plan.mode is Mode.OFFLINE else plan.directives.max_stale
    if not may_answer(left, age, plan.directives.max_age, max_stale):
        return None
    return Reuse(entry, CacheStatus(hit=True, ttl=left, key=entry.key), age)


def stale_reuse(entry: Entry | None, plan: Plan, rule: Rule | None, now: float, status: int) -> Reuse | None:
    """Return the reuse of a stale entry in place of an upstream error (RFC 5861 section 4), or None if it may not answer."""
    if entry is None or not plan.stale_if_error or not (status == 429 or status >= 500):
        return None
    left = ttl_left(entry, ttl_in_force(plan, rule), now)
    if left is not None and -left > plan.stale_if_error:
        return None
    return Reuse(entry, CacheStatus(hit=True, ttl=left, key=entry.key, detail="stale-if-error"), age_of(entry, now))


def target_bypass_reason(request: Request, endpoint: str | None, plan: Plan, rules: list[Rule]) -> str | None:
    """Return why the request bypasses the cache, as far as that is known before its body is read; None if it does not."""
    if plan.mode is Mode.OFF:
        return "off"
    if plan.directives.no_store:
        return "no-store"
    if is_upgrade(request):
        return "upgrade"
    if endpoint is None and not any(rule.opens for rule in rules):
        return "rule" if rules and not rules[0].cache else "no-rule"
    if too_large(request, plan.max_body):
        return "body-size"
    return "stream" if plan.streams is Streams.BYPASS and target_requests_stream(request.path, request.query) else None


def why_body_bypasses(endpoint: str | None, body: Body, rule: Rule | None, plan: Plan) -> str | None:
    """Return why the request bypasses the cache because of its body, or of the rule that matches its model; None if it does not."""
    if rule is not None and not rule.cache:
        return "rule"
    if endpoint is None and (rule is None or not rule.opens):
        return "no-rule"
    reason = body_bypass_reason(endpoint or "rule", body, streams=plan.streams is Streams.RECORD)
    return None if endpoint is None and reason == "no-body" else reason  # a rule admitted it, perhaps for a GET


def bypass_flow(request: Request, plan: Plan, reason: str, model: str | None = None) -> Flow:
    """Forward the request without a lookup; refuse it offline, where nothing may be sent."""
    if plan.mode is Mode.OFFLINE or plan.directives.only_if_cached:
        return Refuse(CacheStatus(fwd="miss", detail="only-if-cached"), explain_bypass(request, reason))
    if endpoint := budgeted_endpoint(request, plan):
        return (yield from _budgeted_bypass(request, plan, reason, endpoint))
    head: Head = yield Forward()
    return Relay(CacheStatus(fwd="bypass", fwd_status=head.status, detail=reason), model=model)


def _budgeted_bypass(request: Request, plan: Plan, reason: str, endpoint: str) -> Flow:
    """Forward a call to a model within the budgets. The body is read for the model's name, and the answer's for what it cost."""
    body = yield from read_body(request, plan)
    model = model_of(request, body)
    if refused := (yield from admission(endpoint, model)):
        return refused
    head: Head = yield Forward()
    relay = Relay(CacheStatus(fwd="bypass", fwd_status=head.status, detail=reason), model=model)
    return metered(relay, request, body, plan, head, endpoint)


def config_error_flow(message: str) -> Flow:
    """Refuse a call that has an invalid option, without looking up or sending anything."""
    return Refuse(CacheStatus(fwd="bypass", detail="config-error"), f"wirecache: {message}. Nothing was sent.")
    yield  # this makes it a generator, as all flows are
