"""Which items does a call request itself, and which are already being requested by other calls of this process?

A call leads the items that no other call is requesting yet, and follows the others. It waits for others only once it has settled what it
leads, so that no two calls wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from wirecache._core.flows.effects import Turn
from wirecache._storage.single_flight import InFlight, Leader, SingleFlight

__all__ = ["ItemClaims"]


class ItemClaims:
    """The items that one call leads, and those that it follows. ``stored_before``: ``flights.stored`` when the call began."""

    def __init__(self, flights: SingleFlight | None, stored_before: int) -> None:
        self._flights = flights
        self._stored_before = stored_before
        self._leaders: dict[str, Leader] = {}
        self._followed: list[InFlight] = []
        self.on_settled: Callable[[bool], object] | None = None  # part of a leader's interface; items have no leases

    def claim(self, keys: Sequence[str], *, is_sync: bool) -> list[Turn]:
        """Claim the right to forward these keys and return the turn for each. ``is_sync``: a follower would block its thread."""
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
        """Release all remaining followers: no more answers come."""
        self.settle_items(list(self._leaders), stored)

    def settle_items(self, keys: Iterable[str], stored: bool) -> None:
        """Release the followers of these keys, with whether their answers are stored."""
        for key in keys:
            if (leader := self._leaders.pop(key, None)) is not None:
                leader.settle(stored)

    def wait(self, seconds: float) -> None:
        """Wait for all items that the call follows. Raises ``TimeoutError`` after ``seconds``."""
        deadline = time.monotonic() + seconds
        for in_flight in self._followed:
            in_flight.wait(max(0.0, deadline - time.monotonic()))

    async def await_(self, seconds: float) -> None:
        """Wait as ``wait`` does, under asyncio or trio."""
        from anyio import fail_after

        with fail_after(seconds):
            for in_flight in self._followed:
                await in_flight.await_(seconds)
