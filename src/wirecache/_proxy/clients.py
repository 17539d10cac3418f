"""The clients by which the proxy reaches its upstreams: wirecache's own async client, one per cache or cassette."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Set
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

from wirecache._clients.httpx_internals import HttpClient
from wirecache._clients.select import cached_async_client, library_module
from wirecache._engine.engine import CacheLike
from wirecache._transport.library import Library

__all__ = ["Clients"]

KEEP_ALIVE = 30.0  # seconds for which an idle connection to an upstream is kept


class Clients:
    """The clients, of httpx2 if it is installed, else of httpx. They keep no cookies: a proxy has many callers."""

    def __init__(self) -> None:
        transport = library_module(None).AsyncCacheTransport
        self.library: Library = transport._library
        self.http: Any = importlib.import_module(self.library.name)
        self._clients: dict[int, tuple[CacheLike, Any]] = {}
        self._tls: Any = None

    def of(self, cache: CacheLike) -> HttpClient:
        """Return the client with this cache under it."""
        if id(cache) not in self._clients:
            self._clients[id(cache)] = (cache, self._make(cache))
        client: HttpClient = self._clients[id(cache)][1]
        return client

    def codings(self, cache: CacheLike) -> Set[str]:
        """Return the content codings that the library can undo."""
        client: Any = self.of(cache)
        return {coding.strip().lower() for coding in client.headers.get("accept-encoding", "").split(",")} - {""}

    async def forget(self, cache: CacheLike) -> None:
        """Close the client of this cache, if there is one."""
        if (found := self._clients.pop(id(cache), None)) is not None:
            await found[1].aclose()

    async def aclose(self) -> None:
        """Close all connections. A client is recreated when it is used."""
        while self._clients:
            _, (_, client) = self._clients.popitem()
            await client.aclose()

    def _make(self, cache: CacheLike) -> Any:
        self._tls = self._tls or self.http.create_ssl_context()  # it takes 20 ms, and is shared by all
        return cached_async_client(
            cache,
            library=self.library.name,  # type: ignore[call-overload]
            verify=self._tls,
            follow_redirects=False,
            http2=importlib.util.find_spec("h2") is not None,
            limits=self.http.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
