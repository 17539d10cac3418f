"""How does each event loop get a client of its own? A pool's connections live and die with the loop that made them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

__all__ = ["ClientPerLoop", "in_asyncio"]

CLOSE_WAIT = 1.0  # seconds that a thread waits for the connections of a loop in another thread


class _Mine:
    """What one loop has: the client, how many may use it at once, and the generator that closes it."""

    __slots__ = ("client", "ending", "line", "slots")

    def __init__(self, line: object, client: Any, connections: int) -> None:
        self.line = line
        self.client = client
        self.slots = asyncio.Semaphore(connections)
        self.ending: AsyncGenerator[None]


class ClientPerLoop:
    """When a loop ends, it closes the asynchronous generators that are left in it: one of them closes the client in turn."""

    def __init__(self, make: Callable[[], Any], connections: int) -> None:
        self._make = make
        self._connections = connections
        self._of_loop: dict[asyncio.AbstractEventLoop, _Mine] = {}

    async def of(self, line: object) -> _Mine:
        """This loop's client; another one for each line, since what broke with the old one shall not come up again."""
        loop = asyncio.get_running_loop()
        old = self._of_loop.get(loop)
        if old is not None and old.line is line:
            return old
        for ended in [other for other in list(self._of_loop) if other.is_closed()]:
            self._of_loop.pop(ended, None)
        mine = self._of_loop[loop] = _Mine(line, self._make(), self._connections)
        mine.ending = self._close_at_end(loop, mine)
        await anext(mine.ending)
        if old is not None:
            await old.ending.aclose()
        return mine

    async def _close_at_end(self, loop: asyncio.AbstractEventLoop, mine: _Mine) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            if self._of_loop.get(loop) is mine:
                del self._of_loop[loop]
            await _close(mine.client)

    async def aclose(self) -> None:
        """Close this loop's client."""
        mine = self._of_loop.get(asyncio.get_running_loop())
        if mine is not None:
            await mine.ending.aclose()

    def close_all(self) -> None:
        """Close the clients of all loops: those of other threads are waited for, this thread's own closes when it goes on."""
        here = asyncio.get_running_loop() if in_asyncio() else None
        for loop, mine in list(self._of_loop.items()):
            if loop.is_closed() or not loop.is_running():
                self._of_loop.pop(loop, None)
            elif loop is here:
                self._of_loop.pop(loop, None)
                _closing.add(task := loop.create_task(_end(mine)))
                task.add_done_callback(_closing.discard)
            else:
                try:
                    asyncio.run_coroutine_threadsafe(_end(mine), loop).result(CLOSE_WAIT)
                except Exception:  # the loop has ended meanwhile, and closed it
                    self._of_loop.pop(loop, None)

    def forget(self) -> None:
        """After a fork: they are the parent's."""
        _of_the_parent.append(self._of_loop)
        self._of_loop = {}


_closing: set[asyncio.Task[None]] = set()
_of_the_parent: list[object] = []


async def _end(mine: _Mine) -> None:
    await mine.ending.aclose()


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
