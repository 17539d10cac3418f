"""The performing of the effects of requests that are looked up item by item, for sync callers and for event loops."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, assert_never

from wirecache._core.flows.effects import ClaimItems, Compute, FollowItems, KeepItems, LookupItems, ReadAnswer, Turn
from wirecache._core.messages import Entry
from wirecache._engine.item_claims import ItemClaims
from wirecache._transport.library import Library
from wirecache._transport.responses import unread

__all__ = ["aperform_for_items", "perform_for_items"]

ItemEffect: TypeAlias = Compute | LookupItems | ClaimItems | FollowItems | ReadAnswer | KeepItems


class _Call(Protocol):
    """A request on its way through the engine."""

    engine: Any
    exchange: Any
    leader: Any
    started: float
    stored_before: int


class _Exchange(Protocol):
    """A call, and the response from upstream."""

    @property
    def call(self) -> _Call: ...

    library: Library
    upstream: Any


def perform_for_items(exchange: _Exchange, effect: ItemEffect) -> Any:
    """Perform one effect."""
    call = exchange.call
    match effect:
        case Compute():
            return {}
        case LookupItems(keys):
            return call.engine.source.look_up_items(keys)
        case ClaimItems(keys):
            return _claimed(call, keys, is_sync=True)
        case FollowItems(seconds):
            return call.leader.wait(seconds)
        case ReadAnswer():
            return _answer(exchange)
        case KeepItems(entries):
            reason = _kept(call, entries)
            call.engine.source.flush_if_cheap(time.perf_counter() - call.started)
            return reason
        case _:
            assert_never(effect)


async def aperform_for_items(exchange: _Exchange, effect: ItemEffect) -> Any:
    """Perform one effect on an event loop."""
    call = exchange.call
    match effect:
        case Compute():
            return {}
        case LookupItems(keys):
            from wirecache._runtime.beside_loop import run_beside_loop

            return await run_beside_loop(call.engine.source.look_up_items, keys)
        case ClaimItems(keys):
            return _claimed(call, keys, is_sync=False)
        case FollowItems(seconds):
            return await call.leader.await_(seconds)
        case ReadAnswer():
            return await _aanswer(exchange)
        case KeepItems(entries):
            return _kept(call, entries)
        case _:
            assert_never(effect)


def _claimed(call: _Call, keys: Sequence[str], *, is_sync: bool) -> list[Turn]:
    """Claim the right to forward these keys within the process. Return the call's turn for each."""
    claims = call.leader = ItemClaims(call.engine.source.single_flight, call.stored_before)
    return claims.claim(keys, is_sync=is_sync)


def _kept(call: _Call, entries: Sequence[Entry]) -> str | None:
    """Store the entries and release their followers. Return why one is not stored, or None."""
    reason: str | None = call.engine.source.keep_items(entries, partial(call.engine.on_stored, call.exchange))
    if call.leader is not None:
        call.leader.settle_items([entry.key for entry in entries], reason is None)
    return reason


def _answer(exchange: _Exchange) -> bytes:
    """Return upstream's answer, read to its end. If it cannot be read, it cannot be relayed either."""
    upstream, exchange.upstream = exchange.upstream, None
    try:
        content: bytes = upstream.read()
    except BaseException:
        upstream.close()
        raise
    exchange.upstream = unread(exchange.library, upstream)
    return content


async def _aanswer(exchange: _Exchange) -> bytes:
    """Return upstream's answer as ``_answer`` does, on an event loop."""
    upstream, exchange.upstream = exchange.upstream, None
    try:
        content: bytes = await upstream.aread()
    except BaseException:
        await upstream.aclose()
        raise
    exchange.upstream = unread(exchange.library, upstream)
    return content
