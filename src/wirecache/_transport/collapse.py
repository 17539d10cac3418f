"""How does a call come to lead the forward of its key, or to the answer of whoever leads? A small flow, under either driver."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, assert_never

from wirecache._caches.cache import Cache
from wirecache._core.messages import Entry
from wirecache._storage.leases import Add, Look, Peek, Wait
from wirecache._storage.single_flight import Pending, here

if TYPE_CHECKING:
    from wirecache._transport.requests import Call

__all__ = ["Follow", "aperform", "claim", "perform"]


class Follow(NamedTuple):
    """Wait for a leader of this process. Answered with whether its answer is stored; ``TimeoutError`` after ``seconds``."""

    pending: Pending
    seconds: float


Turn: TypeAlias = Follow | Look | Add | Peek | Wait


def claim(call: Call, key: str, than: float | None) -> Generator[Turn, Any, Entry | None]:
    """The answer that another call stored meanwhile; None: this one forwards. ``than``: when the entry that is too old was stored."""
    cache = call.cache
    joined = cache.claims.join(key)
    try:
        if isinstance(joined, Pending):
            if joined.waits_for_itself(here()) or not (yield Follow(joined, call.patience)):
                return None
            found: Entry | None = yield Look(key)
            return found
        call.lead = joined
        if (leases := cache.leases) is not None:
            joined.then = lambda stored: cache.shelf.after_writes(lambda: leases.release(key, stored))
            return (yield from leases.acquire(key, than, call.patience))
        found = (yield Look(key)) if cache.claims.stored != call.stored else None
        return found
    except TimeoutError:
        raise call.too_late() from None


def perform(cache: Cache, turn: Turn) -> Any:
    """One turn, for a sync caller."""
    match turn:
        case Follow(pending, seconds):
            return pending.wait(seconds)
        case Look(key):
            return cache.look_up(key)
        case Add() | Peek():
            assert cache.leases is not None
            return cache.shelf.lease_turn(cache.leases, turn)
        case Wait(seconds):
            return time.sleep(seconds)
        case _:
            assert_never(turn)


async def aperform(cache: Cache, turn: Turn) -> Any:
    """One turn, on an event loop."""
    match turn:
        case Follow(pending, seconds):
            return await pending.await_it(seconds)
        case Look(key):
            return await cache.alook_up(key)
        case Add() | Peek():
            from anyio.to_thread import run_sync

            assert cache.leases is not None
            return await run_sync(cache.shelf.lease_turn, cache.leases, turn)
        case Wait(seconds):
            from anyio import sleep

            return await sleep(seconds)
        case _:
            assert_never(turn)
