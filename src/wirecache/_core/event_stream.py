"""Which events are in the body of a stream?

Server-sent events (WHATWG HTML section 9.2) and lines of JSON. Pieces and lines keep every byte: joined they are the body again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["DONE", "EVENT_STREAM", "LINE_TYPES", "Event", "ends_with_done", "events_in", "has_events", "split_lines", "split_stream"]

EVENT_STREAM = b"text/event-stream"
LINE_TYPES = frozenset({b"application/x-ndjson", b"application/jsonl", b"application/stream+json"})

DONE = b"[DONE]"  # the data of the last event of OpenAI's chat, and of every API in its shape

_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\n")
_DONE_AT_END = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\](?>\r\n|\n|\r){2}\Z")
_DONE_LINES = (b"data: [DONE]", b"data:[DONE]")  # nothing can follow: whole without its line end, too
_DONE_SIZE = len(b"\ndata: [DONE]\r\n\r\n")  # the longest match of it
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its ``name`` (empty if it has none) and its ``data`` (several data lines are joined by line feeds)."""

    name: bytes
    data: bytes


def has_events(kind: bytes) -> bool:
    """Return whether a body of this media type is made of events or lines that can be told apart."""
    return kind == EVENT_STREAM or kind in LINE_TYPES


def split_stream(kind: bytes, body: bytes) -> list[bytes] | None:
    """Return the body cut after each event or line; None if bodies of this media type have neither.

    What follows the last complete one is a piece, too.
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
    """Yield the events that have data. One that was cut off before its blank line is none, as the standard says."""
    if kind == EVENT_STREAM:
        yield from _server_sent_events(body.removeprefix(BYTE_ORDER_MARK))
    elif kind in LINE_TYPES:
        for line in body.split(b"\n"):
            if stripped := line.strip():
                yield Event(b"", stripped)


def ends_with_done(chunk: bytes) -> bool:
    """Return whether the chunk ends with the whole last event of a chat, its blank line included (a replay has every byte)."""
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
