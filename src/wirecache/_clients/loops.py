"""How does an attached async client go on when its event loop has ended, and another one begins?

The connections of a library's transport die with their loop, but stay in its pool, and the next loop fails on them. The transport is
somebody else's, so it is neither exchanged nor copied: its connections are closed at the end of each loop that used it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from wirecache._clients.build import running_loop

__all__ = ["ClosedWithTheLoop", "dies_with_the_loop"]

LIBRARIES = ("httpx", "httpx2")


def dies_with_the_loop(transport: Any) -> bool:
    """Is it a library's own async transport? Somebody's own, or one that the cache made, sees to its loops itself."""
    kind = type(transport)
    return kind.__name__ == "AsyncHTTPTransport" and kind.__module__.partition(".")[0] in LIBRARIES


class ClosedWithTheLoop:
    """Sends by a transport, and closes its connections at the end of the loop, as long as this object is there."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._watches: dict[Any, _Watch] = {}

    async def handle_async_request(self, request: Any) -> Any:
        """Send, under this loop's watch."""
        loop = running_loop()
        if loop not in self._watches:
            self._watches[loop] = watch = _Watch()
            watch.ending = _close_at_end(self._transport, watch, self._watches, loop)
            await anext(watch.ending)
        return await self._transport.handle_async_request(request)

    def let_go(self) -> None:
        """Close nothing any more."""
        for watch in self._watches.values():
            watch.on = False

    __del__ = let_go  # an asynchronous generator ends with its last holder, too, and that is no reason to close somebody's connections


class _Watch:
    on = True
    ending: AsyncGenerator[None]


async def _close_at_end(transport: Any, watch: _Watch, watches: dict[Any, _Watch], loop: Any) -> AsyncGenerator[None]:
    """An ending loop closes the asynchronous generators that are left in it; it can still close connections then."""
    try:
        yield
    finally:
        watches.pop(loop, None)
        if watch.on:
            await transport.aclose()
