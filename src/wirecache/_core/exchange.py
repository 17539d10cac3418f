"""What happens to a request for inference? The story of one exchange, from top to bottom.

The flow ends when the head of the response is known; the body is the recorder's.
"""

from __future__ import annotations

from typing import Literal

from wirecache._core.canonical import parse_body
from wirecache._core.effects import Flow, Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.endpoints import find_endpoint
from wirecache._core.freshness import age_of, ttl_left
from wirecache._core.keys import key_of
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.plan import Mode, Plan
from wirecache._core.policy import asks_for_stream, is_event_stream, is_upgrade, model_of, too_large, why_not_this_body
from wirecache._core.recording import Recorder, Recording
from wirecache._core.refusal import explain_bypass, explain_miss
from wirecache._core.status import CacheStatus
from wirecache._core.storability import why_not_this_head

__all__ = ["bypass", "exchange"]


def exchange(request: Request, plan: Plan, now: float) -> Flow:
    """Answer from the store, or forward and record; ``now`` in seconds since the epoch."""
    endpoint = find_endpoint(request.path) if request.method == "POST" else None
    reason = _why_live(request, endpoint, plan)
    if reason or endpoint is None:
        return (yield from bypass(request, plan, reason or "no-rule"))
    body = parse_body((yield ReadBody()), request.fields.get(b"content-type", b""))
    if reason := why_not_this_body(endpoint, body):
        return (yield from bypass(request, plan, reason))
    key = key_of(request, body, plan.key, plan.namespace)
    fwd: Literal["miss", "stale", "request"] = "request"
    if plan.mode is not Mode.REFRESH:
        entry: Entry | None = yield Lookup(key)
        fwd = "stale" if entry else "miss"
        if entry is not None:
            left = ttl_left(entry, plan.ttl, now)
            if left is None or left > 0 or plan.mode is Mode.OFFLINE:
                return Reuse(entry, CacheStatus(hit=True, ttl=left, key=key), age_of(entry, now))
    if plan.mode is Mode.OFFLINE:
        told = explain_miss(request, endpoint, model_of(request, body))
        return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), told)
    head: Head = yield Forward()
    reason = "stream" if is_event_stream(head.fields) else why_not_this_head(head)
    recorder = None
    if reason is None:
        recorder = Recorder(Recording(key, head, request, endpoint, model_of(request, body), body, plan.max_body))
    detail = reason or ("refresh" if fwd == "request" else None)
    return Relay(CacheStatus(fwd=fwd, fwd_status=head.status, key=key, detail=detail), recorder)


def _why_live(request: Request, endpoint: str | None, plan: Plan) -> str | None:
    """What can be said before the body is read?"""
    if plan.mode is Mode.OFF:
        return "off"
    if is_upgrade(request):
        return "upgrade"
    if endpoint is None:
        return "no-rule"
    if too_large(request, plan.max_body):
        return "body-size"
    return "stream" if asks_for_stream(request.path, request.query) else None


def bypass(request: Request, plan: Plan, reason: str) -> Flow:
    """Pass it on without a look into the store; offline, where nothing may leave, say so."""
    if plan.mode is Mode.OFFLINE:
        return Refuse(CacheStatus(fwd="miss", detail="only-if-cached"), explain_bypass(request, reason))
    head: Head = yield Forward()
    return Relay(CacheStatus(fwd="bypass", fwd_status=head.status, detail=reason))
