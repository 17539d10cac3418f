"""Where in a JSON text are the members of an object, and the items of a list? As positions, so that what is copied keeps its own text.

The text is valid JSON: whoever calls has parsed it, or has the word of somebody who did. In any other, what is found means nothing, or
``ValueError`` is raised. Lists of numbers and long strings, of which
answers with vectors consist, are passed over by searches that run in C.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

__all__ = ["Span", "end_of", "is_list", "is_object", "is_text", "items_at", "members_at", "numbers_in"]

_SEPARATOR = re.compile(rb"[\s,]*+")
_NAME = re.compile(rb'[\s,]*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:\s*+', re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]++")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_QUOTE, _LIST, _OBJECT = ord('"'), ord("["), ord("{")
_NOT_WHOLE = "not a whole JSON text"
_NO_NUMBERS = (b'"', b"{", b"u", b"l", b"N", b"I")  # a text, an object, true, null, false, NaN, Infinity


class Span(NamedTuple):
    """Where a value is: from its first byte to that after its last."""

    start: int
    end: int

    def of(self, text: bytes) -> bytes:
        """Return the value's own text."""
        return text[self.start : self.end]


def is_list(text: bytes, span: Span) -> bool:
    """Return whether the value is a list."""
    return text[span.start] == _LIST


def is_object(text: bytes, span: Span) -> bool:
    """Return whether the value is an object."""
    return text[span.start] == _OBJECT


def is_text(text: bytes, span: Span) -> bool:
    """Return whether the value is a string."""
    return text[span.start] == _QUOTE


def numbers_in(text: bytes, span: Span) -> int | None:
    """Return how many numbers the list consists of; None if the value is no list, or anything else is in it."""
    start, end = span
    if text[start] != _LIST or text.find(b"[", start + 1, end) >= 0:
        return None
    if any(text.find(other, start, end) >= 0 for other in _NO_NUMBERS):
        return None
    commas = text.count(b",", start, end)
    return commas + 1 if commas or (not text[start + 1 : end - 1].isspace() and end - start > 2) else 0


def members_at(text: bytes, start: int = 0) -> dict[str, Span]:
    """Return the members of the object that begins there (white space before it is passed over), by their names."""
    members: dict[str, Span] = {}
    at = text.index(b"{", start) + 1
    while match := _NAME.match(text, at):
        name, value = match[1], match.end()
        at = end_of(text, value)
        members[json.loads(b'"%b"' % name) if b"\\" in name else name.decode()] = Span(value, at)
    return members


def items_at(text: bytes, start: int) -> list[Span]:
    """Return the items of the list that begins there."""
    items: list[Span] = []
    at = start + 1
    while (match := _SEPARATOR.match(text, at)) and text[match.end() : match.end() + 1] != b"]":
        at = end_of(text, match.end())
        items.append(Span(match.end(), at))
    return items


def end_of(text: bytes, start: int) -> int:
    """Return where the value that begins there ends."""
    first = text[start : start + 1]
    if first == b'"':
        return _end_of_string(text, start)
    if first not in (b"[", b"{"):
        match = _SCALAR.match(text, start)
        if match is None:
            raise ValueError(_NOT_WHOLE)
        return match.end()
    return _end_of_flat_list(text, start) or _end_of_nested(text, start)


def _end_of_flat_list(text: bytes, start: int) -> int:
    """Return where the list ends in which there are neither strings nor lists nor objects; 0 if it is another value."""
    if text[start] != _LIST:
        return 0
    end = text.find(b"]", start)
    return end + 1 if end > 0 and all(text.find(other, start + 1, end) < 0 for other in (b"[", b'"', b"{")) else 0


def _end_of_nested(text: bytes, start: int) -> int:
    """Return where a list or object ends, whatever is in it."""
    depth, at = 0, start
    while match := _STRUCTURE.search(text, at):
        kind, at = match[0], match.end()
        if kind == b'"':
            at = _end_of_string(text, match.start())
        elif end := _end_of_flat_list(text, match.start()):
            at = end
        elif kind in b"[{":
            depth += 1
        else:
            depth -= 1
        if not depth:
            return at
    raise ValueError(_NOT_WHOLE)


def _end_of_string(text: bytes, start: int) -> int:
    end = text.find(b'"', start + 1)
    if end > 0 and text.find(b"\\", start + 1, end) < 0:
        return end + 1
    match = _STRING.match(text, start)
    if match is None:
        raise ValueError(_NOT_WHOLE)
    return match.end()
