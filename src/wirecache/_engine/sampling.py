"""Which draw of a prompt is this call? In a block of samples, equal requests are numbered in the order in which they come."""

from __future__ import annotations

from collections import defaultdict

from wirecache._runtime.forks import ModuleLock

__all__ = ["BLOCKS", "Samples"]

_lock = ModuleLock()


class Samples:
    """The numbers that the equal requests of one block have."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, set[int]] = defaultdict(set)

    def take(self, key: str) -> int:
        """Return the lowest number that no equal request has. ``key``: that of the request, as if it were the first."""
        with _lock:
            taken = self._taken[key]
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(number)
            return number

    def give_back(self, key: str, number: int) -> None:
        """Let the next equal request have the number: this one was not answered, and will be repeated."""
        with _lock:
            self._taken[key].discard(number)


BLOCKS: list[Samples] = []  # the blocks that are entered, the innermost last; they hold for all threads
