"""What is put in the place of what, so that a client asks the cache, and how is it put back as it was?

Both libraries' clients ask ``_transport_for_url`` for the transport of each request: proxies, mounts, transports that somebody
wrote or exchanged later, all come by there, in subclasses too. A function in the place of that one method puts the cache around
what it returns, for that one request. No transport is exchanged, so an SDK finds its own wherever it looks, and closes it itself.
"""

from __future__ import annotations

import importlib
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import FunctionType
from typing import Any

from wirecache._caches.cache import Cache
from wirecache._clients.loops import LIBRARIES, ClosedWithTheLoop, dies_with_the_loop
from wirecache._transport.transport import holds_cache

__all__ = ["LIBRARIES", "METHOD", "TRANSPORTS", "Site", "around", "face_of", "fills", "site_of", "that_attaches", "that_attaches_async"]

TRANSPORTS = {"Client": "CacheTransport", "AsyncClient": "AsyncCacheTransport"}
METHOD = "_transport_for_url"

_ABSENT: Any = object()
_lock = threading.RLock()


class _Before:
    """What was in the place of one of our functions, and the HTTP clients that got the cache through it since."""

    def __init__(self, held: Any) -> None:
        self.held = held
        self.clients: weakref.WeakSet[Any] = weakref.WeakSet()


_filled: weakref.WeakKeyDictionary[Any, _Before] = weakref.WeakKeyDictionary()  # by our function


@dataclass(frozen=True, slots=True)
class Site:
    """The attribute ``name`` of ``holder``, in whose place ``make(cache)`` is put."""

    holder: Any
    name: str
    make: Callable[[Cache], Any]

    def fill(self, cache: Cache) -> None:
        """Put ours there, unless it is there already."""
        with _lock:
            held = vars(self.holder).get(self.name, _ABSENT)
            if not fills(held):
                ours = self.make(cache)
                _filled[_function(ours)] = _Before(held)
                setattr(self.holder, self.name, ours)

    def clear(self) -> None:
        """Put back what was there, and take the cache from the clients that got it through ours."""
        with _lock:
            ours = vars(self.holder).get(self.name)
            if not fills(ours):
                return
            before = _filled.pop(_function(ours))
            if before.held is _ABSENT:
                delattr(self.holder, self.name)
            else:
                setattr(self.holder, self.name, before.held)
        for client in list(before.clients):
            site_of(client).clear()


def fills(value: Any) -> bool:
    """Is it one of the functions that were put in the place of another?"""
    function = _function(value)
    return isinstance(function, FunctionType) and function in _filled


def _function(value: Any) -> Any:
    return getattr(value, "__func__", value)  # of a static method


# -- HTTP clients -----------------------------------------------------------------------------------------------------


def face_of(kind: type[Any]) -> tuple[str, str] | None:
    """Which transport of ours, by module and name, suits this class of client? None for what is no HTTP client."""
    for base in kind.__mro__:
        library = base.__module__.partition(".")[0]
        if library in LIBRARIES and base.__name__ in TRANSPORTS:
            return f"wirecache.{library}", TRANSPORTS[base.__name__]
    return None


def around(transport: Any, cache: Cache, face: tuple[str, str]) -> Any:
    """The cache around a transport, unless it has one already."""
    if holds_cache(transport):
        return transport
    module, name = face
    return getattr(importlib.import_module(module), name)(cache, transport)


def site_of(client: Any) -> Site:
    """The site of one HTTP client."""
    return Site(client, METHOD, lambda cache: _asking(client, cache))


def _asking(client: Any, cache: Cache) -> Callable[[Any], Any]:
    made = weakref.ref(client)  # an SDK closes its client when nobody holds it any more
    face = face_of(type(client))
    assert face is not None
    sent_by: dict[int, ClosedWithTheLoop] = {}

    def transport_for_url(url: Any) -> Any:
        client: Any = made()
        own = type(client)._transport_for_url(client, url)
        if not dies_with_the_loop(own):
            return around(own, cache, face)
        if id(own) not in sent_by:
            sent_by[id(own)] = ClosedWithTheLoop(own)
        return around(sent_by[id(own)], cache, face)

    return transport_for_url


# -- what makes HTTP clients ------------------------------------------------------------------------------------------


def that_attaches(make: Callable[..., Any], cache: Cache) -> Callable[..., Any]:
    """A function that makes HTTP clients, giving the cache to each."""

    @wraps(make)
    def making(*arguments: Any, **options: Any) -> Any:
        return _attached(make(*arguments, **options), cache, making)

    return making


def that_attaches_async(make: Callable[..., Any], cache: Cache) -> Callable[..., Any]:
    """The same for a coroutine function."""

    @wraps(make)
    async def making(*arguments: Any, **options: Any) -> Any:
        return _attached(await make(*arguments, **options), cache, making)

    return making


def _attached(client: Any, cache: Cache, by: Any) -> Any:
    with _lock:
        before = _filled.get(by)  # None: it was cleared while the client was made
        if before is not None and face_of(type(client)) is not None:
            site_of(client).fill(cache)
            before.clients.add(client)
    return client
