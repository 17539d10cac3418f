"""Text from outside (entries, files, providers) made safe for a terminal."""

from __future__ import annotations

import re

__all__ = ["one_line", "terminal_safe"]

# What controls a terminal or changes the order of text (C0, C1, line and paragraph separators; directional marks, embeddings, overrides
# and isolates), and lone surrogates, which cannot be printed at all (file names that are not UTF-8 contain them).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def terminal_safe(text: str) -> str:
    """Return the text with control characters, except tabs and line ends, and directional characters replaced."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a name from outside (of a file, a model, a call) made safe like ``terminal_safe``, and on one line."""
    return terminal_safe(text.replace("\n", "\ufffd").replace("\t", " "))
