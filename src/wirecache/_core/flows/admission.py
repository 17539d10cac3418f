"""May this call be sent within the budgets, and what does its answer cost? (Whether it may be cached, rules/eligibility.py decides.)"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from wirecache._core.flows.effects import READ_BODY, Admit, Effect, Refuse, Relay
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.flows.spending import Denial
from wirecache._core.keys.canonical import EMPTY, Body, parse_body
from wirecache._core.messages import Head, Request
from wirecache._core.rules.eligibility import body_requests_stream, is_event_stream, is_upgrade, model_of, target_requests_stream, too_large
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.rules import rules_for
from wirecache._core.status import CacheStatus

__all__ = ["CUT_SHORT", "admission", "budgeted_endpoint", "metered", "read_body"]

# Reasons that mean that a body was not read to its end, so that its usage is less than what was billed.
CUT_SHORT = frozenset({"abandoned", "no-end", "too-large", "truncated", "undecodable"})


def budgeted_endpoint(request: Request, plan: Plan) -> str | None:
    """Return the endpoint that the budgets count the call under; None if there are no budgets or it is not a call to a model."""
    if not plan.is_budgeted or request.method != "POST":
        return None
    if endpoint := find_endpoint(request.path):
        return endpoint
    return "rule" if plan.rules and any(rule.opens for rule in rules_for(plan.rules, request)) else None


def admission(endpoint: str | None, model: str | None, key: str | None = None) -> Generator[Effect, Any, Refuse | None]:
    """Reserve what the call may cost; return the refusal, or None if it may be sent. ``endpoint``: from ``budgeted_endpoint``."""
    if endpoint is None:
        return None
    denial: Denial | None = yield Admit(endpoint, model or "")
    if denial is None:
        return None
    return Refuse(CacheStatus(fwd="miss", key=key, detail=denial.detail), denial.message, model=model)


def read_body(request: Request, plan: Plan) -> Generator[Effect, Any, Body]:
    """Return the body of a request, which names the model; empty if it is too large to be read."""
    if too_large(request, plan.max_body) or is_upgrade(request):
        return EMPTY
    return parse_body((yield READ_BODY), request.fields.get(b"content-type", b""))


def metered(relay: Relay, request: Request, body: Body, plan: Plan, head: Head, endpoint: str | None) -> Relay:
    """Return the relay with a meter if the answer is billed and nothing else reads its usage."""
    if endpoint is None or relay.recorder is not None or not 200 <= head.status < 300:
        return relay
    requested = target_requests_stream(request.path, request.query) or body_requests_stream(endpoint, body)
    recording = Recording(
        relay.status.key or "", head, request, endpoint, model_of(request, body), body, plan.max_body,
        stream=is_event_stream(head.fields), is_stream_requested=requested,
    )  # fmt: skip
    return relay._replace(meter=Recorder(recording))
