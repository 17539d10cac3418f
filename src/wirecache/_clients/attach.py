"""How does a client that is there already get the cache, in place, and lose it again?"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any, TypeVar

from wirecache._caches.cache import Cache
from wirecache._clients.discovery import Found, find

__all__ = ["attach", "detach"]

Client = TypeVar("Client")


def attach(client: Client, cache: Cache | None = None) -> Client:
    """Put the cache under a client, in place, its sync and its async side; the client is returned.

        client = attach(Groq())

    ``client``: an SDK's client, an httpx or httpx2 client, or what holds some: a LangChain or pydantic-ai model, an agent, an
    instructor client, the modules ``litellm`` and ``huggingface_hub``. ``cache``: None for ``Cache()``. The client's own options
    (timeouts, limits, proxies, mounts) stay as they are. One that has a cache already keeps it: ``detach`` comes first.
    Objects that share an HTTP client share its cache.
    """
    found = _found(client, "attach")
    cache = Cache() if cache is None else cache
    for site in found.sites:
        site.fill(cache)
    for text in found.unreachable:
        warnings.warn(text, stacklevel=2)
    return client


def detach(client: Client) -> Client:
    """Undo ``attach``: the client is as it was. One that has no cache attached stays as it is."""
    for site in _found(client, "detach").sites:
        site.clear()
    return client


def _found(client: Any, asked: str) -> Found:
    found = find(client)
    if not found.sites and not found.unreachable:
        raise TypeError(_nothing(client, asked, found))
    return found


def _nothing(client: Any, asked: str, found: Found) -> str:
    if isinstance(client, type):
        return f"{asked}() wants an object, and {client.__qualname__} is a class: {asked}({client.__qualname__}(...))"
    what = (
        f"the module {client.__name__}" if isinstance(client, ModuleType) else f"this {type(client).__module__}.{type(client).__qualname__}"
    )
    looked_at = ", ".join(found.looked_at[:12]) + (", ..." if len(found.looked_at) > 12 else "")
    return (
        f"{asked}() found no httpx or httpx2 client in {what}; it looked at {looked_at}. "
        f"Give it the SDK's client object, once that has been made, or cover the whole process: wirecache.install()"
    )
