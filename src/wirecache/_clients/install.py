"""How does every httpx and httpx2 client of the process get the cache, and lose it again without a trace?

``install`` hooks one method of the two client classes of each library (see ``sites``): no client holds anything of ours.
Neither library is imported: one that is not there yet gets its hook when the program imports it.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

from wirecache._caches.cache import Cache
from wirecache._clients.frameworks import BY_AIOHTTP, can_do_without_aiohttp
from wirecache._clients.patches import LIBRARIES, METHOD, TRANSPORTS, around, face_of, fills

logger = logging.getLogger("wirecache")

__all__ = ["Installed", "install", "uninstall"]


class _Hook(NamedTuple):
    """What was put in the place of what, and where."""

    kind: type[Any]
    name: str
    original: Callable[..., Any]
    hooked: Callable[..., Any]


_lock = threading.Lock()
_stack: list[Installed] = []  # the last one is in force
_hooks: list[_Hook] = []
_warned: set[str] = set()


class Installed:
    """One ``install()``. As a context manager it gives its cache, and ends at the end of the block."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def __repr__(self) -> str:
        return f"<{'installed' if self in _stack else 'uninstalled'} {self.cache!r}>"

    def __enter__(self) -> Cache:
        return self.cache

    def __exit__(self, *error: object) -> None:
        _end(self)


def install(cache: Cache | None = None) -> Installed:
    """Put the cache under every httpx and httpx2 client of this process, sync and async, those made before it included.

    ``cache``: None for ``Cache()``. Calls nest: the last one is in force, and ``uninstall()`` brings back the one before.
    A client that has a cache of its own (``cached_client``, ``attach``, a ``CacheTransport``) keeps it.

        with wirecache.install(Cache(ttl="1d")) as cache:
            ...
    """
    installed = Installed(Cache() if cache is None else cache)
    with _lock:
        _stack.append(installed)
        if len(_stack) == 1:
            sys.meta_path.insert(0, _FINDER)
    for name in _METHODS:
        if name in sys.modules:
            _hook(name, importlib.import_module(name))  # waits for a thread that is in the midst of importing it
    return installed


def uninstall() -> None:
    """End the last ``install()``; the one before it, if any, is in force again. Without one, this does nothing."""
    top = _stack[-1:]
    if top:
        _end(top[0])


def _end(installed: Installed) -> None:
    with _lock:
        if installed not in _stack:
            return
        _stack.remove(installed)
        if _stack:
            return
        if _FINDER in sys.meta_path:
            sys.meta_path.remove(_FINDER)
        while _hooks:
            kind, name, original, hooked = _hooks.pop()
            if kind.__dict__.get(name) is hooked:  # else somebody hooked it after us: ours passes on, from now on
                setattr(kind, name, original)


def _hook(module: str, loaded: ModuleType) -> None:
    """Hook what is to be hooked in a module, once. ``httpx`` may be httpx2 by another name (``httpx2.alias_httpx()``)."""
    with _lock:
        if not _stack:
            return
        for name, method, make in _METHODS[module]:
            kind = getattr(loaded, name, None)
            original = getattr(kind, "__dict__", {}).get(method)
            if kind is None or original is None or any(original is hook.hooked for hook in _hooks):
                continue
            hooked = make(original, kind)
            _hooks.append(_Hook(kind, method, original, hooked))
            setattr(kind, method, hooked)


def _with_cache(original: Callable[..., Any], kind: type[Any]) -> Callable[..., Any]:
    """The method with the cache around what it returns. Without an ``install`` in force it is the original."""
    face = face_of(kind)
    assert face is not None

    @wraps(original)
    def transport_for_url(client: Any, url: Any) -> Any:
        transport = original(client, url)
        top = _stack[-1:]  # one step, so that no lock is needed
        if not top or fills(client.__dict__.get(METHOD)):  # an attached client has a cache of its own
            return transport
        return around(transport, top[0].cache, face)

    return transport_for_url


def _by_httpx(original: Callable[..., Any], kind: type[Any]) -> Callable[..., Any]:
    """google-genai's choice of aiohttp for its async side: under ``install`` it takes the httpx client that it has beside it."""

    @wraps(original)
    def use_aiohttp(client: Any) -> bool:
        by_aiohttp: bool = original(client)
        if by_aiohttp and _stack:
            if can_do_without_aiohttp(client):
                return False
            if BY_AIOHTTP not in _warned:
                _warned.add(BY_AIOHTTP)
                logger.warning("wirecache: %s", BY_AIOHTTP)
        return by_aiohttp

    return use_aiohttp


_METHODS: dict[str, list[tuple[str, str, Callable[[Callable[..., Any], type[Any]], Callable[..., Any]]]]] = {
    **{library: [(client, METHOD, _with_cache) for client in TRANSPORTS] for library in LIBRARIES},
    "google.genai._api_client": [("BaseApiClient", "_use_aiohttp", _by_httpx)],
}


class _Finder(importlib.abc.MetaPathFinder):
    """Sees the libraries being imported, and finds nothing itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _METHODS:
            return None
        for finder in sys.meta_path:
            look = getattr(finder, "find_spec", None)
            spec = look(fullname, path, target) if look is not None and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(fullname, spec.loader)
                return spec  # type: ignore[no-any-return]
        return None


class _Loader(importlib.abc.Loader):
    """Loads as the real loader does, then hooks the clients; the loaded module knows the real one only."""

    def __init__(self, name: str, real: Any) -> None:
        self._name = name
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._real.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        for holder, name in ((module.__spec__, "loader"), (module, "__loader__")):
            if getattr(holder, name, None) is self:
                setattr(holder, name, self._real)
        self._real.exec_module(module)
        _hook(self._name, module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_FINDER = _Finder()
