"""How is text from outside (entries, files, providers) shown in a terminal? Without what would steer it."""

from __future__ import annotations

import re

__all__ = ["one_line", "terminal_safe"]

# What steers a terminal or changes the order in which text is shown (C0, C1, line and paragraph separators, marks, embeddings, overrides
# and isolates of direction), and halves of surrogate pairs, which cannot be printed at all (file names that are not UTF-8 have some).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def terminal_safe(text: str) -> str:
    """Return the text with its control characters and changes of direction replaced, but for tabs and line ends."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a name from outside (of a file, a model, a call) as ``terminal_safe`` does, on one line: it adds no line of its own."""
    return terminal_safe(text.replace("\n", "\ufffd").replace("\t", " "))
