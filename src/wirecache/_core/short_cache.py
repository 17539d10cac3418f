"""How is a function cached whose argument comes from outside? So that its memory is bounded: what is long is never kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

__all__ = ["LONGEST", "cached_if_short"]

Text = TypeVar("Text", str, bytes)
T = TypeVar("T")

LONGEST = 512  # characters or bytes; the results of 4,096 calls take 2 MB at most


def cached_if_short(most: int) -> Callable[[Callable[[Text], T]], Callable[[Text], T]]:
    """Return a decorator that keeps the ``most`` latest results of a function of one text. That of a long text is computed each time."""

    def decorate(function: Callable[[Text], T]) -> Callable[[Text], T]:
        cached = lru_cache(maxsize=most)(function)

        @wraps(function)
        def call(text: Text) -> T:
            return cached(text) if len(text) <= LONGEST else function(text)

        return call

    return decorate
