"""``install`` and ``uninstall``: put the cache under every httpx and httpx2 client of the process, and remove it without a trace.

``install`` replaces one method of the two client classes of each library (see ``patches``); the clients themselves are not changed.
Neither library is imported: one that is not loaded yet is patched when the program imports it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

from wirecache._caches.cache import Cache
from wirecache._clients.frameworks import AIOHTTP_UNREACHABLE, GENAI_CLIENT, GENAI_MODULE, USE_AIOHTTP, can_use_httpx
from wirecache._clients.httpx_internals import LIBRARIES, TRANSPORT_FOR_URL
from wirecache._clients.import_hook import ImportHook
from wirecache._clients.in_process import is_in_process
from wirecache._clients.patches import TRANSPORT_NAMES, is_patched, transport_class_for
from wirecache._engine.engine import CacheLike
from wirecache._runtime.forks import ModuleLock, reset_after_fork
from wirecache._runtime.warn_once import WarnOnce

__all__ = ["Installed", "install", "uninstall"]

Method: TypeAlias = Callable[..., Any]


class _MethodPatch(NamedTuple):
    """The replacement of a class's method by ``make_replacement(original, owner)``."""

    class_name: str
    method: str
    make_replacement: Callable[[Method, type[Any]], Method]


class _Applied(NamedTuple):
    """A method that is currently replaced."""

    owner: type[Any]
    name: str
    original: Method
    replacement: Method


_lock = ModuleLock()
_stack: list[Installed[Any]] = []  # the last one is in force
_applied: list[_Applied] = []
_warn_once = WarnOnce()
reset_after_fork(_warn_once)


C = TypeVar("C", bound=CacheLike)


class Installed(Generic[C]):
    """One ``install()``. As a context manager it returns its cache and ends with the block."""

    def __init__(self, cache: C, in_process: bool) -> None:
        self.cache = cache
        self.in_process = in_process

    def __repr__(self) -> str:
        return f"<{'installed' if self in _stack else 'uninstalled'} {self.cache!r}>"

    def __enter__(self) -> C:
        return self.cache

    def __exit__(self, *error: object) -> None:
        _remove(self)


@overload
def install(cache: C, *, in_process: bool = False) -> Installed[C]: ...
@overload
def install(cache: None = None, *, in_process: bool = False) -> Installed[Cache]: ...
def install(cache: CacheLike | None = None, *, in_process: bool = False) -> Installed[Any]:
    """Put the cache under every httpx and httpx2 client of this process, sync and async, including existing ones.

    ``cache``: None for ``Cache()``. ``in_process``: also under calls that never leave the process (``ASGITransport``, ``WSGITransport``,
    ``MockTransport``, Starlette's ``TestClient``), which otherwise pass untouched. Calls nest: the last one is in force, and
    ``uninstall()`` restores the one before. A client that has a cache of its own (``cached_client``, ``attach``, a ``CacheTransport``)
    keeps it.

        with wirecache.install(Cache(ttl="1d")) as cache:
            ...
    """
    installed: Installed[Any] = Installed(Cache() if cache is None else cache, in_process)
    with _lock:
        _stack.append(installed)
        if len(_stack) == 1:
            _IMPORT_HOOK.add()
    for name in _METHOD_PATCHES:
        if name in sys.modules:
            _patch_module(name, importlib.import_module(name))  # waits for another thread that is importing it
    return installed


def uninstall() -> None:
    """End the last ``install()`` and restore the one before it. Does nothing if there is none."""
    last = _stack[-1:]
    if last:
        _remove(last[0])


def _remove(installed: Installed[Any]) -> None:
    with _lock:
        if installed not in _stack:
            return
        _stack.remove(installed)
        if _stack:
            return
        _IMPORT_HOOK.remove()
        while _applied:
            owner, name, original, replacement = _applied.pop()
            if owner.__dict__.get(name) is replacement:  # otherwise another library has patched it since, and calls the replacement
                setattr(owner, name, original)


def _patch_module(name: str, module: ModuleType) -> None:
    """Replace the methods of a loaded module, each once: ``httpx`` may be httpx2 by another name (``httpx2.alias_httpx()``)."""
    with _lock:
        if not _stack:
            return
        for class_name, method, make_replacement in _METHOD_PATCHES[name]:
            owner = getattr(module, class_name, None)
            original = getattr(owner, "__dict__", {}).get(method)
            if owner is None or original is None or any(original is applied.replacement for applied in _applied):
                continue
            replacement = make_replacement(original, owner)
            _applied.append(_Applied(owner, method, original, replacement))
            setattr(owner, method, replacement)


def _caching_transport_for_url(original: Method, client_class: type[Any]) -> Method:
    """Return a method that wraps the original's transport in the cache of the ``install`` in force, if any."""
    transport_class = transport_class_for(client_class)
    assert transport_class is not None

    @wraps(original)
    def transport_for_url(client: Any, url: Any) -> Any:
        transport = original(client, url)
        last = _stack[-1:]  # one atomic step, so that no lock is needed
        if not last or is_patched(client.__dict__.get(TRANSPORT_FOR_URL)):  # an attached client has a cache of its own
            return transport
        if not last[0].in_process and is_in_process(transport):
            return transport
        return transport_class.wrap(transport, last[0].cache)

    return transport_for_url


def _preferring_httpx(original: Method, _: type[Any]) -> Method:
    """Return a method that under ``install`` makes google-genai's async side use its httpx client, if it has one."""

    @wraps(original)
    def use_aiohttp(client: Any) -> bool:
        uses_aiohttp: bool = original(client)
        if uses_aiohttp and _stack:
            if can_use_httpx(client):
                return False
            _warn_once("aiohttp", "wirecache: %s", AIOHTTP_UNREACHABLE)
        return uses_aiohttp

    return use_aiohttp


_METHOD_PATCHES: dict[str, list[_MethodPatch]] = {  # by module
    **{library: [_MethodPatch(name, TRANSPORT_FOR_URL, _caching_transport_for_url) for name in TRANSPORT_NAMES] for library in LIBRARIES},
    GENAI_MODULE: [_MethodPatch(GENAI_CLIENT, USE_AIOHTTP, _preferring_httpx)],
}
_IMPORT_HOOK = ImportHook(_METHOD_PATCHES.keys(), _patch_module)
