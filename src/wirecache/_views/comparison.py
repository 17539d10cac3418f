"""The comparison of two recorded runs, step by step, as JSON, from which the text and the report for a pull request are made."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import islice
from typing import NamedTuple, TypedDict

from wirecache._core.compare.alignment import Pair, pairs_of, worst_of
from wirecache._core.compare.diff import Difference, differences
from wirecache._core.compare.query import host_of
from wirecache._core.compare.steps import Step, steps_of
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._views.entry_diff import outside_differences
from wirecache.prices import Prices

__all__ = ["CallJson", "ComparisonJson", "Run", "RunJson", "SideJson", "StepJson", "comparison_json"]

SHOWN = 5  # differences shown per request


class Run(NamedTuple):
    """A recorded run. ``parent``, ``live_from``: for a fork, the cassette it was forked from, and the step from which on it was live."""

    name: str
    entries: list[Entry]
    parent: str | None = None
    live_from: int | None = None


class RunJson(TypedDict):
    """The totals of a run. ``dollars``: None if no call has a known price. ``unpriced``: the calls without one; None without prices."""

    name: str
    steps: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    unpriced: int | None
    seconds: float
    parent: str | None
    live_from_step: int | None


class CallJson(TypedDict):
    """A tool call; ``arguments`` as text."""

    name: str
    arguments: str


class SideJson(TypedDict):
    """A step of one run. ``seconds``: how long upstream took when it was recorded."""

    number: int
    key: str
    status: int
    failure: str | None
    text: str
    tool_calls: list[CallJson]
    input_tokens: int | None
    output_tokens: int | None
    dollars: float | None
    seconds: float


class StepJson(TypedDict):
    """A step of both runs, or of one. ``request``: the first of the request's differences, of which there are ``differences``."""

    call: str
    severity: str
    request: list[dict[str, str | None]]
    differences: int
    before: SideJson | None
    after: SideJson | None


class ComparisonJson(TypedDict):
    """Two runs. ``severity``: the worst of all steps; ``counts``: the steps of each severity."""

    before: RunJson
    after: RunJson
    severity: str
    counts: dict[str, int]
    steps: list[StepJson]


def comparison_json(before: Run, after: Run, prices: Prices | None) -> ComparisonJson:
    """Return the differences of the second run from the first."""
    pairs = pairs_of(steps_of(before.entries), steps_of(after.entries))
    counts = Counter(pair.severity.value for pair in pairs)
    return {
        "before": _run(before, prices),
        "after": _run(after, prices),
        "severity": worst_of(pairs).value,
        "counts": dict(counts),
        "steps": [_step(pair, prices) for pair in pairs],
    }


def _run(run: Run, prices: Prices | None) -> RunJson:
    dollars = [_dollars(entry, prices) for entry in run.entries]
    known = [amount for amount in dollars if amount is not None]
    usages = [entry.usage for entry in run.entries if entry.usage]
    return {
        "name": run.name,
        "steps": len(run.entries),
        "input_tokens": sum(usage.input for usage in usages),
        "output_tokens": sum(usage.output for usage in usages),
        "dollars": sum(known) if known else None,
        "unpriced": len(usages) - len(known) if prices else None,
        "seconds": round(sum(entry.seconds for entry in run.entries), 4),
        "parent": run.parent,
        "live_from_step": run.live_from,
    }


def _step(pair: Pair, prices: Prices | None) -> StepJson:
    before, after = pair
    found: list[Difference] = []
    if before is not None and after is not None and before.identity != after.identity:
        outside = outside_differences(before.entry, after.entry)
        found = [difference for difference in outside if difference.pointer != "url" or before.target != after.target]
        found += differences(before.value, after.value)
    step = after or before
    assert step is not None, "a pair has at least one step"
    return {
        "call": DEFAULT.text(step.name),
        "severity": pair.severity.value,
        "request": [difference._asdict() for difference in islice(found, SHOWN)],
        "differences": len(found),
        "before": before and _side(before, prices),
        "after": after and _side(after, prices),
    }


def _side(step: Step, prices: Prices | None) -> SideJson:
    entry = step.entry
    return {
        "number": step.number,
        "key": entry.key,
        "status": entry.status,
        "failure": step.failure,
        "text": DEFAULT.text(step.text),
        "tool_calls": [{"name": DEFAULT.text(call.name), "arguments": DEFAULT.text(call.arguments)} for call in step.calls],
        "input_tokens": entry.usage.input if entry.usage else None,
        "output_tokens": entry.usage.output if entry.usage else None,
        "dollars": _dollars(entry, prices),
        "seconds": round(entry.seconds, 4),
    }


def _dollars(entry: Entry, prices: Prices | None) -> float | None:
    """Return what the call cost, or None if that is not known."""
    if prices is None or entry.usage is None:
        return None
    request, day = entry.request, dt.datetime.fromtimestamp(entry.stored_at, dt.UTC).date()
    dollars = prices.of_call(entry.usage, host_of(request.url), request.model or "", day, request.endpoint)
    return None if dollars is None else float(dollars)
