"""A store in Redis or Valkey, which many machines can share, with a time limit on each operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

from wirecache._runtime.forks import reset_after_fork
from wirecache.errors import ConfigError
from wirecache.stores._redis_clients import RedisClients
from wirecache.stores._redis_commands import add_hits, hits_of, milliseconds, raise_first, set_value, unlink, value_and_pttl, values_of
from wirecache.stores._redis_counter import RedisCounter
from wirecache.stores._redis_url import parse_redis_url

__all__ = ["RedisStore"]

T = TypeVar("T")
BATCH = 500  # keys per listing command, or per deleting or counting pipeline
READ_BATCH = 100  # values per reading pipeline, which has the time limit of one operation
HITS = "hits:"  # after the prefix: the counter of how often the value of a key was reused
COUNTER = "wirecache-budget:"  # the prefix of counters, which are not entries


class RedisStore:
    """Entries in Redis, for many machines; safe for threads, event loops, and over a fork.

    ``url``: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, ``unix:///path``, ``redis+sentinel://host,host2/service/0``,
    ``redis+cluster://host,host2``. ``prefix``: of every key; ``clear`` and ``keys`` see no others. ``timeout``: seconds that connecting,
    and each operation, may take. ``max_connections``: the limit for all threads, and for each event loop. ``options`` are redis-py's own
    (``ssl_ca_certs=``, ``credential_provider=``); they may also be in the URL's query.

    If Redis does not answer in time, a ``StoreError`` is raised, from then on without delay, until a background thread finds that it
    answers again. Redis itself expires the entries. Passwords never appear in messages.
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
            raise ConfigError(f"timeout must be a number of seconds above 0, got {timeout!r}")
        if max_connections < 1:
            raise ConfigError(f"max_connections must be an integer of at least 1, got {max_connections!r}")
        self.prefix = prefix
        self.timeout = timeout
        self.max_connections = max_connections
        self._address = parse_redis_url(url, options)
        self._clients = RedisClients(self._address, timeout=timeout, max_connections=max_connections, probe_key=prefix)
        self._counter = RedisCounter(self._clients.run, f"{COUNTER}{{{prefix}}}")
        reset_after_fork(self)

    def __repr__(self) -> str:
        return f"RedisStore({self._address.text!r}, prefix={self.prefix!r})"

    @property
    def location(self) -> tuple[str, str]:
        """Where the entries are: two stores of one location are one store."""
        return self._address.text, self.prefix

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        value: bytes | None = self._run(lambda client: client.get(self.prefix + key))
        return value

    async def aget(self, key: str) -> bytes | None:
        """Return the value under the key, or None. It uses redis.asyncio; under trio, and the first time, a thread."""
        return await self._clients.arun(lambda client: client.get(self.prefix + key), lambda: self.get(key))

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return _with_ttl(self._run(lambda client: value_and_pttl(client, self.prefix + key)))

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        action = partial(value_and_pttl, name=self.prefix + key)
        return _with_ttl(await self._clients.arun(action, lambda: self._run(action)))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one, ``READ_BATCH`` of them in a round trip."""
        found: dict[str, bytes] = {}
        rest = iter(keys)
        while batch := list(islice(rest, READ_BATCH)):
            values = self._run(partial(values_of, names=[self.prefix + key for key in batch]))
            found |= {key: value for key, value in zip(batch, values, strict=True) if value is not None}
        return found

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        if ttl is not None and ttl <= 0:
            self.delete(key)
        else:
            name, counter = self._names(key)
            self._run(partial(set_value, name=name, counter=counter, value=value, ttl=ttl))

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key. Return whether it was kept: of several machines at once, one gets True."""
        return bool(self._run(lambda client: client.set(self.prefix + key, value, px=milliseconds(ttl), nx=True)))

    def delete(self, key: str) -> bool:
        """Delete the key. Return whether there was a value."""
        return bool(self._run(partial(unlink, names=self._names(key)))[0])

    def add_hits(self, counts: Mapping[str, int]) -> None:
        """Add to how often the value of each key was reused.

        The counters are keys beside those of the values and expire with them; Redis may also evict them. A single hash would keep the
        counts of values that are long gone, and be on one node of a cluster.
        """
        rest = iter(counts.items())
        while batch := {self._names(key): count for key, count in islice(rest, BATCH)}:
            self._run(partial(add_hits, counts=batch))

    def hits(self) -> dict[str, int]:
        """Return how often the value of each key was reused since it was set, by all machines; none that never was."""
        found: dict[str, int] = {}
        keys = self._scan(HITS)
        while batch := list(islice(keys, BATCH)):
            counts = self._run(partial(hits_of, names=[*map(self._names, batch)]))
            found |= {key: count for key, count in zip(batch, counts, strict=True) if count}
        return found

    def keys(self) -> Iterator[str]:
        """Return the keys, in no order. What is stored or deleted meanwhile may be listed or not."""
        return (key for key in self._scan() if not key.startswith(HITS))

    def _scan(self, start: str = "") -> Iterator[str]:
        """Yield the names under the prefix that begin with ``start``, without the two."""
        prefix = self.prefix + start
        match = re.sub(r"([*?\[\]\\^])", r"\\\1", prefix) + "*"
        names: Iterator[bytes] = iter(self._run(lambda client: client.scan_iter(match=match, count=BATCH)))
        seen: set[bytes] = set()  # SCAN may return a key twice
        while (name := self._run(lambda _: next(names, None))) is not None:
            if name not in seen and not name.startswith(COUNTER.encode()):
                seen.add(name)
                yield name.decode("utf-8", "replace")[len(prefix) :]

    def count(self, counter: str, amounts: Mapping[str, int], *, ttl: float) -> dict[str, int]:
        """Add the amounts to a counter that all machines share, and return its sums. It is kept for ``ttl`` seconds from now."""
        return self._counter.count(counter, amounts, ttl)

    def clear(self) -> None:
        """Delete every key that has the prefix, but no counter of a budget."""
        names = (self.prefix + rest for rest in self._scan())
        while batch := list(islice(names, BATCH)):
            self._run(partial(unlink, names=batch))

    def close(self) -> None:
        """Close the connections. The next use opens them again."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of the threads."""
        await self._clients.aclose()

    def after_fork(self) -> None:
        """Drop the connections, which belong to the parent."""
        self._clients.after_fork()
        self._counter.after_fork()

    def _names(self, key: str) -> tuple[str, str]:
        """Return the names of a value and of its counter."""
        return self.prefix + key, self.prefix + HITS + key

    def _run(self, action: Callable[[Any], T]) -> T:
        return self._clients.run(action)


def _with_ttl(value_and_pttl: list[Any]) -> tuple[bytes, float | None] | None:
    value, left = cast("tuple[bytes | None, int]", raise_first(value_and_pttl))
    return None if value is None else (value, left / 1000 if left >= 0 else None)
