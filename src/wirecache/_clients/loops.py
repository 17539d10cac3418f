"""Async clients that outlive their event loop.

The connections of a library's transport die with their loop but stay in its pool, where the next loop fails on them. A transport that
wirecache creates is created anew for each loop. One that belongs to somebody else is neither replaced nor copied: its connections are
closed at the end of each loop that used it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any, Self

from wirecache._clients.httpx_internals import LIBRARIES
from wirecache._runtime.event_loops import PerEventLoop

__all__ = ["LoopClosingTransport", "TransportPerLoop", "is_bound_to_loop"]

_aclose = methodcaller("aclose")


def is_bound_to_loop(transport: Any) -> bool:
    """Return whether it is a library's own async transport. Others, including wirecache's, handle several loops themselves."""
    kind = type(transport)
    return kind.__name__ == "AsyncHTTPTransport" and kind.__module__.partition(".")[0] in LIBRARIES


class TransportPerLoop:
    """One transport per event loop: ``first`` for the first loop, then new ones from ``make()``."""

    def __init__(self, make: Callable[[], Any], first: Any = None) -> None:
        self._unused = [] if first is None else [first]
        self._transports: PerEventLoop[Any] = PerEventLoop(partial(_pop_or_make, self._unused, make), _aclose)

    async def handle_async_request(self, request: Any) -> Any:
        """Send the request with this loop's transport."""
        transport = await self._transports.get()
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close this loop's transport, or the first one if no loop has used it; those of other loops ended with them."""
        if self._transports.current() is None and self._unused:
            await self._unused[0].aclose()
        await self._transports.aclose()

    async def __aenter__(self) -> Self:
        return self  # the libraries' own transports do nothing there

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


def _pop_or_make(unused: list[Any], make: Callable[[], Any]) -> Any:
    return unused.pop() if unused else make()


class LoopClosingTransport:
    """Sends with somebody else's transport and closes its connections at the end of each loop, as long as this object exists."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._users: PerEventLoop[Any] = PerEventLoop(lambda: transport, _aclose)

    async def handle_async_request(self, request: Any) -> Any:
        """Send the request with the transport."""
        await self._users.get()
        return await self._transport.handle_async_request(request)

    def __del__(self) -> None:
        """Detach the generators, which also end when collected, so that they do not close somebody else's connections."""
        self._users.forget()
