"""Search of a text for values that are known to be secret.

A search costs about the same for one value as for thousands: only values whose first word occurs in the text are searched for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, quote_plus

__all__ = ["Found", "KnownValues"]

MOST = 10_000  # values; each is short, so that memory is bounded
FEW = 16  # for so few values, searching the text is quicker than splitting it into words

_WORD = re.compile(r"[A-Za-z0-9]+")
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}|\\[bfnrt]|%[0-9A-Fa-f]{2}")
_ENDS_ESCAPED = re.compile(rf"(?:{_ESCAPE.pattern})\Z")


class Found(NamedTuple):
    """An occurrence of a value; ``span`` as in ``re.Match``."""

    start: int
    end: int

    def span(self, _group: int | str = 0, /) -> tuple[int, int]:
        """Return the start and the end."""
        return self.start, self.end


class KnownValues:
    """Finds values in texts as whole words, also spelled as in JSON or a URL: like an ``re.Pattern`` to which values can be added.

    ``until(n)`` leaves out those added later. Thread-safe: each step is a single dict operation.
    """

    __slots__ = ("_by_word", "_limit", "_numbers")

    groupindex: Mapping[str, int] = MappingProxyType({})

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # each value, with the number of values added before it
        self._by_word: dict[str, dict[str, int]] = {}  # by first word: the spellings of values, with the value's number
        self._limit = MOST

    def __len__(self) -> int:
        return min(len(self._numbers), self._limit)

    def __contains__(self, value: str) -> bool:
        return self._numbers.get(value, MOST) < self._limit

    def add(self, value: str) -> None:
        """Add a value, unless there are too many."""
        if value in self._numbers or len(self._numbers) >= MOST:
            return
        number = self._numbers.setdefault(value, len(self._numbers))
        for spelling in _spellings(value):
            first = _WORD.search(spelling)
            self._by_word.setdefault(first[0] if first else "", {}).setdefault(spelling, number)

    def until(self, number: int) -> KnownValues:
        """Return only the first ``number`` values, whatever is added later."""
        values = KnownValues()
        values._numbers, values._by_word, values._limit = self._numbers, self._by_word, number
        return values

    def copy(self) -> KnownValues:
        """Return a copy, to which values can be added independently."""
        values = KnownValues()
        values._numbers = self._numbers.copy()
        values._by_word = {word: spellings.copy() for word, spellings in self._by_word.copy().items()}
        return values

    def finditer(self, text: str, /) -> Iterator[Found]:
        """Yield the occurrences of the values."""
        for word in self._words_of(text):
            for spelling, number in self._by_word[word].copy().items():
                if number < self._limit:
                    yield from _places(spelling, text)

    def _words_of(self, text: str) -> list[str]:
        """Return the first words of values that occur in the text."""
        if len(self._by_word) <= FEW:
            return [word for word in self._by_word.copy() if word in text]
        words = {"", *_WORD.findall(text)}
        if "\\" in text or "%" in text:
            words.update(_WORD.findall(_ESCAPE.sub(" ", text)))
        return [word for word in words if word in self._by_word]


def _spellings(value: str) -> set[str]:
    """Return the spellings of the value: as text, in JSON within a text, and in a URL."""
    raw = value.encode("utf-8", "surrogatepass")
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(raw, safe=""), quote_plus(raw)}


def _places(value: str, text: str) -> Iterator[Found]:
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if _begins(text, at) and not (_WORD.match(value[-1]) and _WORD.match(text, end)):
            yield Found(at, end)
        at = text.find(value, at + 1)


def _begins(text: str, at: int) -> bool:
    """Return whether a word may begin at this position; an escape may precede it (``\\n``, ``%20``)."""
    before = text[max(0, at - 6) : at]
    return not (before and _WORD.match(text, at) and _WORD.match(before[-1])) or _ENDS_ESCAPED.search(before) is not None
