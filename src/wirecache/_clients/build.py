"""How is a new client with a cache built, with every option of the library kept?

The library creates its transports itself (proxies of the environment, mounts, TLS, limits); then each is wrapped.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Any, Self, TypeVar

from wirecache._caches.cache import Cache
from wirecache._clients.httpx_internals import HttpClient

__all__ = ["PerLoop", "build_async_client", "running_loop", "sdk_options", "wrap_transports"]

Client = TypeVar("Client")
Wrap = Callable[[Cache, Any], Any]


def sdk_options(library: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the client's options with the defaults that the OpenAI and Anthropic SDKs give their own clients."""
    limits = library.Limits(max_connections=1000, max_keepalive_connections=100)
    return {"follow_redirects": True, "limits": limits, **options}


def wrap_transports(client: Client, wrap: Wrap, cache: Cache) -> Client:
    """Wrap the client's transport and each mounted one; proxies are mounts. Return the client."""
    http: HttpClient = client  # type: ignore[assignment]
    http._transport = wrap(cache, http._transport)
    http._mounts = {pattern: transport and wrap(cache, transport) for pattern, transport in http._mounts.items()}
    return client


def build_async_client(make: Callable[..., Client], options: Mapping[str, Any], wrap: Wrap, cache: Cache) -> Client:
    """Return an async client with wrapped transports. Those that the library made serve each event loop separately."""
    client = make(**options)
    http: HttpClient = client  # type: ignore[assignment]
    own_transport = options.get("transport") is not None
    if not own_transport:
        http._transport = PerLoop(http._transport, lambda: make(**options)._transport)  # type: ignore[attr-defined]
    own_mounts = [id(transport) for transport in (options.get("mounts") or {}).values()]
    proxies = http._get_proxy_map(options.get("proxy"), options.get("trust_env", True) and not own_transport)
    for pattern, transport in http._mounts.items():
        if transport is not None and id(transport) not in own_mounts:
            http._mounts[pattern] = PerLoop(transport, partial(_proxy_transport, make, options, proxies[pattern.pattern]))
    return wrap_transports(client, wrap, cache)


def _proxy_transport(make: Callable[..., Any], options: Mapping[str, Any], proxy: Any) -> Any:
    """Return a new transport to this proxy with the client's options. The environment may name other proxies by now, or none."""
    (transport,) = make(**{**options, "proxy": proxy, "mounts": None})._mounts.values()
    return transport


class PerLoop:
    """One network transport for each event loop, since a pool's connections live and die with theirs.

    ``first`` serves the loop that comes first, ``again`` makes the one for another; tests run many loops, one after the other.
    When a loop ends, it closes the asynchronous generators that are left in it: one of them closes the connections in turn, while
    the loop can still do it.
    """

    def __init__(self, first: Any, again: Callable[[], Any]) -> None:
        self._first = first
        self._again = again
        self._of_loop: dict[Any, tuple[Any, AsyncGenerator[None]]] = {}

    async def handle_async_request(self, request: Any) -> Any:
        """Send by this loop's transport."""
        loop = running_loop()
        if loop not in self._of_loop:
            transport, self._first = self._first or self._again(), None
            ending = self._close_at_end(loop, transport)
            self._of_loop[loop] = transport, ending
            await anext(ending)
        return await self._of_loop[loop][0].handle_async_request(request)

    async def _close_at_end(self, loop: Any, transport: Any) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._of_loop.pop(loop, None)
            await transport.aclose()

    async def aclose(self) -> None:
        """Close this loop's transport; those of other loops ended with them."""
        transport, ending = self._of_loop.get(running_loop()) or (self._first, None)
        if ending is not None:
            await ending.aclose()
        elif transport is not None:
            await transport.aclose()

    async def __aenter__(self) -> Self:
        return self  # the libraries' own transports do nothing there

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


def running_loop() -> Any:
    """The event loop of this thread: asyncio's, or what stands for trio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_trio_token()
