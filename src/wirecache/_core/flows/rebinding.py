"""How is an answer replayed that quotes what the key leaves out? With the values of this request, not those of the recorded one.

Coding agents work in directories that differ in each run. With ``normalize="coding-agent"``, a run may find an answer recorded in another
one, which may name that run's directory, for example in the arguments of a tool. It is replaced by the directory found at the same place
of the current request. The stored entry does not change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from wirecache._core.flows.effects import COMPUTE, READ_BODY, Flow, Relay, Reuse
from wirecache._core.keys.canonical import KEPT_WHOLE, Body, parse_body
from wirecache._core.keys.keys import KeyOptions
from wirecache._core.keys.left_out import exchanged_values, left_out_once
from wirecache._core.llm.quotations import quotes, requoted
from wirecache._core.messages import Request
from wirecache._core.rules.plan import Plan

__all__ = ["rebinding_flow", "rebound"]

MUCH = 32 * 1024  # bytes of an answer; searching more takes milliseconds


def rebinding_flow(flow: Callable[[Request, Plan, float], Flow], request: Request, plan: Plan, now: float) -> Flow:
    """Run the flow, and rebind the answer if it is a stored one."""
    outcome = yield from flow(request, plan, now)
    if isinstance(outcome, Relay) and outcome.recorder is not None:
        recording = outcome.recorder.recording
        if len(recording.request_body.raw) > KEPT_WHOLE:  # the entry will not keep the whole request
            outcome.recorder.recording = recording._replace(left_out=left_out_once(recording.request_body, plan.key))
    if not isinstance(outcome, Reuse) or outcome.keys:
        return outcome
    content: bytes = yield READ_BODY
    if len(content) + len(outcome.entry.body) > MUCH:
        yield COMPUTE
    return rebound(outcome, parse_body(content, request.fields.get(b"content-type", b"")), plan.key)


def rebound(outcome: Reuse, body: Body, options: KeyOptions) -> Reuse:
    """Return the reuse with values quoted from the recorded request replaced by those of the request with this body."""
    values = exchanged_values(outcome.entry, body, options)
    if values and (ambiguous := quotes(values, _counted_text(body, options))):  # the answer may quote the text instead
        values = {value: other for value, other in values.items() if value not in ambiguous}
    entry = requoted(outcome.entry, values) if values else outcome.entry
    if entry is outcome.entry:
        return outcome
    return outcome._replace(entry=entry, status=replace(outcome.status, detail=outcome.status.detail or "rebound"))


def _counted_text(body: Body, options: KeyOptions) -> str:
    """Return the parts of the body that count in the key, as one text."""
    return json.dumps(options.normalized(body.value), ensure_ascii=False)
