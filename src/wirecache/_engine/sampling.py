"""The sample numbers of calls: within a ``samples()`` block, equal requests are numbered in the order in which they come."""

from __future__ import annotations

from collections import defaultdict

from wirecache._runtime.forks import ModuleLock

__all__ = ["BLOCKS", "Samples"]

_lock = ModuleLock()


class Samples:
    """The sample numbers in use within one block, per key."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, set[int]] = defaultdict(set)

    def take(self, key: str) -> int:
        """Return the lowest number that no equal request has. ``key``: the request's key without a sample number."""
        with _lock:
            taken = self._taken[key]
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(number)
            return number

    def give_back(self, key: str, number: int) -> None:
        """Free the number for the next equal request: this one was not answered and will be retried."""
        with _lock:
            self._taken[key].discard(number)


BLOCKS: list[Samples] = []  # the active blocks, the innermost last; shared by all threads
