"""Shortening of long texts."""

from __future__ import annotations

__all__ = ["shortened"]


def shortened(text: str, longest: int) -> str:
    """Return the text, or the beginning of one that has more characters than ``longest``."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
