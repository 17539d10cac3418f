"""Resources per event loop, for connection pools, whose connections are bound to the loop that opened them.

When a loop ends, asyncio's or trio's, it closes its remaining asynchronous generators; one of these closes the resource while the loop can
still do it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from wirecache._runtime.forks import keep_for_parent, reset_after_fork

__all__ = ["PerEventLoop", "in_asyncio", "running_loop"]

T = TypeVar("T")
CLOSE_WAIT = 1.0  # seconds that a thread waits for the resource of a loop in another thread


class _Entry(Generic[T]):
    """One loop's resource, and the generator that closes it."""

    __slots__ = ("closer", "is_forgotten", "loop", "resource")

    def __init__(self, loop: Any, resource: T) -> None:
        self.loop = loop
        self.resource = resource
        self.is_forgotten = False
        self.closer: AsyncGenerator[None]


class PerEventLoop(Generic[T]):
    """One resource for each event loop: ``make()`` returns a new one, ``close(resource)`` is awaited in its loop.

    In the child of a fork all are forgotten, since they belong to the parent.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> None:
        self._make = make
        self._close = close
        self._entries: dict[Any, _Entry[T]] = {}
        reset_after_fork(self)

    def current(self) -> T | None:
        """Return the running loop's resource, or None if it has none."""
        entry = self._entries.get(running_loop())
        return None if entry is None else entry.resource

    async def get(self) -> T:
        """Return the running loop's resource; a new one if it has none."""
        entry = self._entries.get(running_loop())
        return entry.resource if entry is not None else (await self._add()).resource

    async def replace(self, resource: T) -> T:
        """Close this resource of the running loop and return another one, which concurrent callers get, too."""
        old = self._entries.get(running_loop())
        if old is None or old.resource is not resource:
            return await self.get()
        new = await self._add()
        await _end(old)
        return new.resource

    async def aclose(self) -> None:
        """Close the running loop's resource."""
        entry = self._entries.get(running_loop())
        if entry is not None:
            await _end(entry)

    def close_all(self) -> None:
        """Close the resources of asyncio loops in other threads. The resource of this thread's loop is closed when that loop ends."""
        self._forget_closed_loops()
        here = asyncio.get_running_loop() if in_asyncio() else None
        for entry in list(self._entries.values()):
            loop = entry.loop
            if loop is not here and isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                try:
                    asyncio.run_coroutine_threadsafe(_end(entry), loop).result(CLOSE_WAIT)
                except Exception:  # the loop is ending and closes it itself
                    pass

    def forget(self) -> list[object]:
        """Stop managing the resources without closing them. Return what holds them."""
        entries, self._entries = list(self._entries.values()), {}
        for entry in entries:
            entry.is_forgotten = True
        return [*entries]

    def after_fork(self) -> None:
        """Forget all resources."""
        if self._entries:
            keep_for_parent(self.forget())

    async def _add(self) -> _Entry[T]:
        self._forget_closed_loops()
        loop = running_loop()
        entry = self._entries[loop] = _Entry(loop, self._make())
        entry.closer = _close_at_end(self._entries, entry, self._close)
        await anext(entry.closer)
        return entry

    def _forget_closed_loops(self) -> None:
        """Forget the resources of loops that were closed without ending their generators; their sockets are gone."""
        for loop in list(self._entries):
            if isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed():
                self._entries.pop(loop, None)


async def _close_at_end(entries: dict[Any, _Entry[T]], entry: _Entry[T], close: Callable[[T], Awaitable[object]]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        if entries.get(entry.loop) is entry:
            del entries[entry.loop]
        if not entry.is_forgotten:
            await close(entry.resource)


async def _end(entry: _Entry[Any]) -> None:
    try:
        await entry.closer.aclose()
    except RuntimeError:  # another task is closing it
        pass


def running_loop() -> Any:
    """Return the event loop of this thread: asyncio's, or the token of trio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_trio_token()


def in_asyncio() -> bool:
    """Return whether asyncio's event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
