"""The positions of object members and list items in a JSON text, so that they can be copied unchanged.

The text must be valid JSON, which the caller has to make sure of. In any other text the results are meaningless, or ``ValueError`` is
raised. Lists of numbers and long strings, of which answers with embeddings mostly consist, are skipped by searches that run in C.
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
    """The position of a value: its first byte, and the one after its last."""

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
    """Return how many numbers the list contains; None if the value is not a list, or contains anything else."""
    start, end = span
    if text[start] != _LIST or text.find(b"[", start + 1, end) >= 0:
        return None
    if any(text.find(other, start, end) >= 0 for other in _NO_NUMBERS):
        return None
    commas = text.count(b",", start, end)
    return commas + 1 if commas or (not text[start + 1 : end - 1].isspace() and end - start > 2) else 0


def members_at(text: bytes, start: int = 0) -> dict[str, Span]:
    """Return the members of the object that begins at ``start`` (after white space), by name."""
    members: dict[str, Span] = {}
    at = text.index(b"{", start) + 1
    while match := _NAME.match(text, at):
        name, value = match[1], match.end()
        at = end_of(text, value)
        members[json.loads(b'"%b"' % name) if b"\\" in name else name.decode()] = Span(value, at)
    return members


def items_at(text: bytes, start: int) -> list[Span]:
    """Return the items of the list that begins at ``start``."""
    items: list[Span] = []
    at = start + 1
    while (match := _SEPARATOR.match(text, at)) and text[match.end() : match.end() + 1] != b"]":
        at = end_of(text, match.end())
        items.append(Span(match.end(), at))
    return items


def end_of(text: bytes, start: int) -> int:
    """Return the end of the value that begins at ``start``."""
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
    """Return the end of a list without strings, lists and objects; 0 for any other value."""
    if text[start] != _LIST:
        return 0
    end = text.find(b"]", start)
    return end + 1 if end > 0 and all(text.find(other, start + 1, end) < 0 for other in (b"[", b'"', b"{")) else 0


def _end_of_nested(text: bytes, start: int) -> int:
    """Return the end of a list or object with any contents."""
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
