"""Parsing of numbers in addresses, which anybody can write: digits of other scripts, or thousands of digits, are rejected."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["page_number", "whole_number"]

DIGITS = 9


def whole_number(text: str) -> int | None:
    """Return the text as a number of at most nine digits; None if it is anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None


def page_number(query: Mapping[str, str]) -> int:
    """Return the page number in an address, from 1; by default the first."""
    return max(1, whole_number(query.get("page", "")) or 1)
