"""The cache for httpx: transports, and clients that have it under them.

from groq import Groq
from wirecache.httpx import cached_client

client = Groq(http_client=cached_client())
"""

from __future__ import annotations

from typing import Any

import httpx

from wirecache._caches.cache import Cache
from wirecache._clients.build import build_async_client, sdk_options, wrap_transports
from wirecache._clients.loops import TransportPerLoop
from wirecache._engine.engine import CacheLike
from wirecache._transport.bodies import RecordedBody, ReplayedBody
from wirecache._transport.library import Library
from wirecache._transport.requests import unix_socket
from wirecache._transport.transport import AsyncFace, SyncFace

__all__ = ["AsyncCacheTransport", "CacheTransport", "cached_async_client", "cached_client"]


class _Body(RecordedBody, httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is recorded while it is relayed, as an httpx stream."""


class _Replay(ReplayedBody, httpx.SyncByteStream, httpx.AsyncByteStream):
    """A replayed stream, as an httpx stream."""


_LIBRARY = Library(
    "httpx", "httpx2", httpx.Request, httpx.Response, httpx.ByteStream, httpx.ReadTimeout, recorded_body=_Body, replayed_body=_Replay
)


class CacheTransport(SyncFace, httpx.BaseTransport):
    """An httpx transport that answers repeated inference requests from a cache, and passes everything else on.

    ``cache``: None for ``Cache()``. ``next_transport``: what sends the requests; None for ``httpx.HTTPTransport()``.
    """

    _library = _LIBRARY

    def __init__(self, cache: CacheLike | None = None, next_transport: httpx.BaseTransport | None = None) -> None:
        self.cache = Cache() if cache is None else cache
        self.next_transport = next_transport or httpx.HTTPTransport()
        self._socket = unix_socket(self.next_transport)


class AsyncCacheTransport(AsyncFace, httpx.AsyncBaseTransport):
    """``CacheTransport`` for ``httpx.AsyncClient``, under asyncio and trio.

    ``cache``: None for ``Cache()``. ``next_transport``: what sends the requests; None for ``httpx.AsyncHTTPTransport()``.
    """

    _library = _LIBRARY

    def __init__(self, cache: CacheLike | None = None, next_transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.cache = Cache() if cache is None else cache
        self.next_transport = next_transport or TransportPerLoop(httpx.AsyncHTTPTransport)
        self._socket = unix_socket(self.next_transport)


def cached_client(cache: CacheLike | None = None, **client_options: Any) -> httpx.Client:
    """Return an ``httpx.Client`` with the cache under it.

    ``cache``: None for ``Cache()``. ``client_options``: httpx's own, which keep their meaning.
    As SDKs recommend, redirects are followed and the limits are 1000 connections, 100 of them kept alive, unless you say otherwise.
    """
    client = httpx.Client(**sdk_options(httpx, client_options))
    return wrap_transports(client, CacheTransport, Cache() if cache is None else cache)


def cached_async_client(cache: CacheLike | None = None, **client_options: Any) -> httpx.AsyncClient:
    """Return an ``httpx.AsyncClient`` with the cache under it; it may be used from several event loops, one after the other.

    ``cache``, ``client_options``: as for ``cached_client``.
    """
    options = sdk_options(httpx, client_options)
    return build_async_client(httpx.AsyncClient, options, AsyncCacheTransport, Cache() if cache is None else cache)
