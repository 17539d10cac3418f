"""Reads a file's JSON, but leaves the JSON of bodies as text, so that its tokens stay as recorded.

The standard library's scanner does the work; only members on the path to a body are parsed here.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

__all__ = ["STRICT_DECODER", "Raw", "RawPaths", "read_json"]


class Raw(str):
    """The text of a JSON value, as in the file."""

    __slots__ = ()


# Which values become ``Raw``: this one, some members of an object, or parts of each item of a list; None: no value within.
RawPaths: TypeAlias = "type[Raw] | dict[str, RawPaths] | list[RawPaths] | None"


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


STRICT_DECODER = json.JSONDecoder(parse_constant=_reject_constant)  # without NaN and Infinity
_match_space = re.compile(r"[ \t\n\r]*").match


def read_json(text: str, raw: RawPaths) -> Any:
    """Return the document with ``Raw`` text at these paths.

    Raises ``JSONDecodeError`` with the position of the error, or ``ValueError`` for NaN and Infinity.
    """
    value, end = _value(text, _skip_space(text, 0), raw)
    if _skip_space(text, end) != len(text):
        _fail("Extra data", text, _skip_space(text, end))
    return value


def _fail(reason: str, text: str, at: int) -> NoReturn:
    raise json.JSONDecodeError(reason, text, at)


def _skip_space(text: str, at: int) -> int:
    found = _match_space(text, at)
    return found.end() if found else at


def _value(text: str, at: int, raw: RawPaths) -> tuple[Any, int]:
    first = text[at : at + 1]
    if isinstance(raw, dict) and first == "{":
        return _object(text, at, raw)
    if isinstance(raw, list) and first == "[":
        return _list(text, at, raw[0])
    value, end = STRICT_DECODER.raw_decode(text, at)
    return (Raw(text[at:end]) if raw is Raw else value), end


def _object(text: str, at: int, raw: dict[str, RawPaths]) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _skip_space(text, at + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            _fail("Expecting a name in double quotes", text, at)
        name, at = STRICT_DECODER.raw_decode(text, at)
        at = _skip_space(text, at)
        if text[at : at + 1] != ":":
            _fail("Expecting ':'", text, at)
        found[name], at = _value(text, _skip_space(text, at + 1), raw.get(name))
        at = _skip_space(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        if text[at : at + 1] != ",":
            _fail("Expecting ',' or '}'", text, at)
        at = _skip_space(text, at + 1)


def _list(text: str, at: int, raw: RawPaths) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _skip_space(text, at + 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        item, at = _value(text, at, raw)
        found.append(item)
        at = _skip_space(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        if text[at : at + 1] != ",":
            _fail("Expecting ',' or ']'", text, at)
        at = _skip_space(text, at + 1)
