"""Which store a text, a list, a variable or a settings file means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wirecache import Cache, ConfigError, DiskStore, MemoryStore, RedisStore, TieredStore


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


SENTINELS = "redis+sentinel://a:1,b:2/service/0"
REPRS = {
    "memory://": "MemoryStore(max_entries=10000, max_bytes=256000000)",
    "memory://?max_bytes=64MB&max_entries=7": "MemoryStore(max_entries=7, max_bytes=64000000)",
    "disk:///a%20b?size_limit=1GB": "DiskStore('/a b')",
    "disk://~/x": "DiskStore('{}/home/x')",
    "~/x": "DiskStore('{}/home/x')",
    "a,b": "DiskStore('{}/a,b')",
    "redis://u:p@h:1/2?prefix=x:&timeout=0.5&max_connections=3": "RedisStore('redis://h:1/2', prefix='x:')",
    "unix:///s?db=1": "RedisStore('unix:///s', prefix='wirecache:')",
    SENTINELS: f"RedisStore('{SENTINELS}', prefix='wirecache:')",
    "s3://bucket/a%20b?region=eu-west-1&timeout=5": "ObjectStore('s3://bucket/a b')",
    "memory://,s3://bucket/x?region=eu-west-1&mode=ro": "TieredStore([MemoryStore(max_entries=10000, max_bytes=256000000), "
    "ReadOnlyStore(ObjectStore('s3://bucket/x'))])",
    f"memory://, ./x,{SENTINELS}": "TieredStore([MemoryStore(max_entries=10000, max_bytes=256000000), DiskStore('{}/x'), "
    f"RedisStore('{SENTINELS}', prefix='wirecache:')])",
}


@pytest.mark.parametrize(("text", "expected"), REPRS.items())
@pytest.mark.parametrize("by", ["argument", "variable", "list"])
def test_texts(text: str, expected: str, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "variable":
        monkeypatch.setenv("WIRECACHE_STORE", text)
        cache = Cache()
    elif by == "list" and not expected.startswith("Tiered"):
        cache = Cache([text])
    else:
        cache = Cache(text)
    assert repr(cache.store) == expected.replace("{}", str(tmp_path))


def test_a_list_is_tiers(tmp_path: Path) -> None:
    memory = MemoryStore()
    cache = Cache(store=[memory, tmp_path / "x", "redis://h"])
    assert isinstance(cache.store, TieredStore)
    assert cache.store.tiers[0] is memory
    assert [type(tier) for tier in cache.store.tiers] == [MemoryStore, DiskStore, RedisStore]


def test_options_arrive(tmp_path: Path) -> None:
    redis = Cache("redis://h?timeout=0.5&max_connections=3&socket_keepalive=yes").store
    assert isinstance(redis, RedisStore)
    assert (redis.timeout, redis.max_connections, redis._address.options["socket_keepalive"]) == (0.5, 3, True)
    disk = Cache(f"disk://{tmp_path}/x?size_limit=1MB&lock_wait=2&open_wait=4").store
    assert isinstance(disk, DiskStore)
    assert (disk.size_limit, disk.lock_wait, disk.open_wait) == (10**6, 2.0, 4.0)


def test_a_settings_file(tmp_path: Path) -> None:
    (tmp_path / "wirecache.toml").write_text('store = ["memory://", "x", "redis://h"]')
    store = Cache().store
    assert isinstance(store, TieredStore)
    assert [type(tier) for tier in store.tiers] == [MemoryStore, DiskStore, RedisStore]
    assert repr(store.tiers[1]) == f"DiskStore('{tmp_path / 'x'}')"
    (tmp_path / "wirecache.toml").write_text('store = "memory://"')
    assert isinstance(Cache().store, MemoryStore)


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (
            "ftp://x",
            ["store must be a path, or a URL that begins with memory, disk, redis, rediss, unix, redis+sentinel", "got the scheme 'ftp'"],
        ),
        ("memory://?max_byte=1", ["options must be among max_entries, max_bytes, got 'max_byte'"]),
        ("memory://?max_entries=many", ["max_entries must be a number, got 'many'"]),
        ("memory://x", ["memory:// without a path"]),
        ("disk://", ["store must name a directory"]),
        ("disk:///x?size_limit=huge", ["size_limit must be a number of bytes", "got 'huge'"]),
        ("redis://:secret@h?timeout=x", ["timeout must be a number, got 'x'"]),
        ([], ["empty list"]),
        (["memory://", 7], ["store[1] must be a path, a URL", "got 7"]),
        (7, ["store must be a path", "got 7"]),
    ],
)
def test_wrong_ones(store: Any, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        Cache(store)
    for word in words:
        assert word in str(error.value)
    assert "secret" not in str(error.value)
