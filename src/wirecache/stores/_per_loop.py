"""How does each event loop get a client of its own? A pool's connections live and die with the loop that made them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

__all__ = ["ClientPerLoop", "in_asyncio"]

CLOSE_WAIT = 1.0  # seconds that a thread waits for the connections of a loop in another thread


class _Mine:
    """What one loop has: the client, how many may use it at once, and the generator that closes it."""

    __slots__ = ("client", "ending", "line", "loop", "slots")

    def __init__(self, line: object, client: Any, connections: int) -> None:
        self.line = line
        self.client = client
        self.loop = asyncio.get_running_loop()
        self.slots = asyncio.Semaphore(connections)
        self.ending: AsyncGenerator[None]


class ClientPerLoop:
    """When a loop ends, it closes the asynchronous generators that are left in it: one of them closes the client in turn."""

    def __init__(self, make: Callable[[], Any], connections: int) -> None:
        self._make = make
        self._connections = connections
        self._of_loop: dict[asyncio.AbstractEventLoop, _Mine] = {}
        self._open: set[_Mine] = set()  # those, and others that are not closed yet

    async def of(self, line: object) -> _Mine:
        """This loop's client; another one for each line, since what broke with the old one shall not come up again."""
        loop = asyncio.get_running_loop()
        old = self._of_loop.get(loop)
        if old is not None and old.line is line:
            return old
        self._forget_ended()
        mine = self._of_loop[loop] = _Mine(line, self._make(), self._connections)
        self._open.add(mine)
        mine.ending = self._close_at_end(mine)
        await anext(mine.ending)
        if old is not None:
            await _end(old)
        return mine

    async def _close_at_end(self, mine: _Mine) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._drop(mine)
            await _close(mine.client)

    def _drop(self, mine: _Mine) -> None:
        self._open.discard(mine)
        if self._of_loop.get(mine.loop) is mine:
            del self._of_loop[mine.loop]

    def _forget_ended(self) -> None:
        """A loop that was closed without its generators being so has none of its sockets any more."""
        for mine in [mine for mine in list(self._open) if mine.loop.is_closed()]:
            self._drop(mine)

    async def aclose(self) -> None:
        """Close this loop's client."""
        mine = self._of_loop.get(asyncio.get_running_loop())
        if mine is not None:
            await _end(mine)

    def close_all(self) -> None:
        """Close the clients of all loops. This thread's own cannot turn now: its client is closed by the next one, or with the loop."""
        self._forget_ended()
        here = asyncio.get_running_loop() if in_asyncio() else None
        for mine in list(self._open):
            if mine.loop is not here and mine.loop.is_running():
                try:
                    asyncio.run_coroutine_threadsafe(_end(mine), mine.loop).result(CLOSE_WAIT)
                except Exception:  # the loop is ending, and closes it itself
                    pass

    def forget(self) -> None:
        """After a fork: they are the parent's."""
        _of_the_parent.append(self._open)
        self._of_loop, self._open = {}, set()


_of_the_parent: list[object] = []


async def _end(mine: _Mine) -> None:
    try:
        await mine.ending.aclose()
    except RuntimeError:  # another task is at it
        pass


async def _close(client: Any) -> None:
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    for each in (client, *(manager.sentinels if manager is not None else ())):
        try:
            await each.aclose()
        except Exception:  # it was broken; what it had is gone
            pass


def in_asyncio() -> bool:
    """Is it asyncio's event loop that runs here? redis-py knows no other."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
