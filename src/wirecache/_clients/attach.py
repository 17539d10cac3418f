"""``attach`` and ``detach``: put the cache under an existing client, in place, and remove it."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any, TypeVar

from wirecache._caches.cache import Cache
from wirecache._clients.discovery import Discovery, discover
from wirecache._engine.engine import CacheLike

__all__ = ["attach", "detach"]

Client = TypeVar("Client")
MAX_NAMES = 12  # classes that an error lists


def attach(client: Client, cache: CacheLike | None = None) -> Client:
    """Put the cache under a client, in place, its sync and its async side. Return the client.

        client = attach(Groq())

    ``client``: an SDK's client, an httpx or httpx2 client, or an object that holds some: a LangChain or pydantic-ai model, an agent, an
    instructor client, the modules ``litellm`` and ``huggingface_hub``. ``cache``: None for ``Cache()``. The client's own options
    (timeouts, limits, proxies, mounts) stay as they are. A client that has a cache already keeps it: call ``detach`` first.
    Objects that share an HTTP client share its cache. Raises ``TypeError`` if no HTTP client is found.
    """
    discovery = _discover(client, "attach")
    cache = Cache() if cache is None else cache
    for patch in discovery.patches:
        patch.apply(cache)
    for message in discovery.unreachable:
        warnings.warn(message, stacklevel=2)
    return client


def detach(client: Client) -> Client:
    """Undo ``attach``, and return the client as it was before.

    ``client``: the object given to ``attach``. One without a cache is not changed. Raises ``TypeError`` if no HTTP client is found.
    """
    for patch in _discover(client, "detach").patches:
        patch.revert()
    return client


def _discover(client: Any, caller: str) -> Discovery:
    """Return what is found in the client. Raises ``TypeError`` if nothing is."""
    discovery = discover(client)
    if not discovery.patches and not discovery.unreachable:
        raise TypeError(_nothing_found(client, caller, discovery))
    return discovery


def _nothing_found(client: Any, caller: str, discovery: Discovery) -> str:
    if isinstance(client, type):
        return f"{caller}() needs an instance, but {client.__qualname__} is a class: {caller}({client.__qualname__}(...))"
    kind = type(client)
    name = f"the module {client.__name__}" if isinstance(client, ModuleType) else f"this {kind.__module__}.{kind.__qualname__}"
    searched = ", ".join(discovery.searched[:MAX_NAMES]) + (", ..." if len(discovery.searched) > MAX_NAMES else "")
    return (
        f"{caller}() found no httpx or httpx2 client in {name}; it looked at {searched}. "
        "Pass the SDK's client object after it has been created, or cover the whole process: wirecache.install()"
    )
