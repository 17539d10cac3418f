"""Which tests came out differently with the cache, and which of them are named with a reason?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

__all__ = ["Comparison", "Difference", "compared"]

Outcomes = Mapping[str, Mapping[str, str]]


class Difference(NamedTuple):
    """A test, how it came out without and with the cache, what it said then, and why, as far as that is known."""

    test: str
    plain: str
    cached: str
    message: str
    reason: str | None


class Comparison(NamedTuple):
    """``totals``: how many tests came out in which way without the cache. ``idle``: reasons of tests that do not differ any more."""

    totals: Counter[str]
    differences: list[Difference]
    idle: list[str]

    @property
    def unexplained(self) -> list[Difference]:
        return [each for each in self.differences if each.reason is None]


def compared(plain: Outcomes, cached: Outcomes, reasons: Mapping[str, str]) -> Comparison:
    """Compare test by test. ``reasons``: by a pattern of the tests' names, in which ``[`` and ``]`` are themselves."""
    differences, used = [], set()
    for test in sorted(plain.keys() | cached.keys()):
        one, other = (side.get(test, {}).get("outcome", "absent") for side in (plain, cached))
        if one != other:
            pattern = next((pattern for pattern in reasons if fnmatchcase(test, pattern.replace("[", "[[]"))), None)
            used.add(pattern)
            message = (cached if other != "passed" else plain).get(test, {}).get("message", "")
            differences.append(Difference(test, one, other, message, reasons.get(pattern or "")))
    return Comparison(Counter(found["outcome"] for found in plain.values()), differences, [each for each in reasons if each not in used])
