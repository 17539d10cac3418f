"""How does an async client go on when its event loop has ended, and another one begins?

The connections of a library's transport die with their loop, but stay in its pool, and the next loop fails on them. A transport that we
make is made again for each loop. One that is somebody else's is neither exchanged nor copied: its connections are closed at the end of
each loop that used it.
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
    """Return whether it is a library's own async transport. Any other, ours included, handles several loops itself."""
    kind = type(transport)
    return kind.__name__ == "AsyncHTTPTransport" and kind.__module__.partition(".")[0] in LIBRARIES


class TransportPerLoop:
    """One transport for each event loop: ``first`` for the loop that comes first, then those that ``make()`` returns."""

    def __init__(self, make: Callable[[], Any], first: Any = None) -> None:
        self._unused = [] if first is None else [first]
        self._transports: PerEventLoop[Any] = PerEventLoop(partial(_pop_or_make, self._unused, make), _aclose)

    async def handle_async_request(self, request: Any) -> Any:
        """Send by this loop's transport."""
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
    """Sends by somebody else's transport, and closes its connections at the end of each loop, as long as this object is held."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._users: PerEventLoop[Any] = PerEventLoop(lambda: transport, _aclose)

    async def handle_async_request(self, request: Any) -> Any:
        """Send by the transport."""
        await self._users.get()
        return await self._transport.handle_async_request(request)

    def __del__(self) -> None:
        """Close nothing: a generator ends with its last holder, too, and that is no reason to close somebody else's connections."""
        self._users.forget()
