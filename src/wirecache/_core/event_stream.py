"""Parsing of event streams: server-sent events (WHATWG HTML section 9.2) and lines of JSON.

Pieces and lines keep every byte: joined, they give the body again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

__all__ = [
    "AMAZON", "DONE", "EVENT_STREAM", "LINE_TYPES", "NDJSON", "Event", "ends_with_done", "events_in", "field_lines", "has_events",
    "split_lines", "split_stream", "stream_kind",
]  # fmt: skip

EVENT_STREAM = b"text/event-stream"
NDJSON = b"application/x-ndjson"
AMAZON = b"application/vnd.amazon.eventstream"
LINE_TYPES = frozenset({NDJSON, b"application/jsonl", b"application/stream+json"})

DONE = b"[DONE]"  # the data of the last event of OpenAI's chat, and of compatible APIs

_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\n")
_DONE_AT_END = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\](?>\r\n|\n|\r){2}\Z")
_DONE_LINES = (b"data: [DONE]", b"data:[DONE]")  # nothing can follow, so it is complete even without a line end
_DONE_SIZE = len(b"\ndata: [DONE]\r\n\r\n")  # of the longest form
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EVENT_START = re.compile(rb"[\r\n]*(data|event):")
_EVENT_LINE = re.compile(rb"[\r\n](data|event):")  # after a comment, whatever the declared type
_SEARCHED = 4096  # bytes
_REQUESTED_EVENT_START = re.compile(
    rb"[\r\n]*(data|event|id|retry)?:|d(a(ta?)?)?\Z|e(v(e(nt?)?)?)?\Z"
)  # comments, and what was cut at once


class Event(NamedTuple):
    """One event: its ``name`` (empty if it has none) and its ``data`` (several data lines are joined by line feeds)."""

    name: bytes
    data: bytes


def field_lines(name: bytes) -> re.Pattern[bytes]:
    """Return a pattern that matches the lines of this field in events; its group is the value."""
    return re.compile(rb"(?:^|(?<=[\r\n]))" + name + rb": ?([^\r\n]*)")


def stream_kind(declared: bytes, body: bytes, *, is_requested: bool) -> bytes | None:
    """Return the media type of the event stream, or None if the body is not one.

    Gateways declare any type, so the first bytes decide, then the declared type. ``is_requested``: the request asked for a stream, so
    weaker signs suffice (a comment at the start, lines of JSON).
    """
    start = body[:64].removeprefix(BYTE_ORDER_MARK)
    may_be_events = is_requested and _REQUESTED_EVENT_START.match(start) is not None
    if _EVENT_START.match(start) or (may_be_events and _EVENT_LINE.search(body, 0, _SEARCHED)):
        return EVENT_STREAM
    if declared == AMAZON or (is_requested and _is_amazon_message(body)):
        return AMAZON
    if has_events(declared) and declared != EVENT_STREAM:
        return declared
    if may_be_events:
        return EVENT_STREAM
    if (is_requested or declared == EVENT_STREAM) and _has_json_lines(body):
        return NDJSON
    return declared if declared == EVENT_STREAM else None


def _has_json_lines(body: bytes) -> bool:
    """Return whether the first line is a JSON object and another one begins on the next line."""
    line, end, rest = body.lstrip().partition(b"\n")
    return bool(end) and line[:1] == b"{" and line.rstrip()[-1:] == b"}" and rest.lstrip()[:1] == b"{"


def _is_amazon_message(body: bytes) -> bool:
    """Return whether the body begins with a message of Amazon's event stream: its lengths, and their checksum."""
    return len(body) >= 12 and crc32(body[:8]).to_bytes(4, "big") == body[8:12]


def has_events(kind: bytes) -> bool:
    """Return whether a body of this media type consists of separable events or lines."""
    return kind == EVENT_STREAM or kind in LINE_TYPES


def split_stream(kind: bytes, body: bytes) -> list[bytes] | None:
    """Return the body split after each event or line; None if bodies of this media type have neither.

    The rest after the last complete one is a piece, too.
    """
    if not has_events(kind):
        return None
    ends = [found.end() for found in (_EVENT_END if kind == EVENT_STREAM else _LINE_END).finditer(body)]
    if not ends or ends[-1] != len(body):
        ends.append(len(body))
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def split_lines(body: bytes) -> list[bytes]:
    """Return the lines with their ends: CRLF, LF or CR, as in the standard."""
    return body.splitlines(keepends=True)


def events_in(kind: bytes, body: bytes) -> Iterator[Event]:
    """Yield the events that have data. As in the standard, an event without its final blank line does not count."""
    if kind == EVENT_STREAM:
        yield from _server_sent_events(body.removeprefix(BYTE_ORDER_MARK))
    elif kind in LINE_TYPES:
        for line in body.split(b"\n"):
            if stripped := line.strip():
                yield Event(b"", stripped)


def ends_with_done(chunk: bytes) -> bool:
    """Return whether the chunk ends with the complete last event of a chat, including its blank line."""
    return _DONE_AT_END.search(chunk, max(0, len(chunk) - _DONE_SIZE)) is not None


def _server_sent_events(body: bytes) -> Iterator[Event]:
    lines = body.splitlines()
    if lines and not body.endswith((b"\n", b"\r")) and lines[-1] not in _DONE_LINES:
        del lines[-1]
    name, data = b"", list[bytes]()
    for line in lines:
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
        elif not line:
            if data:
                yield Event(name, data[0] if len(data) == 1 else b"\n".join(data))
            name, data = b"", []
    if data == [DONE]:  # nothing can follow, and some readers stop at this line
        yield Event(name, DONE)
