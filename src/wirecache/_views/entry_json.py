"""Entries as JSON: as a row of a listing, and in full."""

from __future__ import annotations

import time
from typing import Any, TypedDict

from wirecache._core.compare.query import host_of
from wirecache._core.llm.conversation import Turn, answer_turn, parameters_of, prompt_of, prompt_turns
from wirecache._core.messages import Entry
from wirecache._core.rules.freshness import age_of
from wirecache._core.shortened import shortened
from wirecache._core.unset import UNSET
from wirecache._views.formats import format_time

__all__ = ["ChunkJson", "EntryDetails", "EntryRow", "EntryValues", "ToolCallJson", "TurnJson", "entry_details", "entry_row"]

PROMPT = 200  # characters of a prompt in a listing


class EntryValues(TypedDict):
    """The values that both a listing and the full view have. ``age``, ``seconds``: in seconds. ``bytes``: the size of the body."""

    key: str
    method: str
    url: str
    host: str
    endpoint: str
    model: str | None
    namespace: str
    sample: int
    status: int
    stored_at: str
    age: float
    seconds: float
    stream: bool
    usage: dict[str, int] | None
    bytes: int


class EntryRow(EntryValues):
    """An entry in a listing."""

    prompt: str


class ToolCallJson(TypedDict):
    """A tool call of the model; ``arguments`` as text."""

    name: str
    arguments: str


class TurnJson(TypedDict):
    """One message of a conversation."""

    role: str
    text: str
    tool_calls: list[ToolCallJson]


class ChunkJson(TypedDict):
    """A chunk of a stream. ``at``: seconds after the head of the response."""

    bytes: int
    at: float


class EntryDetails(EntryValues):
    """An entry in full. ``ttl``: seconds, ``"never"`` if it does not expire, None if it has no ttl of its own.

    ``parameters``: the members of the request body other than the conversation and the model.
    """

    ttl: float | str | None
    http_version: str
    request_headers: dict[str, str]
    headers: list[tuple[str, str]]
    parameters: dict[str, Any]
    conversation: list[TurnJson]
    answer: TurnJson
    chunks: list[ChunkJson]
    body: str


def entry_row(entry: Entry) -> EntryRow:
    """Return the entry as a row of a listing."""
    return {**_values(entry), "prompt": shortened(" ".join(prompt_of(entry).split()), PROMPT)}


def entry_details(entry: Entry) -> EntryDetails:
    """Return the entry in full, with its conversation, headers and chunks."""
    return {
        **_values(entry),
        "ttl": None if entry.ttl is UNSET else "never" if entry.ttl is None else entry.ttl,
        "http_version": entry.http_version.decode("latin-1"),
        "request_headers": dict(entry.request.fields),
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers],
        "parameters": parameters_of(entry),
        "conversation": [_turn(turn) for turn in prompt_turns(entry)],
        "answer": _turn(answer_turn(entry)),
        "chunks": [{"bytes": chunk.size, "at": round(chunk.seconds, 4)} for chunk in entry.chunks],
        "body": entry.text,
    }


def _values(entry: Entry) -> EntryValues:
    request = entry.request
    return {
        "key": entry.key,
        "method": request.method,
        "url": request.url,
        "host": host_of(request.url),
        "endpoint": request.endpoint,
        "model": request.model,
        "namespace": request.namespace,
        "sample": request.sample,
        "status": entry.status,
        "stored_at": format_time(entry.stored_at),
        "age": round(age_of(entry, time.time()), 3),
        "seconds": round(entry.seconds, 4),
        "stream": bool(entry.chunk_times),
        "usage": entry.usage._asdict() if entry.usage else None,
        "bytes": len(entry.body),
    }


def _turn(turn: Turn) -> TurnJson:
    calls: list[ToolCallJson] = [{"name": call.name, "arguments": call.arguments} for call in turn.calls]
    return {"role": turn.role, "text": turn.text, "tool_calls": calls}
