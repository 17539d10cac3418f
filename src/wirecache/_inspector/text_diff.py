"""Where do two texts differ? Word by word, or line by line where that is too much, as HTML with ``ins`` and ``del``."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from markupsafe import Markup

from wirecache._inspector.safe_text import visible

__all__ = ["line_diff", "pretty", "word_diff"]

MAX_WORDS = 3000  # of both texts together, that are compared word by word
MAX_LINES = 6000
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def word_diff(before: str, after: str) -> Markup:
    """Return the texts as one, with what was removed and added marked; large ones are compared line by line."""
    if before == after:
        return Markup('<div class="text-diff" dir="auto">{}</div>').format(visible(before[:20_000]))
    old, new = _WORD.findall(before), _WORD.findall(after)
    if len(old) + len(new) > MAX_WORDS:
        return line_diff(before, after)
    parts = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(visible("".join(old[i1:i2])))
            continue
        if i2 > i1:
            parts.append(Markup("<del>{}</del>").format(visible("".join(old[i1:i2]))))
        if j2 > j1:
            parts.append(Markup("<ins>{}</ins>").format(visible("".join(new[j1:j2]))))
    return Markup('<div class="text-diff" dir="auto">{}</div>').format(Markup("").join(parts))


def line_diff(before: str, after: str) -> Markup:
    """Return the changed lines with some around them; empty if there are none."""
    old, new = before.splitlines()[:MAX_LINES], after.splitlines()[:MAX_LINES]
    lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    shown = [Markup('<div class="{}">{}</div>').format(_class(line), visible(line[:2000])) for line in lines[:MAX_LINES]]
    return Markup('<div class="line-diff" tabindex="0">{}</div>').format(Markup("").join(shown)) if shown else Markup("")


def _class(line: str) -> str:
    return {"+": "add", "-": "cut", "@": "at"}.get(line[:1], "same")


def pretty(body: bytes | memoryview) -> str:
    """Return a body as text: JSON with a member on each line, anything else as it is."""
    text = bytes(body).decode("utf-8", "replace")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return text
