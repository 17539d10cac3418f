"""What is tested with each framework, attached and under ``install``. Imports none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from tests.provider import Provider
from tests.sdk.wire import no_sockets
from wirecache import Cache, attach, detach, install
from wirecache._clients.discovery import discover

__all__ = ["How", "Row", "check", "each_way"]

How = Literal["attach", "install"]
each_way = pytest.mark.parametrize("how", ["attach", "install"])


@dataclass(frozen=True)
class Row:
    """A framework's object: how it is created and called, and what ``attach`` is given."""

    name: str
    make: Callable[[str], Any]  # from the provider's URL
    ask: Callable[[Any], Any] | None = None
    ask_async: Callable[[Any], Awaitable[Any]] | None = None
    target: Callable[[Any], Any] = lambda made: made

    def __str__(self) -> str:
        return self.name


def check(row: Row, how: How, provider: Provider, cache: Cache) -> None:
    """Only the first call is sent, no further one, sync or async; and each is sent again when the cache is removed."""
    made = row.make(provider.url)
    target = row.target(made)
    installed = install(cache) if how == "install" else None
    with asyncio.Runner() as loop:
        if installed is None:
            assert attach(target, cache) is target
            attach(target, cache)
        calls = [call for call in (row.ask, row.ask_async) if call is not None]
        loop.run(_settled(calls[0](made))) if calls[0] is row.ask_async else calls[0](made)
        assert provider.calls == 1, provider.requests
        with no_sockets():
            _ask_all(row, made, loop)
        assert provider.calls == 1
        assert cache.stats.hits == len(calls)
        installed.__exit__() if installed is not None else detach(target)
        _ask_all(row, made, loop)
        assert (provider.calls, cache.stats.hits) == (1 + len(calls), len(calls)), (provider.requests, cache.stats)
        loop.run(_close(made, target))


def _ask_all(row: Row, made: Any, loop: asyncio.Runner) -> None:
    if row.ask is not None:
        row.ask(made)
    if row.ask_async is not None:
        loop.run(_settled(row.ask_async(made)))


async def _settled(value: Awaitable[Any]) -> Any:
    return await value


async def _close(*objects: Any) -> None:
    """Frameworks leave their connections to the garbage collector."""
    for each in objects:
        try:
            clients = [patch.target for patch in discover(each).patches if patch.name == "_transport_for_url"]
        except Exception:
            continue
        for client in clients:
            await client._transport.aclose() if hasattr(client, "aclose") else client._transport.close()
