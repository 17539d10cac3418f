"""Redis fails in the middle of a call: its connection ends after any byte of a reply, a reply is garbage, or comes by and by."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import redis

from tests.faults import echo
from tests.faults.seeds import seeds
from tests.listener import Listener
from tests.stores.contract import until
from wirecache import Cache, RedisStore

Warnings = Callable[[], list[str]]


class Between:
    """A port that passes on what Redis and its clients say, until it is told to spoil it.

    ``spoil`` gets each reply of the server, and returns what is passed on and whether the connection stays. ``size``: of the pieces.
    """

    size = 65536

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self.spoil: Callable[[bytes], tuple[bytes, bool]] = lambda data: (data, True)
        self._listener = Listener(self._serve)
        self.url = f"redis://127.0.0.1:{self._listener.port}{parts.path}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._address)
        except OSError:
            client.close()
            return
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()
        self._pass(client, server, False)

    def _pass(self, one: socket.socket, other: socket.socket, is_reply: bool) -> None:
        goes_on = True
        try:
            while goes_on and (data := one.recv(65536)):
                if is_reply:
                    data, goes_on = self.spoil(data)
                for at in range(0, len(data), self.size):
                    other.sendall(data[at : at + self.size])
        except OSError:
            pass
        for each in (one, other):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


@pytest.fixture
def between(redis_url: str) -> Iterator[Between]:
    running = Between(redis_url)
    yield running
    running.close()


@pytest.fixture
def store(between: Between, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisStore]:
    opened = RedisStore(between.url, prefix=f"{tmp_path_factory.mktemp('prefix').name}:", timeout=5)
    yield opened
    opened.close()


def recovered(cache: Cache) -> bool:
    echo.ask(cache, "after all")
    cache.flush()
    return bool(echo.ask(cache, "after all").hit)


def cut_after(count: int) -> Callable[[bytes], tuple[bytes, bool]]:
    """Return what lets so many bytes of a reply pass, and then ends the connection."""
    return lambda data: (data[:count], len(data) <= count)


def spoiled(draw: random.Random) -> Callable[[bytes], tuple[bytes, bool]]:
    def spoil(data: bytes) -> tuple[bytes, bool]:
        changed = bytearray(data)
        at = draw.randrange(len(changed))
        match draw.randrange(3):
            case 0:
                return bytes(changed[:at]), False
            case 1:
                changed[at] ^= 1 << draw.randrange(8)
            case 2:
                changed[at:at] = draw.randbytes(3)
        return bytes(changed), False

    return spoil


@pytest.mark.parametrize("count", [0, 1, 5, 100, 700])
def test_it_ends_within_a_reply(count: int, between: Between, store: RedisStore, warnings: Warnings) -> None:
    with Cache(store) as cache:
        echo.ask(cache, "hi")
        cache.flush()
        assert echo.ask(cache, "hi").hit
        between.spoil = cut_after(count)
        for prompt in ("hi", "new", "hi"):
            echo.ask(cache, prompt)
        cache.flush()
        between.spoil = lambda data: (data, True)
        until(lambda: recovered(cache), 30)
        assert len(warnings()) <= 1


def test_a_reply_is_garbage(between: Between, store: RedisStore) -> None:
    """Of an entry that was changed, its checksum tells; of a reply that is none, redis-py."""
    with Cache(store) as cache:
        for seed in seeds(4, each=5):
            between.spoil = lambda data: (data, True)
            until(lambda: recovered(cache), 30)
            between.spoil = spoiled(random.Random(seed))
            for prompt in ("after all", f"new {seed}", "after all"):
                echo.ask(cache, prompt)
            cache.flush()


def test_it_is_replaced_by_one_with_other_contents(redis_url: str, between: Between, store: RedisStore, warnings: Warnings) -> None:
    """Another server at the same address knows nothing, or holds another's values: misses, and no answer of somebody else."""
    with Cache(store) as cache, redis.Redis.from_url(redis_url) as other:
        keys = [echo.ask(cache, prompt).key for prompt in ("one", "two")]
        cache.flush()
        names = [next(iter(other.scan_iter(f"*{key}"))) for key in keys]
        values = [other.get(name) for name in names]
        other.mset({names[0]: values[1], names[1]: values[0]})
        for prompt in ("one", "two"):
            assert not echo.ask(cache, prompt).hit, "an entry of another key is none"
        cache.flush()
        other.delete(*names)
        for prompt in ("one", "two"):
            assert not echo.ask(cache, prompt).hit
            cache.flush()
            assert echo.ask(cache, prompt).hit
    assert len(warnings()) <= 2


def test_it_is_slow(between: Between, store: RedisStore) -> None:
    """A reply that comes a byte at a time is still one."""
    between.size = 1
    with Cache(store) as cache:
        echo.ask(cache, "hi")
        cache.flush()
        assert echo.ask(cache, "hi").hit
        assert cache.stats.store_errors == 0
