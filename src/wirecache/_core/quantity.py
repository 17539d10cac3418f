"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["quantity"]


def quantity(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 entry``, ``2 entries``. ``plural``: by default the singular with an s."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
