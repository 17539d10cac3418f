"""Which of the two HTTP libraries shall a client be of?"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Literal, overload

from wirecache._caches.cache import Cache
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    import httpx
    import httpx2

__all__ = ["cached_async_client", "cached_client"]

LIBRARIES = ("httpx", "httpx2")


def _face(library: str | None) -> Any:
    if library is None:
        library = "httpx2" if importlib.util.find_spec("httpx2") else "httpx"
    if library not in LIBRARIES:
        raise ConfigError(f"library= is {library!r}; allowed: {', '.join(LIBRARIES)}, or None (httpx2 if it is installed)")
    if importlib.util.find_spec(library) is None:
        raise ImportError(f"library={library!r} is not installed: pip install 'wirecache[{library}]'")
    return importlib.import_module(f"wirecache.{library}")


@overload
def cached_client(cache: Cache | None = None, *, library: Literal["httpx"], **client_options: Any) -> httpx.Client: ...
@overload
def cached_client(cache: Cache | None = None, *, library: Literal["httpx2"], **client_options: Any) -> httpx2.Client: ...
@overload
def cached_client(cache: Cache | None = None, *, library: None = None, **client_options: Any) -> Any: ...
def cached_client(cache: Cache | None = None, *, library: str | None = None, **client_options: Any) -> Any:
    """A client with the cache under it, of the library that your SDK is built on.

    ``library``: ``"httpx"``, ``"httpx2"``, or None: httpx2 if it is installed, else httpx. If an SDK refuses the client, its error
    names the type that it wants, and ``library=`` gives it that. All other options are the library's own.
    """
    return _face(library).cached_client(cache, **client_options)


@overload
def cached_async_client(cache: Cache | None = None, *, library: Literal["httpx"], **client_options: Any) -> httpx.AsyncClient: ...
@overload
def cached_async_client(cache: Cache | None = None, *, library: Literal["httpx2"], **client_options: Any) -> httpx2.AsyncClient: ...
@overload
def cached_async_client(cache: Cache | None = None, *, library: None = None, **client_options: Any) -> Any: ...
def cached_async_client(cache: Cache | None = None, *, library: str | None = None, **client_options: Any) -> Any:
    """The async twin of ``cached_client``, for asyncio and trio."""
    return _face(library).cached_async_client(cache, **client_options)
