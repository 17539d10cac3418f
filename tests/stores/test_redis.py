"""What only a RedisStore has: URLs, prefixes, Sentinel, clusters, TLS."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.redis_server import RedisServer
from tests.stores.contract import KEY, OTHER, until
from tests.tls import TlsProxy
from wirecache import ConfigError, RedisStore, StoreError


def both(store: RedisStore) -> list[object]:
    """What each colour reads; the second read on a loop is native."""

    async def read() -> list[object]:
        return [await store.aget(KEY), await store.aget(KEY), await store.aget_with_ttl(KEY)]

    return [store.get(KEY), *asyncio.run(read())]


def in_use(store: RedisStore) -> None:
    """It does all that a store does."""
    store.set(KEY, b"value", ttl=None)
    store.set(OTHER, b"other", ttl=60)
    assert both(store) == [b"value", b"value", b"value", (b"value", None)]
    assert store.add(KEY, b"second", ttl=60) is False
    store.add_hits({KEY: 2})
    assert store.hits() == {KEY: 2}
    assert sorted(store.keys()) == [KEY, OTHER]
    assert store.delete(OTHER) is True
    store.clear()
    assert list(store.keys()) == []
    store.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


def test_over_a_unix_socket(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("r")
    with RedisServer(folder, unixsocket=str(folder / "s")):
        in_use(RedisStore(f"unix://{folder / 's'}?db=3"))


def test_each_prefix_and_database_is_a_store_of_its_own(server: RedisServer) -> None:
    stores = [RedisStore(server.url), RedisStore(server.url, prefix="wire*:"), RedisStore(server.url[:-1] + "1")]
    assert len({store.location for store in stores}) == 3
    for n, store in enumerate(stores):
        store.set(KEY, b"%d" % n, ttl=None)
    assert [store.get(KEY) for store in stores] == [b"0", b"1", b"2"]
    stores[1].clear()  # its star is none
    assert [store.get(KEY) for store in stores] == [b"0", None, b"2"]
    for store in stores:
        store.close()


def test_clear_leaves_what_others_have_there(server: RedisServer) -> None:
    store = RedisStore(server.url)
    with redis.Redis.from_url(server.url) as other:
        other.set("mine", "kept")
        for n in range(1200):
            store.set(f"{n:064x}", b"value", ttl=None)
        store.clear()
        assert other.keys() == [b"mine"]
    store.close()


def test_entries_expire_by_redis_itself(server: RedisServer) -> None:
    store = RedisStore(server.url)
    store.set(KEY, b"value", ttl=90.5)
    store.set(OTHER, b"value", ttl=None)
    with redis.Redis.from_url(server.url) as other:
        assert 80_000 < other.pttl(f"wirecache:{KEY}") <= 90_500
        assert other.pttl(f"wirecache:{OTHER}") == -1
    store.close()


def test_counters_of_hits_end_with_what_they_count(server: RedisServer) -> None:
    store = RedisStore(server.url, timeout=10)
    keys = {what: f"{n:064x}" for n, what in enumerate(("day", "week", "forever", "evicted", "absent"))}
    for what, ttl in (("day", 86_400.0), ("week", 604_800.0), ("forever", None), ("evicted", 60.0)):
        store.set(keys[what], b"value", ttl=ttl)
    with redis.Redis.from_url(server.url) as other:
        for _ in range(2):
            store.add_hits(dict.fromkeys(keys.values(), 1))
            left = {what: other.pttl(f"wirecache:hits:{key}") for what, key in keys.items()}
            assert 86_000_000 < left["day"] <= 86_400_000
            assert 604_000_000 < left["week"] <= 604_800_000
            assert (left["forever"], left["absent"]) == (-1, -2)
            other.delete(f"wirecache:{keys['evicted']}")
        assert store.hits() == {keys[what]: 2 for what in ("day", "week", "forever")}
        store.set(keys["forever"], b"value", ttl=60)
        store.delete(keys["week"])
        assert sorted(other.keys("*hits*")) == [f"wirecache:hits:{keys['day']}".encode()]
        store.clear()
        assert other.dbsize() == 0
    store.close()


def test_an_entry_is_set_and_its_hits_are_counted_in_few_round_trips(server: RedisServer) -> None:
    store = RedisStore(server.url, timeout=10)
    keys = [f"{n:064x}" for n in range(1200)]
    for key in keys:
        store.set(key, b"value", ttl=60)
    with redis.Redis.from_url(server.url) as other:
        sent = other.info("stats")["total_reads_processed"]
        store.set(KEY, b"value", ttl=60)
        store.add_hits(dict.fromkeys(keys, 3))
        assert other.info("stats")["total_reads_processed"] - sent < 400  # long ones take several reads
    assert store.hits() == dict.fromkeys(keys, 3)
    assert sorted(store.keys()) == sorted([*keys, KEY])
    store.close()


def test_a_counter_that_is_no_number_is_replaced(server: RedisServer) -> None:
    store = RedisStore(server.url, timeout=10)
    with redis.Redis.from_url(server.url) as other:
        for key in (KEY, OTHER):
            store.set(key, b"value", ttl=60)
        store.add_hits({KEY: 1, OTHER: 1})
        for write in (lambda name: other.set(name, "many"), lambda name: other.rpush(name, "a list")):
            other.delete(f"wirecache:hits:{KEY}")
            write(f"wirecache:hits:{KEY}")
            assert OTHER in store.hits()
            with pytest.raises(StoreError):
                store.add_hits({KEY: 1, OTHER: 1})
            store.add_hits({KEY: 1})
            assert 59_000 < other.pttl(f"wirecache:hits:{OTHER}") <= 60_000
        assert store.hits() == {KEY: 1, OTHER: 3}
    store.close()


def test_threads_share_a_bounded_pool(server: RedisServer) -> None:
    store = RedisStore(server.url, max_connections=4, timeout=10)
    store.set(KEY, b"value", ttl=None)
    found: list[bytes | None] = []
    threads = [threading.Thread(target=lambda: found.extend(store.get(KEY) for _ in range(20))) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def many() -> list[bytes | None]:
        await store.aget(KEY)
        return await asyncio.gather(*(store.aget(KEY) for _ in range(500)))

    found += asyncio.run(many())
    assert found == [b"value"] * (32 * 20 + 500)
    with redis.Redis.from_url(server.url) as other:
        assert other.info("stats")["total_connections_received"] <= 4 + 4 + 1
    store.close()


def test_the_master_that_sentinel_names(server: RedisServer, tmp_path: Path) -> None:
    monitor = f"sentinel monitor the-service 127.0.0.1 {server.port} 1\n"
    with RedisServer(tmp_path / "sentinel", sentinel=monitor) as sentinel:
        hosts = f"127.0.0.1:1,127.0.0.1:{sentinel.port}"
        in_use(RedisStore(f"redis+sentinel://{hosts}/the-service/2"))
        unknown = RedisStore(f"redis+sentinel://{hosts}/another-service")
        with pytest.raises(StoreError, match="another-service"):
            unknown.get(KEY)
        unknown.close()


def test_a_cluster(tmp_path: Path) -> None:
    """Three nodes, each with a third of the slots."""
    options = {"cluster_enabled": "yes", "cluster_node_timeout": "2000"}
    with ExitStack() as running:
        servers = [running.enter_context(RedisServer(tmp_path / str(n), **options)) for n in range(3)]
        nodes = [running.enter_context(redis.Redis(port=server.port)) for server in servers]
        for node, slots in zip(nodes, [range(5462), range(5462, 10923), range(10923, 16384)], strict=True):
            node.execute_command("CLUSTER ADDSLOTS", *slots)
        for server in servers[1:]:
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port)
        until(lambda: all(knows_all(node) for node in nodes))
        store = RedisStore(f"redis+cluster://127.0.0.1:1,127.0.0.1:{servers[1].port}", timeout=5)
        in_use(store)
        for n in range(100):
            store.set(f"{n:064x}", b"%d" % n, ttl=60)
        assert len(list(store.keys())) == 100
        counts = {f"{n:064x}": n + 1 for n in range(100)}
        store.add_hits(counts)
        assert store.hits() == counts
        assert all(node.dbsize() for node in nodes)
        store.clear()
        assert [node.dbsize() for node in nodes] == [0, 0, 0]
        store.close()


def knows_all(node: redis.Redis) -> bool:
    info = node.execute_command("CLUSTER INFO")
    return {"cluster_state": "ok", "cluster_known_nodes": "3"}.items() <= info.items()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host", "must begin with redis, rediss, unix, redis+sentinel"),
        ("redis:host", "must begin with redis"),
        ("redis://:s3cret@host/first", "must be a number, got 'first'"),
        ("redis://:s3cret@host:port", "not a URL of a Redis"),
        ("redis://:s3cret@host?nothing=1", "nothing"),
        ("redis+sentinel://:s3cret@host", "names no service"),
        ("redis+cluster://:s3cret@host/3", "only database 0"),
        ("redis+cluster://:s3cret@host,,other", "a host is missing"),
    ],
)
def test_a_wrong_url_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        RedisStore(url)
    assert words in str(error.value)
    assert "s3cret" not in str(error.value)


def test_wrong_options() -> None:
    with pytest.raises(ConfigError, match=r"timeout must be .* got 0"):
        RedisStore(timeout=0)
    with pytest.raises(ConfigError, match=r"max_connections must be .* got 0"):
        RedisStore(max_connections=0)
    with pytest.raises(ConfigError, match="nothing"):
        RedisStore(nothing=1)


def test_no_password_is_seen() -> None:
    url = "rediss+sentinel://user:s3cret@a:1,b/service/0?sentinel_password=other-s3cret&ssl_ca_certs=ca.pem"
    store = RedisStore(url, ssl_password="third-s3cret")
    assert repr(store) == "RedisStore('rediss+sentinel://a:1,b/service/0', prefix='wirecache:')"
    assert "s3cret" not in str(store.location) + repr(store._address) + repr(store._clients.breaker)


def test_without_redis_py_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"pip install 'wirecache\[redis\]'"):
        RedisStore()


def test_over_tls(server: RedisServer, tmp_path: Path) -> None:
    """A proxy speaks TLS, as redis-server does where it was built with it."""
    with TlsProxy(server.port, tmp_path) as proxy:
        in_use(RedisStore(f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={proxy.certificate}", timeout=5))
        distrusting = RedisStore(f"rediss://127.0.0.1:{proxy.port}/0", timeout=5)
        with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
            distrusting.get(KEY)
        distrusting.close()
