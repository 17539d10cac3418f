"""How is JSON parsed that holds an image or a recording? Its long strings are cut out first, and put back as they are.

jiter before 0.17, which other packages pin, takes 0.6 ms for each megabyte of a string: more than all else that a hit takes. Where such a
string begins and ends, and that nothing in it is escaped, is found ten times as fast.
"""

from __future__ import annotations

from typing import Any

import jiter

__all__ = ["LONG", "STRICT_JSON", "parse_large"]

LONG = 64 * 1024  # bytes of a string that is worth it
MOST_OF_THE_REST = 64 * 1024  # bytes; of more, looking for the places takes longer than it saves

# Prompts stay out of jiter's string cache, which would keep them in memory for the life of the process.
STRICT_JSON: dict[str, Any] = {"allow_inf_nan": False, "catch_duplicate_keys": True, "cache_mode": "keys"}

# A control character, which begins what stands for a string that was cut out. No text has it, but it may: as it is, or escaped.
_MARK = b"\x7f"
_ESCAPED_MARK = b"\\u007f"


def parse_large(content: bytes) -> Any:
    """Return the value of JSON; ``ValueError`` if it is none, has duplicate members, or a number that is none.

    That a string of ``LONG`` bytes or more holds a control character, which JSON forbids, may go unnoticed.
    """
    if spans := _long_strings(content):
        rest = _without(content, spans)
        has_own = rest.count(_MARK) != len(spans) or _ESCAPED_MARK in rest.lower()
        if not has_own and len(rest) <= MOST_OF_THE_REST:
            try:
                return _Filler(content, spans).filled(jiter.from_json(rest, **STRICT_JSON))
            except ValueError:  # what was cut was no whole string, or is not ASCII; or the body is no JSON
                pass
    return jiter.from_json(content, **STRICT_JSON)


def _long_strings(content: bytes) -> list[tuple[int, int]]:
    """Return where text without quotes and escapes begins and ends, a quote before it and one after it: long strings, most likely.

    What else it may be, such as numbers between two strings, leaves no JSON where it is cut out.
    """
    spans = []
    look_at = LONG
    while (end := content.find(b'"', look_at)) != -1:
        start = content.rfind(b'"', 0, look_at)
        if end - start > LONG and content.find(b"\\", start, end) == -1:
            spans.append((start + 1, end))
        look_at = end + LONG
    return spans


def _without(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Return the content with a mark in the place of each span."""
    parts, end = [], 0
    for number, (start, following) in enumerate(spans):
        parts += [content[end:start], _mark(number)]
        end = following
    return b"".join([*parts, content[end:]])


def _mark(number: int) -> bytes:
    return _MARK + b"%d" % number


class _Filler:
    """Puts the strings back that were cut out of ``content``. ``ValueError`` if one has no place, or is not ASCII."""

    def __init__(self, content: bytes, spans: list[tuple[int, int]]) -> None:
        self._content = memoryview(content)
        self._places = {_mark(number).decode(): slice(*span) for number, span in enumerate(spans)}

    def filled(self, value: Any) -> Any:
        """Return the value with the strings in their places."""
        value = self._fill(value)
        if self._places:  # a mark is part of a string, or the name of a member
            raise ValueError
        return value

    def _fill(self, value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            for name, item in value.items():
                value[name] = self._fill(item)
        elif kind is list:
            value[:] = map(self._fill, value)
        elif kind is str and (place := self._places.pop(value, None)) is not None:
            return str(self._content[place], "ascii")
        return value
