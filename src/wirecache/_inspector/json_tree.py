"""A JSON value as a tree in HTML, whose objects and lists can be folded without a script."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup, escape

from wirecache._core.quantity import quantity
from wirecache._inspector.safe_text import is_base64, visible
from wirecache._views.formats import format_size

__all__ = ["json_tree"]

MAX_NODES = 3000  # values of one tree
MAX_TEXT = 2000  # characters of one text
MAX_DEPTH = 40
OPEN_DEPTH = 3  # levels that are unfolded
OPEN_ITEMS = 40  # an object or list of more items is folded


def json_tree(value: Any) -> Markup:
    """Return the tree of a JSON value. What exceeds the limits is left out, with a note."""
    tree = _Tree()
    html = tree.node(value, 0)
    rest = Markup('<p class="note">The tree shows the first {:,} values; the raw body has them all.</p>').format(MAX_NODES)
    return Markup('<div class="json">{}</div>{}').format(html, rest if tree.is_cut else "")


class _Tree:
    """Counts what is shown."""

    def __init__(self) -> None:
        self.shown = 0
        self.is_cut = False

    def node(self, value: Any, depth: int) -> Markup:
        """Return the HTML of a value."""
        if isinstance(value, (dict, list)) and value:
            return self._branch(value, depth)
        return _leaf(value)

    def _branch(self, value: dict[str, Any] | list[Any], depth: int) -> Markup:
        is_object = isinstance(value, dict)
        brackets = "{}" if is_object else "[]"
        size = quantity(len(value), "member" if is_object else "item")
        is_open = " open" if depth < OPEN_DEPTH and len(value) <= OPEN_ITEMS else ""
        items = []
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            if self.shown >= MAX_NODES or depth >= MAX_DEPTH:
                self.is_cut = True
                break
            self.shown += 1
            items.append(
                Markup('<li><span class="{}">{}</span> {}</li>').format(_class(name), visible(str(name)), self.node(item, depth + 1))
            )
        return Markup('<details{}><summary>{} <span class="size">{}</span></summary><ul>{}</ul></details>').format(
            Markup(is_open), brackets, size, Markup("").join(items)
        )


def _class(name: str | int) -> str:
    return "name" if isinstance(name, str) else "index"


def _leaf(value: Any) -> Markup:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (dict, list)):
        return Markup('<span class="size">{}</span>').format("{}" if isinstance(value, dict) else "[]")
    return Markup('<span class="{}">{}</span>').format("number" if type(value) in (int, float) else "word", escape(json.dumps(value)))


def _text(value: str) -> Markup:
    prefix, comma, _data = value[:100].partition(";base64,")
    if is_base64(value) or (comma and is_base64(value[len(prefix) + len(comma) :][:4000])):
        kind = f"{prefix.removeprefix('data:')}, " if comma else ""
        return Markup('<span class="size">{}base64, {}</span>').format(visible(kind), format_size(len(value) * 3 / 4))
    shown = visible(value[:MAX_TEXT])
    rest = Markup(' <span class="size">{:,} more characters</span>').format(len(value) - MAX_TEXT) if len(value) > MAX_TEXT else ""
    return Markup('<span class="string" dir="auto">{}</span>{}').format(shown, rest)
