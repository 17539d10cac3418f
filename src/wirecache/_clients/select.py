"""``cached_client`` and ``cached_async_client``, which create a client of either HTTP library."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Literal, overload

from wirecache._clients.httpx_internals import LIBRARIES
from wirecache._engine.engine import CacheLike
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    import httpx
    import httpx2

__all__ = ["cached_async_client", "cached_client", "library_module"]


def library_module(library: str | None) -> Any:
    """Return ``wirecache.httpx`` or ``wirecache.httpx2``. Raises ``ImportError`` if that library is not installed."""
    if library is None:
        library = "httpx2" if importlib.util.find_spec("httpx2") else "httpx"
    if library not in LIBRARIES:
        raise ConfigError(f"library must be {' or '.join(map(repr, LIBRARIES))}, or None (httpx2 if it is installed), got {library!r}")
    if importlib.util.find_spec(library) is None:
        raise ImportError(f"library={library!r} is not installed: pip install 'wirecache[{library}]'")
    return importlib.import_module(f"wirecache.{library}")


@overload
def cached_client(cache: CacheLike | None = None, *, library: Literal["httpx"], **client_options: Any) -> httpx.Client: ...
@overload
def cached_client(cache: CacheLike | None = None, *, library: Literal["httpx2"], **client_options: Any) -> httpx2.Client: ...
@overload
def cached_client(cache: CacheLike | None = None, *, library: None = None, **client_options: Any) -> Any: ...
def cached_client(cache: CacheLike | None = None, *, library: str | None = None, **client_options: Any) -> Any:
    """Return a client with the cache under it, of the library that your SDK uses.

    ``cache``: None for ``Cache()``. ``library``: ``"httpx"``, ``"httpx2"``, or None: httpx2 if it is installed, else httpx. If an SDK
    refuses the client, its error names the type that it expects; choose that type's library. ``client_options``: the library's own.
    """
    return library_module(library).cached_client(cache, **client_options)


@overload
def cached_async_client(cache: CacheLike | None = None, *, library: Literal["httpx"], **client_options: Any) -> httpx.AsyncClient: ...
@overload
def cached_async_client(cache: CacheLike | None = None, *, library: Literal["httpx2"], **client_options: Any) -> httpx2.AsyncClient: ...
@overload
def cached_async_client(cache: CacheLike | None = None, *, library: None = None, **client_options: Any) -> Any: ...
def cached_async_client(cache: CacheLike | None = None, *, library: str | None = None, **client_options: Any) -> Any:
    """Return an async client with the cache under it, for asyncio and trio.

    ``cache``, ``library``, ``client_options``: as for ``cached_client``.
    """
    return library_module(library).cached_async_client(cache, **client_options)
