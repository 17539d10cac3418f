"""Memoisation of functions whose argument comes from outside: only for short arguments, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["LONGEST", "cached_if_short"]

K = TypeVar("K")
T = TypeVar("T")

LONGEST = 512  # characters or bytes; the results of 4,096 calls take 2 MB at most


class _Results(dict[Any, Any]):
    """The results of a function by argument. A dict, so that cached results are found without a Python call, for speed."""

    __slots__ = ("_function", "_longest", "_most", "_size")

    def __init__(self, function: Callable[[Any], Any], most: int, size: Callable[[Any], int], longest: int) -> None:
        super().__init__()
        self._function, self._most, self._size, self._longest = function, most, size, longest

    def __missing__(self, key: Any) -> Any:
        result = self._function(key)
        if self._size(key) <= self._longest:
            if len(self) >= self._most:
                self.clear()  # atomic, so that no lock is needed; what is in use is soon cached again
            self[key] = result
        return result


def cached_if_short(most: int, size: Callable[[Any], int] = len, longest: int = LONGEST) -> Callable[[Callable[[K], T]], Callable[[K], T]]:
    """Return a decorator that caches up to ``most`` results of a function of one argument, except for long arguments.

    ``size``: returns the length of the argument, in characters or bytes; a tuple needs a function of its own.
    """

    def decorate(function: Callable[[K], T]) -> Callable[[K], T]:
        return _Results(function, most, size, longest).__getitem__

    return decorate
