"""Where in a text do values stand that are known to be secret?

A search costs about the same for one value as for thousands: only those are looked for whose first word is among the text's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, quote_plus

__all__ = ["Found", "KnownValues"]

MOST = 10_000  # values; their memory is bounded, too, since each is short
FEW = 16  # values for which it is quicker to search the text than to split it into words

_WORD = re.compile(r"[A-Za-z0-9]+")
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}|\\[bfnrt]|%[0-9A-Fa-f]{2}")
_ENDS_ESCAPED = re.compile(rf"(?:{_ESCAPE.pattern})\Z")


class Found(NamedTuple):
    """Where a value stands; ``span`` as of an ``re.Match``."""

    start: int
    end: int

    def span(self, _group: int | str = 0, /) -> tuple[int, int]:
        """Return start and end."""
        return self.start, self.end


class KnownValues:
    """Values that are found in texts as whole words, also as JSON or a URL spells them: an ``re.Pattern`` that grows.

    ``until(n)`` is the same without those that were added later. Safe for threads: each step is one operation of a dict.
    """

    __slots__ = ("_by_word", "_limit", "_numbers")

    groupindex: Mapping[str, int] = MappingProxyType({})

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # each value, and how many there were before it
        self._by_word: dict[str, dict[str, int]] = {}  # each spelling of a value by its first word, with the value's number
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
        """Return the first ``number`` values, whatever is added later."""
        values = KnownValues()
        values._numbers, values._by_word, values._limit = self._numbers, self._by_word, number
        return values

    def copy(self) -> KnownValues:
        """Return the same values, to which others may be added without a change here."""
        values = KnownValues()
        values._numbers = self._numbers.copy()
        values._by_word = {word: spellings.copy() for word, spellings in self._by_word.copy().items()}
        return values

    def finditer(self, text: str, /) -> Iterator[Found]:
        """Yield where a value stands."""
        for word in self._words_of(text):
            for spelling, number in self._by_word[word].copy().items():
                if number < self._limit:
                    yield from _places(spelling, text)

    def _words_of(self, text: str) -> list[str]:
        """Return the first words of values that are in the text."""
        if len(self._by_word) <= FEW:
            return [word for word in self._by_word.copy() if word in text]
        words = {"", *_WORD.findall(text)}
        if "\\" in text or "%" in text:
            words.update(_WORD.findall(_ESCAPE.sub(" ", text)))
        return [word for word in words if word in self._by_word]


def _spellings(value: str) -> set[str]:
    """Return the value as text, in JSON within a text, and in a URL."""
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
    """Return whether no word goes on at this place; an escape may stand in front (``\\n``, ``%20``)."""
    before = text[max(0, at - 6) : at]
    return not (before and _WORD.match(text, at) and _WORD.match(before[-1])) or _ENDS_ESCAPED.search(before) is not None
