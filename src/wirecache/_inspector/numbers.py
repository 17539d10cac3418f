"""How is a number in an address parsed? Anybody can write one: digits of other scripts, or thousands of them, are not accepted."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["page_number", "whole_number"]

DIGITS = 9


def whole_number(text: str) -> int | None:
    """Return the number of at most nine digits that the text is; None if it is anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None


def page_number(query: Mapping[str, str]) -> int:
    """Return the page that an address names, from 1; the first where it names none."""
    return max(1, whole_number(query.get("page", "")) or 1)
