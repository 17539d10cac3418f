"""Would this request be answered from the store, and if not: why not, and what is the nearest that is stored?

Looking for the nearest takes a bounded time whatever the store's size: entries of the same endpoint are read newest first until it
is over. Nothing of it runs unless somebody looks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from wirecache._core.compare.diff import Difference, differences, likeness, part_difference
from wirecache._core.flows.effects import Forward, Lookup, Outcome, ReadBody, Reuse
from wirecache._core.keys.canonical import Body, canonical_text, parse_body
from wirecache._core.keys.keys import key_fields, request_from
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.eligibility import model_of
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.freshness import age_of
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.rules import rule_for_model, rules_for
from wirecache._core.status import CacheStatus
from wirecache._engine.rfc9111 import SAFE_METHODS, flow_for

__all__ = ["Explanation", "Nearest", "explain", "nearest", "request_of"]

SHOWN = 5  # differences


class Nearest(NamedTuple):
    """A stored request of the same endpoint, and where it differs from the one asked."""

    entry: Entry
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """The differences, one a line."""
        return "\n".join(f"  {difference}" for difference in self.differences)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to a request, and why.

    ``rule``: what decided (``"built-in: chat"``, the user's ``Rule``, or why it is bypassed). ``canonical``: what the key is made from,
    readable, without credentials. ``age`` in seconds. ``reason``: why it is not reused; None if it is.
    """

    rule: str
    key: str | None
    canonical: str | None
    found: bool
    age: float | None
    reason: str | None
    nearest: Nearest | None

    def __str__(self) -> str:
        """The explanation for people."""
        lines = [f"rule: {self.rule}", f"key: {self.key}", f"found: {'yes' if self.found else 'no'}"]
        if self.age is not None:
            lines.append(f"age: {self.age:.0f} s")
        lines.append(f"reused: {'yes' if self.reason is None else f'no, {self.reason}'}")
        if self.nearest is not None:
            lines.append(f"nearest stored request ({self.nearest.entry.key[:12]}) differs in:\n{self.nearest}")
        return "\n".join(lines)


def nearest(entries: Iterator[Entry], request: Request, body: Body, plan: Plan, seconds: float) -> Nearest | None:
    """The stored request that is most like this one, among those of its method and path that are found within ``seconds``."""
    value = body.value if body.kind == "json" else None
    url, fields, model = redacted_url(request), key_fields(request.fields, plan.key.headers), model_of(request, body)
    path = _path(url)
    best: tuple[float, Entry, Any] | None = None
    until = time.perf_counter() + seconds
    for entry in entries:
        told = entry.request
        if told.method == request.method and _path(told.url) == path:
            stored = _json(entry)
            same = (told.model == model, told.url == url, told.fields == fields, told.namespace == plan.namespace)
            score = 4 * likeness(stored, value) + sum(same)
            if best is None or score > best[0]:
                best = (score, entry, stored)
        if time.perf_counter() > until:
            break
    if best is None:
        return None
    _, entry, stored = best
    asked = json.loads(canonical_text(body)) if value is not None else None
    found = [*_outside(entry, request, plan, url), *(differences(stored, asked) if stored is not None and asked is not None else ())]
    return Nearest(entry, tuple(islice(found, SHOWN)))


def _path(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0]


def _json(entry: Entry) -> Any:
    try:
        return json.loads(bytes(entry.request_body))
    except ValueError:
        return None


def _outside(entry: Entry, request: Request, plan: Plan, url: str) -> Iterator[Difference]:
    """The differences that are not in the body."""
    told = entry.request
    if told.url != url:
        yield part_difference("url", told.url, url)
    if told.namespace != plan.namespace:
        yield part_difference("namespace", repr(told.namespace), repr(plan.namespace))
    if told.sample != plan.sample:
        yield part_difference("sample", str(told.sample), str(plan.sample))
    asked = key_fields(request.fields, plan.key.headers)
    for name in sorted(asked.keys() | told.fields.keys()):
        if asked.get(name) != told.fields.get(name):
            yield part_difference(f"header {name}", told.fields.get(name, "absent"), asked.get(name, "absent"))


def request_of(asked: Any) -> tuple[Request, bytes]:
    """The request and its body, from one of httpx or httpx2, or from ``{"method", "url", "headers", "body"}``."""
    if isinstance(asked, Mapping):
        body = asked.get("body", b"")
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return request_from(asked.get("method", "POST"), asked["url"], asked.get("headers") or {}), content
    return request_from(asked.method, str(asked.url), asked.headers.multi_items()), asked.read()


def explain(
    request: Request, content: bytes, plan: Plan, now: float, lookup: Callable[[str], Entry | None], near: Callable[..., Nearest | None]
) -> Explanation:
    """Play the exchange without sending it, and tell what was decided."""
    flow = flow_for(request, plan)(request, plan, now)
    entry: Entry | None = None
    answer: Any = None
    try:
        while True:
            match flow.send(answer):
                case ReadBody():
                    answer = content
                case Lookup(key):
                    answer = entry = lookup(key)
                case Forward():
                    answer = Head(404, {}, ())  # an answer that is neither stored nor stands for an error upstream
                case _:
                    answer = None
    except StopIteration as stop:
        outcome: Outcome = stop.value
    body = parse_body(content, request.fields.get(b"content-type", b""))
    if plan.cassette is not None:
        from wirecache._core.flows.replay import redacted

        request, body = redacted(request, body, plan.cassette.redactor, plan.key.headers)
    status = outcome.status
    reason = None if isinstance(outcome, Reuse) else _reason(status, entry)
    wants_nearest = status.key is not None and not status.hit and entry is None
    return Explanation(
        rule=_rule(request, plan, model_of(request, body)),
        key=status.key,
        canonical=_canonical(request, body, plan) if status.key else None,
        found=entry is not None,
        age=age_of(entry, now) if entry is not None else None,
        reason=reason,
        nearest=near(request, body, plan) if wants_nearest else None,
    )


def _reason(status: CacheStatus, entry: Entry | None) -> str:
    if status.fwd == "bypass":
        return f"bypassed: {status.detail}"
    if status.fwd == "request":
        return "the call asks for a new answer (refresh or no-cache)"
    return "it is stale" if entry is not None else "there is no entry of this key"


def _rule(request: Request, plan: Plan, model: str | None) -> str:
    if plan.cassette is not None:
        return f"the cassette {plan.cassette.where}, record mode {plan.cassette.record_mode}"
    rule = rule_for_model(rules_for(plan.rules, request), model)
    if rule is not None:
        return repr(rule)
    if request.method in SAFE_METHODS:
        return "HTTP's own rules (RFC 9111)"
    endpoint = find_endpoint(request.path) if request.method == "POST" else None
    return f"built-in: {endpoint}" if endpoint else "none"


def _canonical(request: Request, body: Body, plan: Plan) -> str:
    """What counts in the key, as text."""
    told: dict[str, Any] = {"method": request.method, "url": redacted_url(request), "headers": key_fields(request.fields, plan.key.headers)}
    told |= {"namespace": plan.namespace, "sample": plan.sample}
    return DEFAULT.json_text(json.dumps(told)) + "\n" + DEFAULT.json_text(canonical_text(body).decode("utf-8", "replace"))
