"""Writes a file's JSON for people: indented by two spaces, one member per line, except that what belongs together is on one line."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeAlias

from wirecache.cassette._json_layout import readable

__all__ = ["Inline", "Node", "Tokens", "document_text"]

Node: TypeAlias = dict[str, Any]


class Tokens(str):
    """JSON text whose tokens are written unchanged."""

    __slots__ = ()


class Inline(NamedTuple):
    """An object or a list that is written on one line."""

    value: Any


def document_text(node: Node) -> str:
    """Return the text of a file, ending with a line feed."""
    return _value(node, 0) + "\n"


def _value(value: Any, level: int) -> str:
    if isinstance(value, Tokens):
        return readable(value, level)
    if isinstance(value, Inline):
        return _inline(value.value)
    indent = "\n" + "  " * (level + 1)
    if isinstance(value, dict) and value:
        members = (f"{_scalar(name)}: {_value(item, level + 1)}" for name, item in value.items())
        return "{" + indent + f",{indent}".join(members) + indent[:-2] + "}"
    if isinstance(value, list) and value:
        return "[" + indent + f",{indent}".join(_value(item, level + 1) for item in value) + indent[:-2] + "]"
    return _scalar(value)


def _inline(value: Any) -> str:
    if isinstance(value, Tokens):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(name)}: {_inline(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text) else json.dumps(value)
