"""Which number is in an address? Anybody can write one: digits of other scripts, and thousands of them, are none."""

from __future__ import annotations

__all__ = ["whole_number"]

DIGITS = 9


def whole_number(text: str) -> int | None:
    """Return the number of at most nine digits that the text is; None if it is anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
