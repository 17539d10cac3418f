"""Explains whether a request would be answered from the store, and if not, why, and what the nearest stored request is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from wirecache._core.compare.nearest import Nearest
from wirecache._core.flows.effects import (
    Claim,
    ClaimItems,
    Flow,
    Forward,
    Lookup,
    LookupItems,
    Outcome,
    ReadBody,
    Reuse,
    Turn,
)
from wirecache._core.keys.canonical import Body, parse_body
from wirecache._core.keys.fields import key_fields, uncounted_names
from wirecache._core.keys.keys import request_from
from wirecache._core.keys.redacted_request import body_text
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.privacy.callers import is_identity
from wirecache._core.privacy.names import redacted_url
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.eligibility import model_of
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.fork import ForkPoint
from wirecache._core.rules.freshness import age_of
from wirecache._core.rules.plan import CallOptions, Plan, for_call
from wirecache._core.rules.record_modes import CassettePlan
from wirecache._core.rules.rules import rule_for_model, rules_for
from wirecache._core.status import CacheStatus
from wirecache._engine.engine import Engine
from wirecache._engine.routing import SAFE_METHODS, flow_for

__all__ = ["Explanation", "FindNearest", "bypass_reason", "explain_request", "request_of"]

FindNearest: TypeAlias = Callable[[Request, Body, Plan], Nearest | None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to a request, and why.

    ``rule``: what decided (``"built-in: chat"``, the user's ``Rule``, or why it is bypassed). ``canonical``: what the key is made from, in
    readable form, without credentials. ``age``: in seconds. ``reason``: why no entry is reused; None if one is.
    ``uncounted``: the names of the headers that do not affect the key.
    """

    rule: str
    key: str | None
    canonical: str | None
    found: bool
    age: float | None
    reason: str | None
    nearest: Nearest | None
    uncounted: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The result in one line: ``hit: ...``, ``miss: ...`` with the reason, or ``bypass: ...``."""
        if self.reason is None:
            return "hit: it would be answered from the store" if self.age is None else f"hit: answered by an entry of {self.age:.0f} s"
        outcome, _, why = self.reason.partition(": ")
        return f"bypass: {why}" if outcome == "bypassed" else f"miss: {self.reason}"

    def __str__(self) -> str:
        """Return the explanation as text; its first line is the verdict."""
        lines = [self.verdict, f"rule: {self.rule}"]
        if self.key is not None:
            lines += [f"key: {self.key}", f"found: {'yes' if self.found else 'no'}"]
        if self.age is not None:
            lines.append(f"age: {self.age:.0f} s")
        if self.uncounted:
            lines.append(f"headers that do not count: {', '.join(self.uncounted)}")
        if self.nearest is not None:
            lines.append(f"nearest stored request ({self.nearest.entry.key[:12]}) differs in:\n{self.nearest}")
        return "\n".join(lines)


def request_of(request: Any) -> tuple[Request, bytes]:
    """Return the request and its body, from one of httpx or httpx2, or from ``{"method", "url", "headers", "body"}``."""
    if isinstance(request, Mapping):
        body = request.get("body", b"")
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return request_from(request.get("method", "POST"), request["url"], request.get("headers") or {}), content
    parsed = request_from(request.method, str(request.url), request.headers.multi_items())
    if target := request.extensions.get("target"):  # sent in place of the URL's path and query
        path, _, query = target.partition(b"?")
        parsed = parsed._replace(path=path, query=query)
    return parsed, request.read()


def explain_request(
    engine: Engine[Any],
    request: Any,
    options: CallOptions | None,
    look_up: Callable[[str], Entry | None],
    find_nearest: FindNearest | None = None,
) -> Explanation:
    """Return what the engine would do with a request. ``options``: those of the block. ``look_up``: must have no side effects.

    ``find_nearest``: finds the nearest stored request, in place of the engine's own short search.
    """
    parsed, content = request_of(request)
    plan = for_call(engine.plan, parsed, options, getattr(request, "extensions", {}).get("wirecache"))
    if plan.cassette is not None:  # explaining must not change the session's state
        plan = replace(plan, cassette=_for_a_look(plan.cassette))
    body = parse_body(content, parsed.fields.get(b"content-type", b""))
    found: list[Entry] = []
    status, is_reused = _play(flow_for(parsed, plan)(parsed, plan, time.time()), content, look_up, found)
    entry = found[-1] if found else None
    wants_nearest = status.key is not None and not status.hit and entry is None
    shown, shown_body = engine.visible_request(parsed, body)
    return Explanation(
        rule=_rule(shown, plan, model_of(shown, shown_body)),
        key=status.key,
        canonical=_canonical(shown, shown_body, plan) if status.key else None,
        found=entry is not None,
        age=age_of(entry, time.time()) if entry is not None else None,
        reason=None if is_reused else _reason(status, entry),
        nearest=(find_nearest or engine.nearest)(parsed, body, plan) if wants_nearest else None,
        uncounted=_uncounted(parsed, plan) if status.key and parsed.method not in SAFE_METHODS else (),
    )


def _for_a_look(cassette: CassettePlan) -> CassettePlan:
    """Return the cassette's plan with copies of its stateful parts."""
    is_live = cassette.fork is not None and cassette.fork.live_from is not None
    return cassette._replace(redactor=cassette.redactor.copy(), fork=ForkPoint(1) if is_live else None, mcp=None)


def _play(flow: Flow, content: bytes, look_up: Callable[[str], Entry | None], found: list[Entry]) -> tuple[CacheStatus, bool]:
    """Run a flow without sending anything. Return its status and whether an entry is reused; entries found are added to ``found``."""
    answer: Any = None
    try:
        while True:
            match flow.send(answer):
                case ReadBody():
                    answer = content
                case Lookup(key):
                    answer = look_up(key)
                    found += [answer] if answer is not None else []
                case LookupItems(keys):
                    answer = {key: entry for key in keys if (entry := look_up(key)) is not None}
                    found += answer.values()
                case Claim():
                    answer = Turn.ALONE
                case ClaimItems(keys):
                    answer = [Turn.ALONE] * len(keys)
                case Forward():
                    answer = Head(404, {}, ())  # an answer that is not stored, but does not count as an upstream error
                case _:
                    answer = None
    except StopIteration as stop:
        outcome: Outcome = stop.value
    return outcome.status, isinstance(outcome, Reuse)


def bypass_reason(plan: Plan, request: Request, content: bytes) -> str | None:
    """Return why a cache with this plan would not look up this request at all; None if it would."""
    status, _ = _play(flow_for(request, plan)(request, plan, time.time()), content, lambda key: None, [])
    return status.detail if status.fwd == "bypass" else None


def _reason(status: CacheStatus, entry: Entry | None) -> str:
    if status.fwd == "bypass":
        return f"bypassed: {status.detail}"
    if status.fwd == "request":
        return "the call requires a new answer (refresh or no-cache)"
    return "it is stale" if entry is not None else "there is no entry with this key"


def _rule(request: Request, plan: Plan, model: str | None) -> str:
    if plan.cassette is not None:
        return f"the cassette {plan.cassette.name}, record mode {plan.cassette.record_mode}"
    rule = rule_for_model(rules_for(plan.rules, request), model)
    if rule is not None:
        return repr(rule)
    if request.method in SAFE_METHODS:
        return "HTTP's own rules (RFC 9111)"
    endpoint = find_endpoint(request.path) if request.method == "POST" else None
    return f"built-in: {endpoint}" if endpoint else "none"


def _uncounted(request: Request, plan: Plan) -> tuple[str, ...]:
    """Return the names of the headers that do not affect the key."""
    names = uncounted_names(request.fields, plan.key.headers)
    return tuple(name for name in names if name != "host" and not (plan.key.credentials and is_identity(name)))


def _canonical(request: Request, body: Body, plan: Plan) -> str:
    """Return what counts in the key, as text."""
    parts: dict[str, Any] = {
        "method": request.method,
        "url": redacted_url(request),
        "headers": key_fields(request.fields, plan.key.headers),
    }
    parts |= {"namespace": plan.namespace, "sample": plan.sample}
    return DEFAULT.json_text(json.dumps(parts)) + "\n" + body_text(body, DEFAULT)
