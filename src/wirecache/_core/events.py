"""Which events are in the body of a stream?

Server-sent events (WHATWG HTML section 9.2) and lines of JSON; pieces keep every byte, so that joined they are the body again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["EVENT_STREAM", "LINE_TYPES", "Event", "events_in", "split_stream"]

EVENT_STREAM = b"text/event-stream"
LINE_TYPES = frozenset({b"application/x-ndjson", b"application/jsonl", b"application/stream+json"})

_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\n")
_LINE = re.compile(rb"\r\n|\n|\r")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its ``name`` (empty where none is given) and its ``data``, the lines of it joined."""

    name: bytes
    data: bytes


def split_stream(kind: bytes, body: bytes) -> list[bytes] | None:
    """The body cut after each event or line; None if ``kind`` (a media type) has no such parts. What is left at the end is a piece, too."""
    if kind != EVENT_STREAM and kind not in LINE_TYPES:
        return None
    ends = [found.end() for found in (_EVENT_END if kind == EVENT_STREAM else _LINE_END).finditer(body)]
    if not ends or ends[-1] != len(body):
        ends.append(len(body))
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def events_in(kind: bytes, body: bytes) -> Iterator[Event]:
    """The events that have data. One that was cut off before its blank line is none, as the standard says."""
    for piece in split_stream(kind, body.removeprefix(BYTE_ORDER_MARK)) or ():
        if kind != EVENT_STREAM:
            if line := piece.strip():
                yield Event(b"", line)
        elif (event := _event(piece)) is not None:
            yield event


def _event(piece: bytes) -> Event | None:
    """The event in a piece that ends with a blank line."""
    if not _EVENT_END.search(piece, max(0, len(piece) - 4)):
        return None
    name, data = b"", list[bytes]()
    for line in _LINE.split(piece):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Event(name, b"\n".join(data)) if data else None
