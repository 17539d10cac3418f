"""What does a cassette's file say, with the JSON of bodies left in its own tokens?

The standard library's scanner walks the file; only along the members that lead to a body is it taken apart here.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

__all__ = ["Raw", "Wanted", "read_raw"]


class Raw(str):
    """The text of a JSON value, as it stands in the file."""

    __slots__ = ()


# What is to be left as it is: ``Raw`` for a value, else the members of an object, or the items of a list.
Wanted: TypeAlias = "type[Raw] | dict[str, Wanted] | list[Wanted] | None"


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_constant=_no_json).raw_decode
_skip = re.compile(r"[ \t\n\r]*").match


def read_raw(text: str, wanted: Wanted) -> Any:
    """The document, with ``Raw`` in place of the wanted values; ``ValueError`` (``JSONDecodeError`` with its place) if it is no JSON."""
    value, end = _value(text, _after(text, 0), wanted)
    if _after(text, end) != len(text):
        _fail("Extra data", text, _after(text, end))
    return value


def _fail(why: str, text: str, at: int) -> NoReturn:
    raise json.JSONDecodeError(why, text, at)


def _after(text: str, at: int) -> int:
    found = _skip(text, at)
    return found.end() if found else at


def _value(text: str, at: int, wanted: Wanted) -> tuple[Any, int]:
    first = text[at : at + 1]
    if isinstance(wanted, dict) and first == "{":
        return _object(text, at, wanted)
    if isinstance(wanted, list) and first == "[":
        return _list(text, at, wanted[0])
    value, end = _decode(text, at)
    return (Raw(text[at:end]) if wanted is Raw else value), end


def _object(text: str, at: int, wanted: dict[str, Wanted]) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _after(text, at + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            _fail("Expecting a name in double quotes", text, at)
        name, at = _decode(text, at)
        at = _after(text, at)
        if text[at : at + 1] != ":":
            _fail("Expecting ':'", text, at)
        found[name], at = _value(text, _after(text, at + 1), wanted.get(name))
        at = _after(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        if text[at : at + 1] != ",":
            _fail("Expecting ',' or '}'", text, at)
        at = _after(text, at + 1)


def _list(text: str, at: int, wanted: Wanted) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _after(text, at + 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        item, at = _value(text, at, wanted)
        found.append(item)
        at = _after(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        if text[at : at + 1] != ",":
            _fail("Expecting ',' or ']'", text, at)
        at = _after(text, at + 1)
