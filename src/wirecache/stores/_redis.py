"""How do several machines share entries? In Redis, or Valkey, which gets so much time to answer and no more."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

from wirecache.errors import ConfigError, StoreError
from wirecache.stores._breaker import Breaker, Line
from wirecache.stores._per_loop import ClientPerLoop, in_asyncio
from wirecache.stores._redis_url import place_of

__all__ = ["RedisStore"]

T = TypeVar("T")
BATCH = 500  # keys that are listed, or dropped, at a time


class RedisStore:
    """Entries in Redis, for many machines; safe for threads, event loops, and over a fork.

    ``url``: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, ``unix:///path``, ``redis+sentinel://host,host2/service/0``,
    ``redis+cluster://host,host2``. ``prefix``: of every key; ``clear`` and ``keys`` see no other. ``timeout``: seconds that connecting,
    and each operation, may take. ``max_connections``: at a time, for threads and for each event loop. ``options`` are redis-py's own
    (``ssl_ca_certs=``, ``credential_provider=``); they may also be in the URL's query.

    When Redis does not answer in time, ``StoreError`` says so; from then on it is raised at once, until Redis answers again, which a
    thread finds out. Entries expire by Redis's own means. Passwords are in no message.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "wirecache:",
        timeout: float = 0.25,
        max_connections: int = 64,
        **options: Any,
    ) -> None:
        try:
            import redis  # noqa: F401
        except ImportError as error:
            raise ImportError("RedisStore needs the redis package: pip install 'wirecache[redis]'") from error
        if not timeout > 0:
            raise ConfigError(f"timeout= is {timeout!r}; allowed: seconds above 0")
        if max_connections < 1:
            raise ConfigError(f"max_connections= is {max_connections!r}; allowed: a number from 1 on")
        self.prefix = prefix
        self.timeout = timeout
        self.max_connections = max_connections
        self._place = place_of(url, options)
        self._check_options()
        self._breaker: Breaker[Any] = Breaker(self._connected, self._outage, timeout)
        self._per_loop = ClientPerLoop(partial(self._place.async_client, timeout, max_connections), max_connections)
        self._slots = threading.BoundedSemaphore(max_connections)
        _stores.add(self)

    def __repr__(self) -> str:
        return f"RedisStore({self._place.text!r}, prefix={self.prefix!r})"

    @property
    def location(self) -> tuple[str, str]:
        """Where the entries are: two stores of one location are one store."""
        return self._place.text, self.prefix

    def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        value: bytes | None = self._do(lambda client: client.get(self.prefix + key))
        return value

    async def aget(self, key: str) -> bytes | None:
        """The same on an event loop, by redis.asyncio; under trio, and for the first time, in a thread."""
        return await self._ado(lambda client: client.get(self.prefix + key), lambda: self.get(key))

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The value and the seconds that are left to it (None: for ever), or None."""
        return _with_ttl(self._do(lambda client: _value_and_pttl(client, self.prefix + key)))

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The same on an event loop."""
        name = self.prefix + key
        in_thread = partial(self._do, lambda client: _value_and_pttl(client, name))
        return _with_ttl(await self._ado(lambda client: _value_and_pttl(client, name), in_thread))

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key."""
        if ttl is not None and ttl <= 0:
            self.delete(key)
        else:
            self._do(lambda client: client.set(self.prefix + key, value, px=_milliseconds(ttl)))

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key; was there none? Of several machines at once, one is told so."""
        return bool(self._do(lambda client: client.set(self.prefix + key, value, px=_milliseconds(ttl), nx=True)))

    def delete(self, key: str) -> bool:
        """Drop the key; was there one?"""
        return bool(self._do(lambda client: client.unlink(self.prefix + key)))

    def keys(self) -> Iterator[str]:
        """The keys, in no order. What is stored or dropped meanwhile may be listed or not."""
        match = re.sub(r"([*?\[\]\\^])", r"\\\1", self.prefix) + "*"
        found: Iterator[bytes] = iter(self._do(lambda client: client.scan_iter(match=match, count=BATCH)))
        seen: set[bytes] = set()  # SCAN may name a key twice
        while (name := self._do(lambda _: next(found, None))) is not None:
            if name not in seen:
                seen.add(name)
                yield name.decode("utf-8", "replace")[len(self.prefix) :]

    def clear(self) -> None:
        """Drop everything that has the prefix."""
        keys = self.keys()
        while batch := list(islice(keys, BATCH)):
            self._do(partial(_unlink, names=[self.prefix + key for key in batch]))

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        line = self._breaker.reset()
        self._per_loop.close_all()
        if line is not None:
            line.client.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of the threads."""
        line = self._breaker.reset()
        if in_asyncio():
            await self._per_loop.aclose()
        if line is not None:
            line.client.close()

    # -- each operation, and what can go wrong ----------------------------------------------------------------------

    def _do(self, action: Callable[[Any], T]) -> T:
        with self._slots:  # who waited here while Redis went down is refused now
            line = self._breaker.line()
            try:
                return action(line.client)
            except Exception as error:
                raise self._failed(line, error) from error

    async def _ado(self, action: Callable[[Any], Awaitable[T]], in_thread: Callable[[], T]) -> T:
        line = self._breaker.current
        if line is None:
            self._breaker.raise_if_down()
        if line is None or not in_asyncio():
            from anyio.to_thread import run_sync

            return await run_sync(in_thread)
        mine = await self._per_loop.of(line)
        async with mine.slots:
            self._breaker.raise_if_down()
            try:
                try:
                    return await action(mine.client)
                except Exception as error:
                    pool = getattr(mine.client, "connection_pool", None)
                    if pool is None or not _is_cut(error):
                        raise
                    await pool.disconnect(inuse_connections=False)
                    return await action(mine.client)
            except Exception as error:
                raise self._failed(line, error) from error

    def _failed(self, line: Line[Any], error: Exception) -> StoreError:
        if _is_outage(error):
            return self._breaker.failed(line, error)
        return StoreError(self._place.hidden(f"{self._place.text}: {type(error).__name__}: {error}"))

    def _outage(self, error: BaseException | None) -> str:
        cause = f"no answer within {self.timeout:g} s" if error is None else f"{type(error).__name__}: {error}"
        return self._place.hidden(f"{self._place.text} does not serve ({cause}); it is asked again every few seconds")

    def _connected(self) -> Any:
        """A client that has just got an answer."""
        client = self._place.client(self.timeout, self.max_connections)
        try:
            client.get(self.prefix)
        except Exception as error:
            if _is_outage(error):
                client.close()
                raise
        return client

    def _check_options(self) -> None:
        """redis-py refuses an option that it does not know when it connects: too late."""
        if self._place.kind != "cluster":  # which would have to connect
            try:
                self._place.client(self.timeout, self.max_connections).connection_pool.make_connection()
            except (TypeError, ValueError) as error:
                raise ConfigError(self._place.hidden(f"{self._place.text}: {error}")) from None


def _is_outage(error: BaseException) -> bool:
    """Is it Redis as a whole that fails, for whatever key? A wrong password is, a full memory is not: it can be read."""
    import redis.exceptions as r

    return isinstance(error, (r.ConnectionError, r.TimeoutError, r.ClusterDownError, r.RedisClusterException, OSError))


def _is_cut(error: BaseException) -> bool:
    """Was the connection closed while nobody looked? A thread sees that when it takes it; an event loop must turn first, and does not."""
    import redis.exceptions as r

    return type(error) is r.ConnectionError


def _milliseconds(ttl: float | None) -> int | None:
    return None if ttl is None else max(1, int(ttl * 1000))


def _value_and_pttl(client: Any, name: str) -> Any:
    return client.pipeline(transaction=False).get(name).pttl(name).execute()


def _with_ttl(found: Any) -> tuple[bytes, float | None] | None:
    value, left = cast("tuple[bytes | None, int]", found)
    return None if value is None else (value, left / 1000 if left >= 0 else None)


def _unlink(client: Any, names: list[str]) -> None:
    """One by one in one go: a cluster refuses several keys in one command."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.unlink(name)
    pipeline.execute()


_stores: weakref.WeakSet[RedisStore] = weakref.WeakSet()


def _after_fork() -> None:
    """The sockets are the parent's: the child opens its own."""
    for store in list(_stores):
        store._slots = threading.BoundedSemaphore(store.max_connections)
        store._per_loop.forget()
        line = store._breaker.reset_after_fork()
        if line is not None:
            _of_the_parent.append(line)


_of_the_parent: list[Line[Any]] = []  # kept, since dropping them might lock what another thread of the parent held

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
