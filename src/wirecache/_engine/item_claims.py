"""Which items does a call request itself, and which are already being requested by other calls of this process?

It leads those that nobody sends for yet, and follows the others. A call waits for others only when it has settled what it leads, so that
no two of them wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from wirecache._core.flows.effects import Turn
from wirecache._storage.single_flight import InFlight, Leader, SingleFlight

__all__ = ["ItemClaims"]


class ItemClaims:
    """The forwards that one call leads, and those that it follows. ``stored_before``: ``flights.stored`` when the call began."""

    def __init__(self, flights: SingleFlight | None, stored_before: int) -> None:
        self._flights = flights
        self._stored_before = stored_before
        self._leaders: dict[str, Leader] = {}
        self._followed: list[InFlight] = []
        self.on_settled: Callable[[bool], object] | None = None  # as a leader has it; nothing holds a lease for items

    def claim(self, keys: Sequence[str], *, is_sync: bool) -> list[Turn]:
        """Claim the forwards of these keys. Return the part that the call has for each. ``is_sync``: whoever follows blocks its thread."""
        flights = self._flights
        return [Turn.ALONE if flights is None else self._turn(flights, key, is_sync) for key in keys]

    def _turn(self, flights: SingleFlight, key: str, is_sync: bool) -> Turn:
        joined = flights.join(key)
        if isinstance(joined, Leader):
            self._leaders[key] = joined
            return Turn.LEAD if flights.stored == self._stored_before else Turn.LOOK_AGAIN
        if joined.waits_for_this_caller(is_sync=is_sync):
            return Turn.ALONE
        self._followed.append(joined)
        return Turn.FOLLOW

    def settle(self, stored: bool) -> None:
        """Let all go on that still follow: no more answers come."""
        self.settle_items(list(self._leaders), stored)

    def settle_items(self, keys: Iterable[str], stored: bool) -> None:
        """Let those go on that follow these keys: their answers are stored, or will not be."""
        for key in keys:
            if (leader := self._leaders.pop(key, None)) is not None:
                leader.settle(stored)

    def wait(self, seconds: float) -> None:
        """Wait for all that the call follows. ``TimeoutError`` after ``seconds``."""
        deadline = time.monotonic() + seconds
        for in_flight in self._followed:
            in_flight.wait(max(0.0, deadline - time.monotonic()))

    async def await_(self, seconds: float) -> None:
        """Wait under asyncio or trio."""
        from anyio import fail_after

        with fail_after(seconds):
            for in_flight in self._followed:
                await in_flight.await_(seconds)
