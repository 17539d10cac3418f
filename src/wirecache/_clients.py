"""How does a stock client get the cache under it, with every option of its own kept?

The library builds its transports itself (proxies of the environment, mounts, TLS, limits); each is then wrapped in place.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wirecache._cache import Cache

__all__ = ["PerLoop", "put_under", "put_under_async", "sdk_options"]

Client = TypeVar("Client")
Wrap = Callable[[Cache, Any], Any]


def sdk_options(library: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The client's options, with the defaults that the OpenAI and Anthropic SDKs give their own clients."""
    limits = library.Limits(max_connections=1000, max_keepalive_connections=100)
    return {"follow_redirects": True, "limits": limits, **options}


def put_under(client: Client, wrap: Wrap, cache: Cache) -> Client:
    """Wrap the client's transport and each mounted one (proxies are mounts); the client itself."""
    inside: Any = client
    inside._transport = wrap(cache, inside._transport)
    inside._mounts = {pattern: below and wrap(cache, below) for pattern, below in inside._mounts.items()}
    return client


def put_under_async(make: Callable[..., Client], options: Mapping[str, Any], wrap: Wrap, cache: Cache) -> Client:
    """The same for an async client, whose transports serve each event loop apart; those that the caller made are left as they are."""
    client: Any = make(**options)
    if options.get("transport") is None:
        client._transport = PerLoop(client._transport, lambda: make(**options)._transport)  # type: ignore[attr-defined]
    own = [id(transport) for transport in (options.get("mounts") or {}).values()]

    def again(pattern: Any) -> Callable[[], Any]:
        return lambda: next(below for at, below in make(**options)._mounts.items() if at == pattern)  # type: ignore[attr-defined]

    for pattern, below in client._mounts.items():
        if below is not None and id(below) not in own:
            client._mounts[pattern] = PerLoop(below, again(pattern))
    return put_under(client, wrap, cache)  # type: ignore[no-any-return]


class PerLoop:
    """One network transport for each event loop, since a pool's connections live and die with theirs.

    ``first`` serves the loop that comes first, ``again`` makes the one for another; tests run many loops, one after the other.
    """

    def __init__(self, first: Any, again: Callable[[], Any]) -> None:
        self._first = first
        self._again = again
        self._of_loop: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    async def handle_async_request(self, request: Any) -> Any:
        """Send by this loop's transport."""
        loop = _running_loop()
        transport = self._of_loop.get(loop)
        if transport is None:
            transport, self._first = self._first or self._again(), None
            self._of_loop[loop] = transport
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close this loop's transport; those of other loops ended with them."""
        transport = self._of_loop.pop(_running_loop(), None) or self._first
        if transport is not None:
            await transport.aclose()


def _running_loop() -> Any:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_trio_token()
