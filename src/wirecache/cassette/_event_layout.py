"""How is one event of a stream written, so that its bytes can be made again from its name and its data?

``event: NAME`` and ``data: DATA`` with JSON as data, or a line of JSON. What is anything else is kept as its text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from wirecache._core.messages import Chunk
from wirecache.cassette._json_layout import Laid, laid_out, take_apart

__all__ = ["STREAM_LAYOUTS", "JsonEvent", "Style", "arrivals", "event_in", "style_named", "style_of"]

# The words of a stream's layout; none of them: compact JSON after "data: " and lines that end with a line feed.
STREAM_LAYOUTS = r"(lines)?( ?(spaced|spaced-colons|spaced-commas))?( ?tight)?( ?crlf)?"

_EVENT = re.compile(r"(?:event:( ?)([^\r\n]*)(\r?\n))?data:( ?)([^\r\n]*)(\r?\n)\r?\n")
_LINE = re.compile(r"()()()()([^\r\n]*)(\r?\n)")
_DATA = 5


class Style(NamedTuple):
    """How the events of a stream are laid out."""

    lines: bool = False  # lines of JSON, else server-sent events
    tokens: str = "compact"
    tight: bool = False  # no space after "data:"
    crlf: bool = False

    @property
    def name(self) -> str:
        """The words of the layout; empty for the usual one."""
        words = ("lines" * self.lines, self.tokens if self.tokens != "compact" else "", "tight" * self.tight, "crlf" * self.crlf)
        return " ".join(filter(None, words))


class JsonEvent(NamedTuple):
    """An event: its name, None where it has none, and the tokens of its data."""

    name: str | None
    tokens: str

    def text(self, style: Style) -> str:
        """The event as it stands in a stream of that style."""
        end, gap = "\r\n" if style.crlf else "\n", "" if style.tight else " "
        data = laid_out(Laid(self.tokens, style.tokens))
        if style.lines:
            return data + end
        head = f"event:{gap}{self.name}{end}" if self.name is not None else ""
        return f"{head}data:{gap}{data}{end}{end}"


def style_named(name: str) -> Style:
    """The style of that name."""
    words = set(name.split())
    tokens = words - {"lines", "tight", "crlf"}
    return Style("lines" in words, tokens.pop() if tokens else "compact", "tight" in words, "crlf" in words)


def style_of(pieces: Iterable[str], *, lines: bool) -> Style:
    """The style that most of these events are in."""
    guesses = Counter(guess for piece in pieces if (guess := _guess(piece, lines)) is not None)
    return guesses.most_common(1)[0][0] if guesses else Style(lines)


def _guess(piece: str, lines: bool) -> Style | None:
    found = (_LINE if lines else _EVENT).fullmatch(piece)
    laid = take_apart(found[_DATA]) if found else None
    if found is None or laid is None or laid.before or laid.after or not {",", ":"} & set(laid.tokens):
        return None
    return Style(lines, laid.layout, not lines and not found[4], found[6] == "\r\n")


def event_in(piece: str, style: Style) -> JsonEvent | None:
    """The event in this piece of a stream; None if the style does not give exactly this piece again."""
    found = (_LINE if style.lines else _EVENT).fullmatch(piece)
    laid = take_apart(found[_DATA]) if found else None
    if found is None or laid is None:
        return None
    event = JsonEvent(found[2] if found[3] else None, laid.tokens)
    return event if event.text(style) == piece else None


def arrivals(sizes: Sequence[int], chunks: Sequence[Chunk]) -> list[float]:
    """When was each piece of these sizes complete? With the chunk that brought its last byte; seconds since the request was sent."""
    ends = list(accumulate(chunk.size for chunk in chunks))
    return [chunks[min(bisect_left(ends, end), len(chunks) - 1)].seconds for end in accumulate(sizes)]
