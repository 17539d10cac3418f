"""How do concurrent equal requests share one forward, within a process and among all processes on a store?

The first one leads, the others follow. If the leader's answer is not stored, each follower at once forwards its own request: none waits
for a second leader. Across processes the leader holds a lease in the shared store.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from wirecache._core.flows.effects import AcquireLease, Claim, Effect, Follow, Lease, Lookup, Turn, Wait
from wirecache._core.messages import Entry

__all__ = ["CollapseTimeout", "claim_or_follow", "collapse_timeout", "longest_wait"]

MAX_WAIT = 600.0  # seconds that a caller without a read timeout waits for the leader's answer
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1  # seconds between two looks for another process's answer


class CollapseTimeout(Exception):
    """The leader's answer did not come within the caller's own read timeout."""


def claim_or_follow(key: str, stale: Entry | None, read_timeout: float | None, *, shared: bool) -> Generator[Effect, Any, Entry | None]:
    """Return the entry that another call stored meanwhile, or None if the caller is to forward the request itself.

    ``stale``: the entry that is stored already and may not answer; only a newer one may. ``read_timeout``: how many seconds the caller
    waits. ``shared``: coordinate with all processes on the store. Raises ``CollapseTimeout``.
    """
    seconds = longest_wait(read_timeout)
    turn: Turn = yield Claim(key)
    if turn is Turn.FOLLOW:
        try:
            stored: bool = yield Follow(key, seconds)
        except TimeoutError:
            raise collapse_timeout(seconds) from None
        return (yield Lookup(key)) if stored else None
    if turn is not Turn.ALONE and shared:
        return (yield from _lease_or_wait(key, stale, seconds))
    return (yield Lookup(key)) if turn is Turn.LOOK_AGAIN else None


def _lease_or_wait(key: str, stale: Entry | None, seconds: float) -> Generator[Effect, Any, Entry | None]:
    """Return what another process stored meanwhile, or None as soon as this process may forward."""
    pause, waited = FIRST_PAUSE, 0.0
    while (lease := (yield AcquireLease(key))) is Lease.BUSY:
        if waited > seconds:
            raise collapse_timeout(seconds)
        yield Wait(pause)
        waited, pause = waited + pause, min(pause * 1.5, LONGEST_PAUSE)
        if (entry := _newer((yield Lookup(key)), stale)) is not None:
            return entry
    if lease is Lease.REFUSED:
        return None
    return _newer((yield Lookup(key)), stale)  # it may have been stored between the caller's first look and now


def _newer(entry: Entry | None, stale: Entry | None) -> Entry | None:
    return None if entry is None or (stale is not None and entry.stored_at == stale.stored_at) else entry


def longest_wait(read_timeout: float | None) -> float:
    """Return how many seconds a caller waits for the leader's answer."""
    return MAX_WAIT if read_timeout is None else min(read_timeout, MAX_WAIT)


def collapse_timeout(seconds: float) -> CollapseTimeout:
    """Return the error for a caller that has waited that long."""
    return CollapseTimeout(f"no answer within {seconds:g} s to an equal request that was sent before this one (wirecache collapses them)")
