"""Blocking work in a worker thread beside an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from wirecache._runtime.event_loops import in_asyncio

__all__ = ["run_beside_loop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_beside_loop(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Return the result of the function, called in a worker thread while the event loop (asyncio's or trio's) goes on.

    anyio's threads are used, except under ``nest_asyncio``, whose ``asyncio.run`` ends without stopping anyio's threads, so that the
    process would never exit.
    """
    if hasattr(asyncio, "_nest_patched") and in_asyncio():
        return await asyncio.to_thread(function, *arguments)
    from anyio.to_thread import run_sync

    return await run_sync(function, *arguments)
