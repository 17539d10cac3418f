"""Where do two requests differ, and what would make them one?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wirecache._core.privacy.patterns import REDACTED
from wirecache._core.privacy.redaction import DEFAULT

__all__ = ["ABSENT", "Difference", "difference", "differences", "likeness", "part_difference"]

SHOWN = 60  # characters of a value
LOOKED_AT = 4000  # characters on each side of the first difference: a secret that the shown part cuts through is known by its whole
ABSENT = object()

# What tends to change from run to run. A row: its name, what it looks like, and how it looks when cut short.
VOLATILE = (
    ("a time", re.compile(r"\d{1,2}:\d{2}(:\d{2})?|\d{4}-\d{2}-\d{2}|\b1[5-9]\d{8}(\d{3})?\b")),
    ("a UUID", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)),
    ("a temporary path", re.compile(r"(/tmp/|/var/folders/|\\Temp\\|/private/var/)\S*")),
    ("an identifier", re.compile(r"\b[0-9a-f]{16,}\b", re.IGNORECASE)),
)


class Difference(NamedTuple):
    """One place where a request differs from a stored one.

    ``pointer``: a JSON pointer (RFC 6901) into the body, or the name of another part of the request. ``stored`` and ``requested`` are
    the two values, shortened. ``hint``: what to do where the value looks as if it changed from run to run.
    """

    pointer: str
    stored: str
    requested: str
    hint: str | None = None

    def __str__(self) -> str:
        """One line."""
        line = f"{self.pointer}: {self.stored} -> {self.requested}"
        return f"{line} ({self.hint})" if self.hint else line


def likeness(one: Any, other: Any, depth: int = 5) -> float:
    """How alike are two JSON values, cheaply: 0 (nothing in common) to 1 (equal)?"""
    if one == other:
        return 1.0
    if isinstance(one, str) and isinstance(other, str):
        return 0.9 * _common(one, other) / max(len(one), len(other), 1)
    if depth == 0:
        return 0.0
    if isinstance(one, dict) and isinstance(other, dict):
        names = one.keys() | other.keys()
        same = sum(likeness(one.get(name, ABSENT), other.get(name, ABSENT), depth - 1) for name in names)
        return 0.9 * same / len(names)
    if isinstance(one, list) and isinstance(other, list):
        same = sum(likeness(a, b, depth - 1) for a, b in zip(one, other, strict=False))
        return 0.9 * same / max(len(one), len(other))
    return 0.0


def _common(one: str, other: str) -> int:
    """How many characters do they share at the front?"""
    if one[: len(other)] == other or other[: len(one)] == one:
        return min(len(one), len(other))
    low, high = 0, min(len(one), len(other))
    while low < high:  # by halves, each compared at once
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def differences(stored: Any, asked: Any, pointer: str = "") -> Iterator[Difference]:
    """The places where two JSON values differ, in the order of the body asked."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for name in [*asked, *(name for name in stored if name not in asked)]:
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            yield from differences(stored.get(name, ABSENT), asked.get(name, ABSENT), step)
    elif isinstance(stored, list) and isinstance(asked, list):
        for at in range(max(len(stored), len(asked))):
            one = stored[at] if at < len(stored) else ABSENT
            other = asked[at] if at < len(asked) else ABSENT
            yield from differences(one, other, f"{pointer}/{at}")
    elif stored != asked or (type(stored) is bool) != (type(asked) is bool):
        yield difference(pointer or "/", stored, asked)


def part_difference(name: str, stored: str, asked: str) -> Difference:
    """The difference of a part outside of the body, told in full but for its secrets."""
    return Difference(DEFAULT.text(name), DEFAULT.text(stored), DEFAULT.text(asked))


def difference(pointer: str, stored: Any, asked: Any) -> Difference:
    """The difference of two values at one place, shortened to where it begins, without their secrets."""
    told, secret = DEFAULT.text(pointer), _is_secret(pointer)
    if isinstance(stored, str) and isinstance(asked, str):
        start = _common(stored, asked)
        hint = _hint(told, stored, asked, start)
        if secret:
            return Difference(told, REDACTED, REDACTED, hint)
        begin = max(0, start - LOOKED_AT)
        one, other = (DEFAULT.text(text[begin : start + LOOKED_AT]) for text in (stored, asked))
        start = _common(one, other)
        return Difference(told, _window(one, start, begin), _window(other, start, begin), hint)
    return Difference(told, _shown(stored, secret), _shown(asked, secret), None)


def _is_secret(pointer: str) -> bool:
    """Is it a member of a secret name, or the item or ``value`` directly under one?"""
    *_, above, last = ["", *pointer.split("/")]
    return DEFAULT.is_secret(last) or ((last.isdigit() or last == "value") and DEFAULT.is_secret(above))


def _shown(value: Any, secret: bool) -> str:
    if value is ABSENT:
        return "absent"
    if secret and isinstance(value, str):
        return REDACTED
    if isinstance(value, str):
        value = DEFAULT.text(value[:LOOKED_AT])
    text = repr(value) if not isinstance(value, (dict, list)) else type(value).__name__ + f" of {len(value)}"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _window(text: str, start: int, before: int) -> str:
    """The text round the place where it begins to differ; ``before``: how much of it was left out already."""
    begin = max(0, start - 20)
    part = text[begin : begin + SHOWN]
    shown = ("..." if begin or before else "") + part + ("..." if begin + SHOWN < len(text) else "")
    return '"' + shown.replace("\n", "\\n") + '"'


def _hint(pointer: str, stored: str, asked: str, start: int) -> str | None:
    """What looks volatile at this place, and the option that would leave it out."""
    for name, pattern in VOLATILE:
        if any(m.start() <= start <= m.end() for m in pattern.finditer(asked)) and any(
            m.start() <= start <= m.end() for m in pattern.finditer(stored)
        ):
            if pattern.fullmatch(asked) and pattern.fullmatch(stored):
                return f'looks like {name}: KeyOptions(ignore_body=("{pointer}",)) leaves it out'
            return f"looks like {name}: KeyOptions(normalize=...) can take it out"
    return None
