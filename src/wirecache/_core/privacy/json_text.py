"""The strings in a JSON text and their values, for a search that leaves every other character unchanged.

A text may be truncated or broken: it is read as far as possible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["JSON_TOKEN", "JsonStrings", "character_starts", "is_json", "strings_and_names", "unescaped", "with_plain_escapes"]

# A string (its content, its closing quote, which a truncated text lacks, and the colon that makes it a name) or a bracket.
JSON_TOKEN = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)("?)(\s*+:)?|[{}\[\],]', re.DOTALL)
_CHARACTER = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_NEEDLESS_ESCAPE = re.compile(r"\\(?:u00([2-7][0-9a-fA-F])|/)")  # escapes that JSON does not need, which may hide an anchor or a name


class JsonStrings(NamedTuple):
    """The texts in a JSON value: all its ``strings``, names included, and the ``names`` of its members."""

    strings: list[str]
    names: set[str]


def strings_and_names(value: Any) -> JsonStrings:
    """Return all strings of a parsed JSON value, and the names of its members, at any depth."""
    strings: list[str] = []
    names: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            strings.append(item)
        elif isinstance(item, dict):
            names.update(item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return JsonStrings([*strings, *names], names)


def is_json(text: str) -> bool:
    """Return whether the text is a JSON document; one nested too deeply for the parser counts as one."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def unescaped(content: str) -> str:
    """Return the content of a JSON string without escapes; the argument itself if it has none, or invalid ones."""
    if "\\" not in content:
        return content
    try:
        text: str = json.loads(f'"{content}"', strict=False)
    except ValueError:
        return content
    return text


def character_starts(content: str) -> Sequence[int]:
    """Return where each character of ``unescaped(content)`` begins in ``content``, and last where the content ends."""
    if unescaped(content) is content:
        return range(len(content) + 1)
    return [*(character.start() for character in _CHARACTER.finditer(content)), len(content)]


def with_plain_escapes(text: str) -> str:
    """Return the text with needlessly escaped ASCII characters unescaped; for a cheap search, as it may no longer be JSON."""
    return _NEEDLESS_ESCAPE.sub(lambda escape: chr(int(escape[1] or "2f", 16)), text) if "\\" in text else text
