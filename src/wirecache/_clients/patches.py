"""Patches, by which an existing client gets the cache and is restored without a trace.

Both libraries' clients call ``_transport_for_url`` for the transport of each request: proxies, mounts, and transports that the user wrote
or replaced later all go through it, in subclasses, too. A patch replaces this method with a function that wraps the cache around the
transport of that one request. No transport is replaced, so an SDK finds its own wherever it looks, and closes it itself.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import FunctionType
from typing import Any, NamedTuple

from wirecache._clients.httpx_internals import LIBRARIES, TRANSPORT_FOR_URL
from wirecache._clients.loops import LoopClosingTransport, is_bound_to_loop
from wirecache._engine.engine import CacheLike
from wirecache._runtime.forks import ModuleLock
from wirecache._transport.transport import holds_cache

__all__ = [
    "TRANSPORT_NAMES",
    "Patch",
    "TransportClass",
    "attaching_async_factory",
    "attaching_factory",
    "client_patch",
    "is_patched",
    "transport_class_for",
]

TRANSPORT_NAMES = {"Client": "CacheTransport", "AsyncClient": "AsyncCacheTransport"}  # by the client's class

_ABSENT: Any = object()
_lock = ModuleLock()


class _Replaced:
    """The attribute that a patch replaced, and the HTTP clients that got the cache through it."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.clients: weakref.WeakSet[Any] = weakref.WeakSet()


_replaced: weakref.WeakKeyDictionary[Any, _Replaced] = weakref.WeakKeyDictionary()  # by the replacement function


@dataclass(frozen=True, slots=True)
class Patch:
    """The replacement of ``target``'s own attribute ``name`` by ``make_replacement(cache)``."""

    target: Any
    name: str
    make_replacement: Callable[[CacheLike], Any]

    def apply(self, cache: CacheLike) -> None:
        """Replace the attribute, unless it is patched already."""
        with _lock:
            original = vars(self.target).get(self.name, _ABSENT)
            if not is_patched(original):
                replacement = self.make_replacement(cache)
                _replaced[_function_of(replacement)] = _Replaced(original)
                setattr(self.target, self.name, replacement)

    def revert(self) -> None:
        """Restore the attribute, and remove the cache from the clients that got it through this patch."""
        with _lock:
            replacement = vars(self.target).get(self.name)
            if not is_patched(replacement):
                return
            replaced = _replaced.pop(_function_of(replacement))
            if replaced.original is _ABSENT:
                delattr(self.target, self.name)
            else:
                setattr(self.target, self.name, replaced.original)
        for client in list(replaced.clients):
            client_patch(client).revert()


def is_patched(attribute: Any) -> bool:
    """Return whether the attribute's value is the replacement by an applied patch."""
    function = _function_of(attribute)
    return isinstance(function, FunctionType) and function in _replaced


def _function_of(value: Any) -> Any:
    return getattr(value, "__func__", value)  # of a static method


# -- HTTP clients -----------------------------------------------------------------------------------------------------


class TransportClass(NamedTuple):
    """One of wirecache's transport classes, by name, since importing it imports httpx or httpx2."""

    module: str
    name: str

    def wrap(self, transport: Any, cache: CacheLike) -> Any:
        """Return a transport that puts the cache in front of this one, or this one if it has a cache already."""
        if holds_cache(transport):
            return transport
        return getattr(importlib.import_module(self.module), self.name)(cache, transport)


def transport_class_for(client_class: type[Any]) -> TransportClass | None:
    """Return the transport class that suits this class of HTTP clients, or None for any other class."""
    for base in client_class.__mro__:
        library = base.__module__.partition(".")[0]
        if library in LIBRARIES and base.__name__ in TRANSPORT_NAMES:
            return TransportClass(f"wirecache.{library}", TRANSPORT_NAMES[base.__name__])
    return None


def client_patch(client: Any) -> Patch:
    """Return the patch that puts the cache under one HTTP client."""
    return Patch(client, TRANSPORT_FOR_URL, lambda cache: _caching_transport_for_url(client, cache))


def _caching_transport_for_url(client: Any, cache: CacheLike) -> Callable[[Any], Any]:
    client_ref = weakref.ref(client)  # an SDK closes its client when it is garbage collected
    transport_class = transport_class_for(type(client))
    assert transport_class is not None
    per_loop: dict[int, LoopClosingTransport] = {}  # by the id of the client's own transport

    def transport_for_url(url: Any) -> Any:
        client: Any = client_ref()
        transport = type(client)._transport_for_url(client, url)
        if not is_bound_to_loop(transport):
            return transport_class.wrap(transport, cache)
        if id(transport) not in per_loop:
            per_loop[id(transport)] = LoopClosingTransport(transport)
        return transport_class.wrap(per_loop[id(transport)], cache)

    return transport_for_url


# -- functions that create HTTP clients -------------------------------------------------------------------------------


def attaching_factory(factory: Callable[..., Any], cache: CacheLike) -> Callable[..., Any]:
    """Return a function that calls the factory and attaches the cache to the HTTP client that it returns."""

    @wraps(factory)
    def attaching(*arguments: Any, **options: Any) -> Any:
        return _attach_created(factory(*arguments, **options), cache, attaching)

    return attaching


def attaching_async_factory(factory: Callable[..., Any], cache: CacheLike) -> Callable[..., Any]:
    """Return a coroutine function that awaits the factory and attaches the cache to the HTTP client that it returns."""

    @wraps(factory)
    async def attaching(*arguments: Any, **options: Any) -> Any:
        return _attach_created(await factory(*arguments, **options), cache, attaching)

    return attaching


def _attach_created(client: Any, cache: CacheLike, factory: Any) -> Any:
    with _lock:
        replaced = _replaced.get(factory)  # None: the patch was reverted while the client was being created
        if replaced is not None and transport_class_for(type(client)) is not None:
            client_patch(client).apply(cache)
            replaced.clients.add(client)
    return client
