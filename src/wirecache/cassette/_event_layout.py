"""The spelling of a stream's events as a named style: the event's name, its data and the style reproduce its bytes.

This covers ``event: NAME`` and ``data: DATA`` with JSON as data, and lines of JSON. Any other event is kept as text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from wirecache._core.messages import Chunk
from wirecache.cassette._json_layout import JsonLayout, layout_of

__all__ = ["STREAM_LAYOUTS", "JsonEvent", "Style", "arrivals", "event_in", "style_named", "style_of"]

# The words that name a style; the unnamed style is compact JSON after "data: " and lines that end with a line feed.
STREAM_LAYOUTS = r"(lines)?( ?(spaced|spaced-colons|spaced-commas))?( ?tight)?( ?crlf)?"

# The event stream parser reads an event's meaning; these patterns match its spelling, since every byte must be reproduced.
_EVENT = re.compile(r"(?P<named>event: ?(?P<name>[^\r\n]*)\r?\n)?data:(?P<gap> ?)(?P<data>[^\r\n]*)(?P<end>\r?\n)\r?\n")
_LINE = re.compile(r"(?P<named>)(?P<name>)(?P<gap>)(?P<data>[^\r\n]*)(?P<end>\r?\n)")


class Style(NamedTuple):
    """How a stream's events are spelled.

    ``lines``: as lines of JSON rather than server-sent events. ``json_layout``: the layout of their data. ``tight``: without a space
    after ``data:``. ``crlf``: lines end with CRLF.
    """

    lines: bool = False
    json_layout: str = "compact"
    tight: bool = False
    crlf: bool = False

    @property
    def name(self) -> str:
        """The words that name the style; empty for the usual one."""
        json_layout = self.json_layout if self.json_layout != "compact" else ""
        return " ".join(filter(None, ("lines" * self.lines, json_layout, "tight" * self.tight, "crlf" * self.crlf)))


class JsonEvent(NamedTuple):
    """An event: its ``name`` (None if it has none) and the JSON ``tokens`` of its data."""

    name: str | None
    tokens: str

    def text(self, style: Style) -> str:
        """Return the event spelled in that style."""
        end, gap = "\r\n" if style.crlf else "\n", "" if style.tight else " "
        data = JsonLayout(self.tokens, style.json_layout).text()
        if style.lines:
            return data + end
        head = f"event:{gap}{self.name}{end}" if self.name is not None else ""
        return f"{head}data:{gap}{data}{end}{end}"


def style_named(name: str) -> Style:
    """Return the style of that name."""
    words = set(name.split())
    json_layout = words - {"lines", "tight", "crlf"}
    return Style("lines" in words, json_layout.pop() if json_layout else "compact", "tight" in words, "crlf" in words)


def style_of(pieces: Iterable[str], *, lines: bool) -> Style:
    """Return the style of most of these events."""
    styles = Counter(style for piece in pieces if (style := _style_of_event(piece, lines=lines)) is not None)
    return styles.most_common(1)[0][0] if styles else Style(lines)


def _style_of_event(piece: str, *, lines: bool) -> Style | None:
    """Return the style of one event; None if it has none or is ambiguous (its JSON has neither a comma nor a colon)."""
    found = (_LINE if lines else _EVENT).fullmatch(piece)
    data = layout_of(found["data"]) if found else None
    if found is None or data is None or data.before or data.after or not {",", ":"} & set(data.tokens):
        return None
    return Style(lines, data.name, not lines and not found["gap"], found["end"] == "\r\n")


def event_in(piece: str, style: Style) -> JsonEvent | None:
    """Return the event in this piece of a stream; None if the style does not reproduce exactly this piece."""
    found = (_LINE if style.lines else _EVENT).fullmatch(piece)
    data = layout_of(found["data"]) if found else None
    if found is None or data is None:
        return None
    event = JsonEvent(found["name"] if found["named"] else None, data.tokens)
    return event if event.text(style) == piece else None


def arrivals(sizes: Sequence[int], chunks: Sequence[Chunk]) -> list[float]:
    """Return when each piece of these sizes was complete, that is, when its last byte arrived, in seconds since the request."""
    ends = list(accumulate(chunk.size for chunk in chunks))
    return [chunks[min(bisect_left(ends, end), len(chunks) - 1)].seconds for end in accumulate(sizes)]
