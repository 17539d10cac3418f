"""Selection of entries by a query, and their sorting and paging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from wirecache._core.llm.answers import answer_text
from wirecache._core.messages import Entry
from wirecache._core.rules.freshness import age_of

__all__ = ["Page", "Selection", "Sort", "host_of", "page_of"]


class Sort(StrEnum):
    """The order of a listing; ``size``, ``seconds`` and ``tokens`` begin with the largest."""

    NEWEST = "newest"
    OLDEST = "oldest"
    SIZE = "size"
    SECONDS = "seconds"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions that an entry must meet, all of them; an empty condition is always met.

    ``model``, ``host``, ``endpoint``: globs that ignore case. ``text``: occurs in the request body or in the answer, ignoring case.
    ``younger``, ``older``: the maximum and the minimum age in seconds.
    """

    model: str = ""
    host: str = ""
    endpoint: str = ""
    text: str = ""
    younger: float | None = None
    older: float | None = None

    def __bool__(self) -> bool:
        """Return whether there is any condition."""
        return self != Selection()

    def matches(self, entry: Entry, now: float) -> bool:
        """Return whether the entry meets all conditions; the cheap ones are checked first."""
        return self._matches_age(age_of(entry, now)) and self._matches_request(entry) and (not self.text or self._matches_text(entry))

    def _matches_age(self, age: float) -> bool:
        return (self.younger is None or age <= self.younger) and (self.older is None or age >= self.older)

    def _matches_request(self, entry: Entry) -> bool:
        if not (self.model or self.host or self.endpoint):
            return True
        request = entry.request
        values = ((self.model, request.model or ""), (self.host, host_of(request.url)), (self.endpoint, request.endpoint))
        return all(fnmatchcase(value.lower(), pattern.lower()) for pattern, value in values if pattern)

    def _matches_text(self, entry: Entry) -> bool:
        text = self.text.casefold()
        return text in bytes(entry.request_body).decode("utf-8", "replace").casefold() or text in answer_text(entry).casefold()


def host_of(url: str) -> str:
    """Return the host of a URL, with its port if the URL names one."""
    return urlsplit(url).netloc.rpartition("@")[2]


_SORT_KEYS: dict[Sort, Callable[[Entry], float]] = {
    Sort.NEWEST: lambda entry: -entry.stored_at,
    Sort.OLDEST: lambda entry: entry.stored_at,
    Sort.SIZE: lambda entry: -len(entry.body),
    Sort.SECONDS: lambda entry: -entry.seconds,
    Sort.TOKENS: lambda entry: -(entry.usage.total if entry.usage else 0),
}


class Page(NamedTuple):
    """The entries of one page, and whether more follow."""

    entries: list[Entry]
    more: bool


def page_of(entries: Iterable[Entry], sort: Sort, number: int, limit: int, *, newest_first: bool = True) -> Page:
    """Return the page with this number, counted from 1, of at most ``limit`` entries.

    ``newest_first``: ``entries`` come in that order, so that the newest can be listed without reading more than is shown. Otherwise all
    entries are read, and those of the pages up to this one are held in memory.
    """
    start, end = (number - 1) * limit, number * limit
    if newest_first and sort is Sort.NEWEST:
        found = list(islice(entries, start, end + 1))
    else:
        found = nsmallest(end + 1, entries, key=_SORT_KEYS[sort])[start:]
    return Page(found[:limit], len(found) > limit)
