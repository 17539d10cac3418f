"""The steps of a recorded run (a step is an exchange: a request and its answer), and how much two of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from wirecache._core.compare.links import with_numbered_links
from wirecache._core.flows.completeness import judge_stream
from wirecache._core.flows.storability import answer_refusal_reason
from wirecache._core.json_rpc import is_json_rpc, without_ids
from wirecache._core.llm.answers import json_values
from wirecache._core.llm.blocks import Kind, blocks_of
from wirecache._core.llm.conversation import ToolCall, answer_message
from wirecache._core.messages import Entry

__all__ = ["Severity", "Step", "severity_of", "steps_of"]

# Members of an answer that are new each time, whatever it answers.
_OWN = frozenset({"id", "created", "created_at", "system_fingerprint", "usage", "usageMetadata", "responseId", "response_id"})
_NOT_INFERENCE = frozenset({"", "http"})


class Severity(StrEnum):
    """How much a step of one run differs from that of another, the least first.

    ``SAME``: neither request nor answer differs. ``REQUEST``: the request differs, but the answer says and does the same. ``WORDED``: the
    text differs, but the same tools are called in the same way. ``ARGUMENTS``: a tool is called with different arguments. ``TOOL``:
    different tools are called, or more, or fewer. ``MISSING``, ``ADDED``: only the first, or only the second, run has the step.
    ``FAILED``: one of the two failed, or they failed differently.
    """

    SAME = "same"
    REQUEST = "other request"
    WORDED = "worded differently"
    ARGUMENTS = "other arguments"
    TOOL = "other tool"
    MISSING = "missing"
    ADDED = "added"
    FAILED = "failed"

    @property
    def rank(self) -> int:
        """The position in this list; missing and added steps are as severe as ``TOOL``."""
        return list(Severity).index(Severity.TOOL if self in (Severity.MISSING, Severity.ADDED) else self)


class Step(NamedTuple):
    """One exchange of a run.

    ``number``: from 1, in the order in which the answers came. ``target``: method, path and query. ``value``: the body of the request,
    parsed if it is JSON, with ids that differ in each run replaced by numbers. ``text`` and ``calls``: the answer's text and tool calls.
    ``failure``: why it failed, or None.
    """

    number: int
    entry: Entry
    target: str
    value: Any
    text: str
    calls: tuple[ToolCall, ...]
    failure: str | None

    @property
    def identity(self) -> str:
        """What equal requests have in common, whichever host answers them."""
        return json.dumps([self.target, self.entry.request.sample, self.value], sort_keys=True)

    @property
    def name(self) -> str:
        """The step's name: endpoint and model, the message to an MCP server, or method and path."""
        request = self.entry.request
        if request.endpoint not in _NOT_INFERENCE:
            return " ".join(filter(None, (request.endpoint, request.model)))
        if isinstance(self.value, dict) and is_json_rpc(self.value):
            params = self.value.get("params")
            tool = params.get("name") if isinstance(params, dict) and self.value.get("method") == "tools/call" else None
            return " ".join(filter(None, ("mcp", str(self.value.get("method") or "reply"), tool if isinstance(tool, str) else "")))
        return self.target


def steps_of(entries: Iterable[Entry]) -> list[Step]:
    """Return the steps of the run that recorded these entries."""
    return [_step(number, entry) for number, entry in enumerate(sorted(entries, key=lambda entry: entry.stored_at), 1)]


def severity_of(before: Step, after: Step) -> Severity:
    """Return how much the second step differs from the first."""
    if before.failure != after.failure:
        return Severity.FAILED
    names = [sorted(call.name for call in step.calls) for step in (before, after)]
    if names[0] != names[1]:
        return Severity.TOOL
    if _arguments(before.calls) != _arguments(after.calls):
        return Severity.ARGUMENTS
    if _words(before.text) != _words(after.text):
        return Severity.WORDED
    return Severity.SAME if before.identity == after.identity else Severity.REQUEST


def _arguments(calls: Sequence[ToolCall]) -> list[tuple[str, str]]:
    """Return the names and arguments of the calls, sorted, since parallel calls have no order."""
    return sorted((call.name, _canonical(call.arguments)) for call in calls)


def _canonical(text: str) -> str:
    """Return JSON in a canonical form; any other text unchanged."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def _words(text: str) -> list[str]:
    return text.split()


def _step(number: int, entry: Entry) -> Step:
    request = entry.request
    url = urlsplit(request.url)
    target = f"{request.method} {url.path}" + (f"?{url.query}" if url.query else "")
    text, calls = _answer(entry)
    return Step(number, entry, target, _value(entry), text, calls, _failure(entry))


def _value(entry: Entry) -> Any:
    text = bytes(entry.request_body).decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return without_ids(value) if is_json_rpc(value) else with_numbered_links(value)


def _answer(entry: Entry) -> tuple[str, tuple[ToolCall, ...]]:
    """Return the answer's text and tool calls; if it is not part of a conversation, its JSON or its text."""
    if entry.request.endpoint not in _NOT_INFERENCE:
        blocks = answer_message(entry).blocks
        calls = tuple(ToolCall(block.name, block.text) for block in blocks if block.kind is Kind.CALL)
        text = "\n".join(_plain_text(block.kind, block.plain, block.data) for block in blocks if block.kind in (Kind.TEXT, Kind.MEDIA))
        if text or calls:
            return text, calls
    values = json_values(entry)
    return "\n".join(map(_shown, values)) if values else entry.text, ()


def _plain_text(kind: Kind, plain: str, data: str) -> str:
    return f"{plain} {data}".strip() if kind is Kind.MEDIA else plain


def _shown(value: Any) -> str:
    """Return a JSON value of an answer as text: the output of an MCP server's tool, else the JSON without what is new each time."""
    if isinstance(value, dict) and is_json_rpc(value):
        result = value.get("result")
        texts = [block.text for block in blocks_of(result.get("content"))] if isinstance(result, dict) and "content" in result else []
        return "\n".join(texts) or json.dumps(without_ids(value), sort_keys=True, ensure_ascii=False)
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if name not in _OWN}
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _failure(entry: Entry) -> str | None:
    """Return why the answer is a failure; None if it is not one."""
    if entry.status >= 400:
        return f"status {entry.status}"
    values = json_values(entry)
    for value in values:
        if isinstance(value, dict) and is_json_rpc(value):
            result = value.get("result")
            if value.get("error") is not None or (isinstance(result, dict) and result.get("isError") is True):
                return "error"
    if entry.request.endpoint in _NOT_INFERENCE:
        return None
    if kind := entry.stream_kind:
        verdict = judge_stream(kind, entry.body, ended=True)
        return verdict.reason or (None if verdict.whole or entry.ended_by_reader else "truncated")
    return answer_refusal_reason(values[0], entry.body, entry.request.endpoint) if values else None
