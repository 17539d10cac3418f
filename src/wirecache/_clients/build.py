"""Construction of new clients with a cache that support every option of the library.

The library creates its transports itself (proxies from the environment, mounts, TLS, limits); then each is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from wirecache._clients.httpx_internals import HttpClient
from wirecache._clients.loops import TransportPerLoop
from wirecache._engine.engine import CacheLike

__all__ = ["build_async_client", "sdk_options", "wrap_transports"]

Client = TypeVar("Client")
Wrap = Callable[[CacheLike, Any], Any]


def sdk_options(library: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the client's options with the defaults that the OpenAI and Anthropic SDKs give their own clients."""
    limits = library.Limits(max_connections=1000, max_keepalive_connections=100)
    return {"follow_redirects": True, "limits": limits, **options}


def wrap_transports(client: Client, wrap: Wrap, cache: CacheLike) -> Client:
    """Wrap the client's transport and each mounted one; proxies are mounts. Return the client."""
    http: HttpClient = client  # type: ignore[assignment]
    http._transport = wrap(cache, http._transport)
    http._mounts = {pattern: transport and wrap(cache, transport) for pattern, transport in http._mounts.items()}
    return client


def build_async_client(make: Callable[..., Client], options: Mapping[str, Any], wrap: Wrap, cache: CacheLike) -> Client:
    """Return an async client with wrapped transports. Those that the library created get a separate instance per event loop."""
    client = make(**options)
    http: HttpClient = client  # type: ignore[assignment]
    own_transport = options.get("transport") is not None
    if not own_transport:
        http._transport = TransportPerLoop(lambda: make(**options)._transport, first=http._transport)  # type: ignore[attr-defined]
    own_mounts = [id(transport) for transport in (options.get("mounts") or {}).values()]
    proxies = http._get_proxy_map(options.get("proxy"), options.get("trust_env", True) and not own_transport)
    for pattern, transport in http._mounts.items():
        if transport is not None and id(transport) not in own_mounts:
            http._mounts[pattern] = TransportPerLoop(partial(_proxy_transport, make, options, proxies[pattern.pattern]), first=transport)
    return wrap_transports(client, wrap, cache)


def _proxy_transport(make: Callable[..., Any], options: Mapping[str, Any], proxy: Any) -> Any:
    """Return a new transport to this proxy with the client's options, even if the environment has changed since."""
    (transport,) = make(**{**options, "proxy": proxy, "mounts": None})._mounts.values()
    return transport
