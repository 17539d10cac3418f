"""The clients of Redis: one shared by all threads, and one per event loop, with a circuit breaker.

The breaker decides for all of them whether Redis is up: it connects the threads' client, and when that has been replaced, a loop creates a
new client, too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from wirecache._runtime.event_loops import PerEventLoop, in_asyncio
from wirecache._runtime.forks import keep_for_parent
from wirecache.errors import ConfigError, StoreError
from wirecache.stores._breaker import Breaker
from wirecache.stores._redis_url import RedisAddress

__all__ = ["RedisClients"]

T = TypeVar("T")


class _Connector(NamedTuple):
    """Creates clients. ``timeout``: seconds for connecting and for each operation. ``max_connections``: at a time."""

    address: RedisAddress
    timeout: float
    max_connections: int
    probe_key: str

    def connect(self) -> Any:
        """Return a client for threads that has just received an answer."""
        client = self.client()
        try:
            client.get(self.probe_key)
        except Exception as error:
            if _is_outage(error):
                client.close()
                raise
        return client

    def client(self) -> Any:
        """Return a client for threads, not connected yet."""
        return self.address.client(self.timeout, self.max_connections)

    def describe(self, error: BaseException | None) -> str:
        """Return the message of an outage."""
        cause = f"no answer within {self.timeout:g} s" if error is None else f"{type(error).__name__}: {error}"
        return self.address.redact(f"{self.address.text} is unavailable ({cause}); it is tried again every few seconds")


class _LoopClient:
    """The client of one event loop, and a limit on the tasks that use it at once."""

    __slots__ = ("client", "slots", "thread_client")

    def __init__(self, connector: _Connector, breaker: Breaker[Any]) -> None:
        self.client = connector.address.async_client(connector.timeout, connector.max_connections)
        self.slots = asyncio.Semaphore(connector.max_connections)
        self.thread_client = breaker.current  # to detect when this client must be replaced, too

    async def aclose(self) -> None:
        """Close the client and those of the Sentinels."""
        manager = getattr(getattr(self.client, "connection_pool", None), "sentinel_manager", None)
        for client in (self.client, *(manager.sentinels if manager is not None else ())):
            try:
                await client.aclose()
            except Exception:  # it was broken, and its connections are gone
                pass


class RedisClients:
    """The clients of one store. Errors are raised as ``StoreError``, during an outage without delay."""

    def __init__(self, address: RedisAddress, *, timeout: float, max_connections: int, probe_key: str) -> None:
        self._connector = _Connector(address, timeout, max_connections, probe_key)
        self._check_options()
        self.breaker: Breaker[Any] = Breaker(
            self._connector.connect, self._connector.describe, wait=timeout, polls=True, thread_name="wirecache-redis"
        )
        self._per_loop: PerEventLoop[_LoopClient] = PerEventLoop(partial(_LoopClient, self._connector, self.breaker), _LoopClient.aclose)
        self._slots = threading.BoundedSemaphore(max_connections)

    def run(self, action: Callable[[Any], T]) -> T:
        """Return the result of the action, called with the threads' client."""
        with self._slots:  # checked after waiting, in case Redis went down meanwhile
            client = self.breaker.get()
            try:
                return action(client)
            except Exception as error:
                raise self._store_error(client, error) from error

    async def arun(self, action: Callable[[Any], Awaitable[T]], in_thread: Callable[[], T]) -> T:
        """Return the result of the action, called with this loop's client; under trio and while not connected, that of ``in_thread``."""
        thread_client = self.breaker.current
        if thread_client is None:
            self.breaker.raise_if_down()
        if thread_client is None or not in_asyncio():
            from wirecache._runtime.beside_loop import run_beside_loop

            return await run_beside_loop(in_thread)
        mine = await self._per_loop.get()
        if mine.thread_client is not thread_client:
            mine = await self._per_loop.replace(mine)
        async with mine.slots:
            self.breaker.raise_if_down()
            try:
                return await _retry_if_cut(mine.client, action)
            except Exception as error:
                raise self._store_error(thread_client, error) from error

    def close(self) -> None:
        """Close the clients of threads and loops. The next use opens them again."""
        client = self.breaker.reset()
        self._per_loop.close_all()
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the clients of this loop and of the threads."""
        client = self.breaker.reset()
        if in_asyncio():
            await self._per_loop.aclose()
        if client is not None:
            client.close()

    def after_fork(self) -> None:
        """Leave the sockets to the parent; the child opens its own."""
        self._slots = threading.BoundedSemaphore(self._connector.max_connections)
        self.breaker.after_fork()
        client = self.breaker.reset()
        if client is not None:
            keep_for_parent(client)

    def _store_error(self, client: Any, error: Exception) -> StoreError:
        if _is_outage(error):
            return self.breaker.failed(client, error)
        address = self._connector.address
        return StoreError(address.redact(f"{address.text}: {type(error).__name__}: {error}"))

    def _check_options(self) -> None:
        """Raise ``ConfigError`` for an option that redis-py does not know, which it would only report when connecting."""
        address = self._connector.address
        if address.kind != "cluster":  # for which this would have to connect
            try:
                self._connector.client().connection_pool.make_connection()
            except (TypeError, ValueError) as error:
                raise ConfigError(address.redact(f"{address.text}: {error}")) from None


async def _retry_if_cut(client: Any, action: Callable[[Any], Awaitable[T]]) -> T:
    """Call the action, and again if the connection had been closed while it was idle.

    A thread notices that when it takes the connection from the pool; an event loop does not, without another iteration.
    """
    import redis.exceptions

    try:
        return await action(client)
    except Exception as error:
        pool = getattr(client, "connection_pool", None)
        if pool is None or type(error) is not redis.exceptions.ConnectionError:
            raise
    await pool.disconnect(inuse_connections=False)
    return await action(client)


def _is_outage(error: BaseException) -> bool:
    """Return whether Redis fails for every key: true of a wrong password, but not of full memory, which can still be read."""
    import redis.exceptions as r

    return isinstance(error, (r.ConnectionError, r.TimeoutError, r.ClusterDownError, r.RedisClusterException, OSError))
