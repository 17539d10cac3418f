"""The ids in messages of JSON-RPC 2.0, and their replacement, since MCP's clients number their requests anew in each session.

An id only links an answer with its request: two requests that differ only in their ids get the same answer, each under its own id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from wirecache._core.edits import Edit
from wirecache._core.event_stream import EVENT_STREAM, field_lines, split_stream

__all__ = ["edits_of", "edits_of_events", "event_ids", "has_reply", "is_json_rpc", "is_reply", "request_ids", "without_ids"]

# What a client generates anew for each request, in its ``_meta``: the token with which the server reports progress (MCP, "Progress"), and
# the trace that the request belongs to (W3C Trace Context, MCP's SEP-414).
_NEW_IN_META = frozenset({"progressToken", "traceparent", "tracestate", "baggage"})
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_DATA_LINE = field_lines(b"data")
_ID_LINE = field_lines(b"id")


def is_json_rpc(value: Any) -> bool:
    """Return whether the JSON value is a message or a batch of messages."""
    messages = value if isinstance(value, list) else [value]
    return bool(messages) and all(isinstance(message, dict) and message.get("jsonrpc") == "2.0" for message in messages)


def is_reply(value: Any) -> bool:
    """Return whether the JSON value is the reply to a request."""
    return is_json_rpc(value) and isinstance(value, dict) and "method" not in value and ("result" in value or "error" in value)


def without_ids(value: Any) -> Any:
    """Return the message or batch without what is new each time that it is sent."""
    if isinstance(value, list):
        return [without_ids(message) for message in value]
    message = {name: member for name, member in value.items() if name != "id"}
    params = message.get("params")
    if isinstance(params, dict):
        if message.get("method") == "notifications/cancelled":
            params = {name: member for name, member in params.items() if name != "requestId"}
        meta = params.get("_meta")
        if isinstance(meta, dict):
            kept = {name: member for name, member in meta.items() if name not in _NEW_IN_META}
            params = {name: member for name, member in params.items() if name != "_meta"} | ({"_meta": kept} if kept else {})
        message["params"] = params
        if not params:
            del message["params"]
    return message


def request_ids(value: Any) -> list[str]:
    """Return the id and the progress token of each request in a message or batch, as JSON; "" for a missing one."""
    found = []
    for message in value if isinstance(value, list) else [value]:
        if isinstance(message, dict) and "method" in message and "id" in message:
            params = message.get("params")
            meta = params.get("_meta") if isinstance(params, dict) else None
            token = meta.get("progressToken") if isinstance(meta, dict) else None
            found += [json.dumps(message["id"]), "" if token is None else json.dumps(token)]
    return found


# -- the answer -------------------------------------------------------------------------------------------------------


def edits_of(body: bytes, ids: Mapping[str, str]) -> list[Edit]:
    """Return the edits that replace the ids (JSON, by JSON) in a body that is a message or a batch; none if it is not JSON."""
    text = body.decode("latin-1")  # one character per byte; what is searched for is ASCII
    try:
        return list(_edits(text, _skipped(text, 0), ids))
    except (ValueError, IndexError, RecursionError):
        return []


def edits_of_events(body: bytes, ids: Mapping[str, str]) -> list[Edit]:
    """Return the edits that replace the ids in the messages of a stream of server-sent events."""
    found: list[Edit] = []
    start = 0
    for piece in split_stream(EVENT_STREAM, body) or ():
        lines = [(start + line.start(1), line[1]) for line in _DATA_LINE.finditer(piece)]
        starts, at = [], 0
        for offset, line in lines:
            starts.append((at, offset))
            at += len(line) + 1
        for edit in edits_of(b"\n".join(line for _, line in lines), ids) if lines else ():
            shift = next(offset - begin for begin, offset in reversed(starts) if begin <= edit.start)  # an id never spans two lines
            found.append(Edit(edit.start + shift, edit.end + shift, edit.text))
        start += len(piece)
    return found


def event_ids(body: bytes) -> list[bytes]:
    """Return the ids of a stream's events, with which its client can resume it."""
    return [line[1] for line in _ID_LINE.finditer(body) if line[1]]


def has_reply(body: bytes) -> bool:
    """Return whether the messages of an event stream include a reply to a request."""
    for piece in split_stream(EVENT_STREAM, body) or ():
        try:
            message = json.loads(b"\n".join(line[1] for line in _DATA_LINE.finditer(piece)))
        except ValueError:
            continue
        if is_reply(message):
            return True
    return False


def _edits(text: str, at: int, ids: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits of the message or batch that begins at this position."""
    if text[at] == "[":
        at = _skipped(text, at + 1)
        while text[at] != "]":
            yield from _edits(text, at, ids)
            at = _skipped(text, _DECODER.raw_decode(text, at)[1])
            at = _skipped(text, at + 1) if text[at] == "," else at
    elif text[at] == "{":
        members = _members(text, at)
        if "method" not in members:
            yield from _exchanged(text, members.get("id"), ids)
        elif text[slice(*members["method"])] == '"notifications/progress"' and "params" in members and text[members["params"][0]] == "{":
            yield from _exchanged(text, _members(text, members["params"][0]).get("progressToken"), ids)


def _exchanged(text: str, place: tuple[int, int] | None, ids: Mapping[str, str]) -> Iterator[Edit]:
    if place is not None:
        known = json.dumps(json.loads(text[slice(*place)].encode("latin-1")))
        if (other := ids.get(known, known)) != known:
            yield Edit(*place, other.encode())


def _members(text: str, at: int) -> dict[str, tuple[int, int]]:
    """Return the start and end of the values of the object's members, by name."""
    found = {}
    at = _skipped(text, at + 1)
    while text[at] == '"':
        name, at = _DECODER.raw_decode(text, at)
        at = _skipped(text, _skipped(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        found[name] = (at, end)
        at = _skipped(text, end)
        at = _skipped(text, at + 1) if text[at] == "," else at
    return found


def _skipped(text: str, at: int) -> int:
    """Return the end of the white space that begins at this position."""
    space = _SPACE.match(text, at)
    return space.end() if space else at
