"""The flow of a request on a cassette: it is replayed, recorded or refused, whatever its method, path or answer.

HTTP's own rules, ttl and the user's rules do not apply here; nor does ``Cache-Control``, except ``no-store`` and ``only-if-cached``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from wirecache._core.flows.admission import admission, budgeted_endpoint
from wirecache._core.flows.effects import Effect, Flow, Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.flows.inference import bypass_flow
from wirecache._core.flows.mcp_handshake import session_headers
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.flows.refusal import LISTENING, SESSION_END, explain_unrecordable, explain_unrecorded
from wirecache._core.keys.canonical import EMPTY, Body, parse_body
from wirecache._core.keys.recorded import counted_options, recorded_key
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.mcp_session import McpSession, ends_mcp_session, is_in_replayed_session
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.rules.eligibility import body_requests_stream, is_event_stream, is_upgrade, model_of, target_requests_stream, too_large
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.freshness import age_of
from wirecache._core.rules.left_alone import left_alone_reason
from wirecache._core.rules.plan import Plan, cassette_in_force
from wirecache._core.rules.record_modes import Action, CassettePlan, decide
from wirecache._core.status import CacheStatus
from wirecache.errors import CassetteError

__all__ = ["replay_flow"]


def replay_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer from the cassette, or forward and record. ``now``: seconds since the epoch."""
    cassette = cassette_in_force(plan)
    if reason := left_alone_reason(request, plan, cassette):
        return (yield from bypass_flow(request, plan, reason))
    if reason := _unrecordable_reason(request, plan, cassette):
        return (yield from _unrecordable_flow(request, plan, cassette, reason))
    step = cassette.fork.begin_step() if cassette.fork else 0
    content: bytes = yield ReadBody()
    if len(content) > plan.max_body:
        return (yield from _unrecordable_flow(request, plan, cassette, "body-size"))
    raw = parse_body(content, request.fields.get(b"content-type", b""))
    redacted, body = redacted_request(request, raw, cassette.redactor, plan.key.headers)
    try:
        key = recorded_key(redacted, body, plan.key, plan.namespace, plan.sample)
        keys = [key] if cassette.redactor.known == 0 else [key, _key_before(request, raw, plan, cassette)]
    except Exception as error:  # the user's normalize raised: a cassette does not go on without it, as a cache does
        return Refuse(CacheStatus(fwd="miss", detail="normalize-error"), f"KeyOptions(normalize=...) raised {error!r}. Nothing was sent.")
    try:
        entry: Entry | None = None if _is_live(cassette, step) else (yield from _first(keys))
    except CassetteError as error:
        return Refuse(CacheStatus(fwd="miss", key=key, detail="cassette-error"), f"{error}. Nothing was sent.")
    if entry is None and cassette.fork is not None:
        cassette.fork.diverge(step)
    return (yield from _by_mode(redacted, body, plan, cassette, key, entry, now))


def _unrecordable_reason(request: Request, plan: Plan, cassette: CassettePlan) -> str | None:
    """Return why a cassette cannot hold the exchange; None if it can."""
    if (cassette.mcp or McpSession()).listens(request):
        return LISTENING
    if is_upgrade(request):
        return "upgrade"
    return "body-size" if too_large(request, plan.max_body) else None


def _unrecordable_flow(request: Request, plan: Plan, cassette: CassettePlan, reason: str) -> Flow:
    """Forward a request that the cassette cannot hold, or refuse it if nothing new may be sent."""
    if _action(cassette, found=False) is Action.REFUSE or (reason == LISTENING and is_in_replayed_session(request)):
        message = explain_unrecordable(redacted_request(request, EMPTY, cassette.redactor)[0], reason, cassette)
        return Refuse(CacheStatus(fwd="miss", detail=reason if reason == LISTENING else "only-if-cached"), message)
    return (yield from bypass_flow(request, plan, reason))


def _is_live(cassette: CassettePlan, step: int) -> bool:
    """Return whether the request is sent even if it was recorded. ``step``: its number, on a fork."""
    return cassette.record_mode.replaces or cassette.verify or (cassette.fork is not None and cassette.fork.is_live(step))


def _key_before(request: Request, raw: Body, plan: Plan, cassette: CassettePlan) -> str:
    """Return the request's key before the session's secrets were learned: it may have been recorded under that."""
    redacted, body = redacted_request(request, raw, cassette.redactor.base, plan.key.headers)
    return recorded_key(redacted, body, plan.key, plan.namespace, plan.sample)


def _first(keys: Iterable[str]) -> Generator[Effect, Any, Entry | None]:
    """Return the first entry that is found under one of the keys."""
    for key in dict.fromkeys(keys):
        entry: Entry | None = yield Lookup(key)
        if entry is not None:
            return entry
    return None


def _action(cassette: CassettePlan, found: bool) -> Action:
    return Action.RECORD if cassette.verify else decide(cassette.record_mode, found, cassette.existed)


def _was_only_replayed(request: Request, cassette: CassettePlan) -> bool:
    """Return whether the request's session was only replayed, so that no server knows it."""
    return is_in_replayed_session(request) and (cassette.mcp is None or cassette.mcp.live_session(request) is None)


def _by_mode(request: Request, body: Body, plan: Plan, cassette: CassettePlan, key: str, entry: Entry | None, now: float) -> Flow:
    model = model_of(request, body)
    endpoint = (find_endpoint(request.path) if request.method == "POST" else None) or ""
    match _action(cassette, found=entry is not None):
        case Action.PLAY if entry is not None:
            answer = entry if cassette.mcp is None else cassette.mcp.replayed(entry, request, body.value)
            return Reuse(answer, CacheStatus(hit=True, key=key), age_of(entry, now))
        case action if ends_mcp_session(request) and (action is Action.REFUSE or _was_only_replayed(request, cassette)):
            return Refuse(CacheStatus(fwd="miss", key=key, detail=SESSION_END), explain_unrecorded(request, model, cassette))
        case Action.REFUSE:
            message = explain_unrecorded(request, model, cassette)
            return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), message, body)
        case _:
            if refused := (yield from admission(budgeted_endpoint(request, plan), model, key)):
                return refused
            head: Head = yield Forward((yield from session_headers(request, cassette.mcp)))
    recording = Recording(
        key, head, request, endpoint, model, body, plan.max_body,
        namespace=plan.namespace, sample=plan.sample, bodyless=request.method == "HEAD", stream=is_event_stream(head.fields),
        is_stream_requested=target_requests_stream(request.path, request.query) or body_requests_stream(endpoint, body),
        everything=True, headers=counted_options(request, plan.key).headers,
    )  # fmt: skip
    replaces = cassette.record_mode.replaces or cassette.verify
    status = CacheStatus(fwd="request" if replaces else "miss", fwd_status=head.status, key=key)
    return Relay(status, Recorder(recording))
