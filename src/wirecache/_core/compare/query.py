"""Which entries does somebody mean? By what was asked, what was answered, and how long ago."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from heapq import nsmallest
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from wirecache._core.llm.answers import answer_text
from wirecache._core.messages import Entry
from wirecache._core.rules.freshness import age_of

__all__ = ["Selection", "Sort", "host_of", "page_of"]


class Sort(StrEnum):
    """The order of a listing."""

    NEWEST = "newest"
    OLDEST = "oldest"
    SIZE = "size"
    SECONDS = "seconds"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Selection:
    """What an entry must be like; what is empty counts for nothing.

    ``model``, ``host``, ``endpoint``: globs, of any case. ``younger``, ``older``: seconds since it was stored. ``text``: is in the
    prompt or in the answer, in any case.
    """

    model: str = ""
    host: str = ""
    endpoint: str = ""
    text: str = ""
    younger: float | None = None
    older: float | None = None

    def __bool__(self) -> bool:
        """Is anything asked for?"""
        return self != Selection()

    def holds(self, entry: Entry, now: float) -> bool:
        """Is the entry one of these? What is cheap to tell is asked first."""
        age = age_of(entry, now)
        if (self.younger is not None and age > self.younger) or (self.older is not None and age < self.older):
            return False
        if self.model or self.host or self.endpoint:
            asked = entry.request
            told = ((self.model, asked.model or ""), (self.host, host_of(asked.url)), (self.endpoint, asked.endpoint))
            if not all(fnmatchcase(value.lower(), wanted.lower()) for wanted, value in told if wanted):
                return False
        return not self.text or self._has_text(entry)

    def _has_text(self, entry: Entry) -> bool:
        wanted = self.text.casefold()
        return wanted in bytes(entry.request_body).decode("utf-8", "replace").casefold() or wanted in answer_text(entry).casefold()


def host_of(url: str) -> str:
    """The host of a URL, and its port if it has one."""
    return urlsplit(url).netloc.rpartition("@")[2]


_BY: dict[Sort, Callable[[Entry], Any]] = {
    Sort.NEWEST: lambda entry: -entry.stored_at,
    Sort.OLDEST: lambda entry: entry.stored_at,
    Sort.SIZE: lambda entry: -len(entry.body),
    Sort.SECONDS: lambda entry: -entry.seconds,
    Sort.TOKENS: lambda entry: -(entry.usage.total if entry.usage else 0),
}


def page_of(entries: Iterable[Entry], sort: Sort, page: int, limit: int, *, ordered: bool = True) -> tuple[list[Entry], bool]:
    """One page of them, and whether there are more.

    ``ordered``: the newest come first already, so that no more are read than are shown. Else, and in any other order, all are read, and as
    many kept as the pages up to this one have.
    """
    start, end = (page - 1) * limit, page * limit
    if ordered and sort is Sort.NEWEST:
        return _cut(list(islice(entries, start, end + 1)), limit)
    return _cut(nsmallest(end + 1, entries, key=_BY[sort])[start:], limit)


def _cut(found: list[Entry], limit: int) -> tuple[list[Entry], bool]:
    return found[:limit], len(found) > limit
