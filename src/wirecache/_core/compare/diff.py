"""The differences of two requests, with hints at the option that would make their keys equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wirecache._core.privacy.patterns import REDACTED
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.shortened import shortened

__all__ = ["ABSENT", "Difference", "difference", "differences", "likeness", "part_difference"]

SHOWN = 60  # characters of a value
# Characters on each side of the first difference that are redacted before the value is cut, since half a secret is not recognised.
REDACTED_AROUND = 4000
ABSENT = object()  # stands for a member that one of the two lacks

# Values that tend to change from run to run: the name in a hint, and the pattern.
VOLATILE = (
    ("a time", re.compile(r"\d{1,2}:\d{2}(:\d{2})?|\d{4}-\d{2}-\d{2}|\b1[5-9]\d{8}(\d{3})?\b")),
    ("a UUID", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)),
    ("a temporary path", re.compile(r"(/tmp/|/var/folders/|\\Temp\\|/private/var/)\S*")),
    ("an identifier", re.compile(r"\b[0-9a-f]{16,}\b", re.IGNORECASE)),
)


class Difference(NamedTuple):
    """One place where a request differs from a stored one.

    ``pointer``: a JSON pointer (RFC 6901) into the body, or the name of another part of the request. ``stored`` and ``requested``:
    the two values, shortened. ``hint``: what to do if the value looks as if it changes from run to run.
    """

    pointer: str
    stored: str
    requested: str
    hint: str | None = None

    def __str__(self) -> str:
        """Return the difference as one line."""
        line = f"{self.pointer}: {self.stored} -> {self.requested}"
        return f"{line} ({self.hint})" if self.hint else line


def likeness(one: Any, other: Any, depth: int = 5) -> float:
    """Return how similar two JSON values are, from 0 (nothing in common) to 1 (equal). Cheap: below ``depth`` it is approximate."""
    if one == other:
        return 1.0
    if isinstance(one, str) and isinstance(other, str):
        return 0.9 * _common_prefix_length(one, other) / max(len(one), len(other), 1)
    if depth == 0:
        return 0.0
    if isinstance(one, dict) and isinstance(other, dict):
        names = one.keys() | other.keys()
        shared = sum(likeness(one.get(name, ABSENT), other.get(name, ABSENT), depth - 1) for name in names)
        return 0.9 * shared / len(names)
    if isinstance(one, list) and isinstance(other, list):
        shared = sum(likeness(a, b, depth - 1) for a, b in zip(one, other, strict=False))
        return 0.9 * shared / max(len(one), len(other))
    return 0.0


def _common_prefix_length(one: str, other: str) -> int:
    if one[: len(other)] == other or other[: len(one)] == one:
        return min(len(one), len(other))
    low, high = 0, min(len(one), len(other))
    while low < high:  # a binary search: slices are compared faster than single characters
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def differences(stored: Any, requested: Any, pointer: str = "") -> Iterator[Difference]:
    """Yield the places where two JSON values differ, in the order of the requested one. ``pointer``: their place in the body."""
    if isinstance(stored, dict) and isinstance(requested, dict):
        for name in [*requested, *(name for name in stored if name not in requested)]:
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            yield from differences(stored.get(name, ABSENT), requested.get(name, ABSENT), step)
    elif isinstance(stored, list) and isinstance(requested, list):
        for index in range(max(len(stored), len(requested))):
            one = stored[index] if index < len(stored) else ABSENT
            other = requested[index] if index < len(requested) else ABSENT
            yield from differences(one, other, f"{pointer}/{index}")
    elif stored != requested or (type(stored) is bool) != (type(requested) is bool):
        yield difference(pointer or "/", stored, requested)


def part_difference(name: str, stored: str, requested: str) -> Difference:
    """Return the difference of a part outside the body, in full but for secrets."""
    return Difference(DEFAULT.text(name), DEFAULT.text(stored), DEFAULT.text(requested))


def difference(pointer: str, stored: Any, requested: Any) -> Difference:
    """Return the difference of two values at one place, shortened to where it begins, without secrets."""
    shown_pointer, secret = DEFAULT.text(pointer), _is_secret(pointer, stored) or _is_secret(pointer, requested)
    if isinstance(stored, str) and isinstance(requested, str):
        start = _common_prefix_length(stored, requested)
        hint = _hint(shown_pointer, stored, requested, start)
        if secret:
            return Difference(shown_pointer, REDACTED, REDACTED, hint)
        begin = max(0, start - REDACTED_AROUND)
        one, other = (DEFAULT.text(text[begin : start + REDACTED_AROUND]) for text in (stored, requested))
        start = _common_prefix_length(one, other)
        return Difference(shown_pointer, _window(one, start, begin), _window(other, start, begin), hint)
    return Difference(shown_pointer, _shown(stored, secret), _shown(requested, secret), None)


def _is_secret(pointer: str, value: Any) -> bool:
    """Return whether the pointer leads to a member with a secret name, or to an item or ``value`` directly below one."""
    *_, above, last = ["", *pointer.split("/")]
    return DEFAULT.is_secret_member(last, value if isinstance(value, str) else "") or (
        (last.isdigit() or last == "value") and DEFAULT.is_secret(above)
    )


def _shown(value: Any, secret: bool) -> str:
    if value is ABSENT:
        return "absent"
    if secret and isinstance(value, str):
        return REDACTED
    if isinstance(value, str):
        value = DEFAULT.text(value[:REDACTED_AROUND])
    text = repr(value) if not isinstance(value, (dict, list)) else type(value).__name__ + f" of {len(value)}"
    return shortened(text, SHOWN)


def _window(text: str, start: int, before: int) -> str:
    """Return the text around ``start``, where the difference begins. ``before``: how many characters were cut off the front already."""
    begin = max(0, start - 20)
    part = text[begin : begin + SHOWN]
    shown = ("..." if begin or before else "") + part + ("..." if begin + SHOWN < len(text) else "")
    return '"' + shown.replace("\n", "\\n") + '"'


def _hint(pointer: str, stored: str, requested: str, start: int) -> str | None:
    """Return what looks volatile at this place, with the option that leaves it out, or None."""
    for name, pattern in VOLATILE:
        if all(any(found.start() <= start <= found.end() for found in pattern.finditer(text)) for text in (requested, stored)):
            if pattern.fullmatch(requested) and pattern.fullmatch(stored):
                return f'looks like {name}: KeyOptions(ignore_body=("{pointer}",)) leaves it out'
            return f"looks like {name}: KeyOptions(normalize=...) can take it out"
    return None
