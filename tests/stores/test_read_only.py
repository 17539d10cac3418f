"""Stores that are read and never changed: alone, encrypted, and among tiers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faces.ask import ask
from tests.faces.face import Face
from tests.provider import Provider
from tests.stores.contract import KEY, OTHER
from wirecache import Cache, ConfigError, DiskStore, EncryptedStore, MemoryStore, RedisStore, StoreError, TieredStore
from wirecache.stores import drop
from wirecache.stores._read_only import ReadOnlyStore, is_read_only


def files_of(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(directory.iterdir())}


@pytest.fixture(params=["disk", "redis", "memory", "encrypted"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> tuple[object, object]:
    """A store, and the store through which it is only read."""
    if request.param == "disk":
        return DiskStore(tmp_path / "team"), Cache(f"disk://{tmp_path}/team?mode=ro").store
    if request.param == "redis":
        url = f"{redis_url}?prefix={uuid4()}:"
        return RedisStore(url.partition("?")[0], prefix=url.partition("prefix=")[2]), Cache(f"{url}&mode=ro").store
    if request.param == "memory":
        memory = MemoryStore()
        return memory, ReadOnlyStore(memory)
    memory, key = MemoryStore(), os.urandom(32)
    return EncryptedStore(memory, key), EncryptedStore(ReadOnlyStore(memory), key)


async def test_it_answers_and_keeps_nothing(face: Face, provider: Provider, pair: tuple[object, object]) -> None:
    full, read_only = pair
    with Cache(full) as cache:  # type: ignore[arg-type]
        async with face.client(cache) as client:
            await ask(client, provider)
    with Cache(read_only) as cache:  # type: ignore[arg-type]
        async with face.client(cache) as client:
            assert (await ask(client, provider)).cache_status.hit
            other = await ask(client, provider, "something else")
            again = await ask(client, provider, "something else")
    assert (other.cache_status.stored, again.cache_status.hit) == (False, False)
    assert str(other.cache_status.detail) == "read-only"
    assert cache.stats.store_errors == 0
    assert cache.stats.refused_for == {"read-only": 2}
    assert provider.calls == 3


def test_what_changes_it_is_an_error(pair: tuple[DiskStore, DiskStore]) -> None:
    full, read_only = pair
    full.set(KEY, b"value", ttl=60)
    assert is_read_only(read_only)
    assert read_only.get(KEY) == b"value"
    assert asyncio.run(read_only.aget(KEY)) == b"value"
    assert list(read_only.keys()) == [KEY]
    found = read_only.get_with_ttl(KEY)
    assert found is not None
    assert found[1] is not None
    for change in (lambda: read_only.set(OTHER, b"x", ttl=None), lambda: drop(read_only, KEY)):
        with pytest.raises(StoreError, match="read-only"):
            change()
    assert full.get(KEY) == b"value"
    read_only.close()
    assert read_only.get(KEY) == b"value"


def test_what_another_process_writes_is_seen(tmp_path: Path) -> None:
    full, read_only = DiskStore(tmp_path / "team"), DiskStore(tmp_path / "team", read_only=True)
    full.set(KEY, b"old", ttl=None)
    assert read_only.get(KEY) == b"old"
    code = f"from wirecache import DiskStore; DiskStore({str(tmp_path / 'team')!r}).set({KEY!r}, b'new', ttl=None)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
    assert read_only.get(KEY) == b"new"


READ_ALL = """
import os, sys
from wirecache import DiskStore

def read(path):
    store = DiskStore(path, read_only=True)
    return store.get(sys.argv[1]), list(store.keys()), store.history()

found = read(sys.argv[2])  # all that is to be imported is
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)  # who may not write there
assert read(sys.argv[3]) == found, (read(sys.argv[3]), found)
try:
    open(sys.argv[3] + "/x", "w")
except OSError:
    print(found[0].decode())
"""


def test_nothing_is_written_beside_it(tmp_path: Path) -> None:
    """The directory cannot be written, as on a drive that is mounted read-only."""
    DiskStore(tmp_path / "team").set(KEY, b"value", ttl=None)
    DiskStore(tmp_path / "team").close()
    with tempfile.TemporaryDirectory() as parent:
        mounted = Path(parent, "mounted")
        shutil.copytree(tmp_path / "team", mounted, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
        for file in mounted.iterdir():
            file.chmod(0o444)
        Path(parent).chmod(0o755)
        mounted.chmod(0o555)
        before = files_of(mounted)
        command = [sys.executable, "-c", READ_ALL, KEY, str(tmp_path / "team"), str(mounted)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert result.stdout == "value\n", result.stderr
        assert files_of(mounted) == before
        mounted.chmod(0o755)


def test_one_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "absent", read_only=True)
    with pytest.raises(StoreError, match="there is no store to read"):
        store.get(KEY)
    assert not (tmp_path / "absent").exists()
    store.add_history([(1, "", "", "", "", 0, "hits", 1.0)])
    assert not (tmp_path / "absent").exists()


def test_a_damaged_one_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "cache.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        DiskStore(tmp_path / "team", read_only=True).get(KEY)
    assert [file.name for file in (tmp_path / "team").iterdir()] == ["cache.db"]


class TestAmongTiers:
    @pytest.fixture
    def tiers(self, tmp_path: Path) -> tuple[MemoryStore, DiskStore, TieredStore]:
        team = DiskStore(tmp_path / "team")
        team.set(KEY, b"team", ttl=60)
        memory = MemoryStore()
        return memory, team, TieredStore([memory, f"disk://{tmp_path}/team?mode=ro"])

    def test_it_is_read_and_copied_from_and_never_written(self, tiers: tuple[MemoryStore, DiskStore, TieredStore]) -> None:
        memory, team, store = tiers
        assert not is_read_only(store)
        assert store.get(KEY) == memory.get(KEY) == b"team"
        store.set(OTHER, b"mine", ttl=None)
        assert store.add("c" * 64, b"mine", ttl=None) is True
        assert (memory.get(OTHER), team.get(OTHER), list(team.keys())) == (b"mine", None, [KEY])

    def test_it_is_not_copied_into_where_it_is_the_first(self, tmp_path: Path) -> None:
        team, memory = MemoryStore(), MemoryStore()
        memory.set(KEY, b"mine", ttl=None)
        store = TieredStore([ReadOnlyStore(team), memory])
        assert store.get(KEY) == b"mine"
        assert team.get(KEY) is None

    def test_what_is_deleted_does_not_come_back_from_it(self, tiers: tuple[MemoryStore, DiskStore, TieredStore]) -> None:
        _, team, store = tiers
        cache = Cache(store)
        store.delete(KEY)
        assert cache.get(KEY) is None
        assert list(cache.entries()) == []
        assert team.get(KEY) == b"team"
        store.set(KEY, b"mine", ttl=None)
        assert store.get(KEY) == b"mine"

    def test_clear_clears_what_can_be_written(self, tiers: tuple[MemoryStore, DiskStore, TieredStore]) -> None:
        memory, team, store = tiers
        store.set(OTHER, b"mine", ttl=None)
        store.clear()
        assert (memory.get(OTHER), team.get(KEY)) == (None, b"team")

    def test_where_all_are_read_only_it_is_too(self, tmp_path: Path) -> None:
        DiskStore(tmp_path / "team").set(KEY, b"value", ttl=None)
        store = TieredStore([ReadOnlyStore(MemoryStore()), f"disk://{tmp_path}/team?mode=ro"])
        assert is_read_only(store)
        assert store.get(KEY) == b"value"
        with pytest.raises(StoreError, match="read-only"):
            store.set(KEY, b"x", ttl=None)
        with pytest.raises(StoreError, match="read-only"):
            store.delete(KEY)


def test_an_answer_that_its_caller_rejects_stays_there(tmp_path: Path, provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    from wirecache import cached_client, capture

    with Cache(tmp_path / "team") as cache, cached_client(cache) as client:
        client.post(f"{provider.url}/v1/chat/completions", json={"model": "m", "messages": []})
    with Cache(f"disk://{tmp_path}/team?mode=ro") as cache, cached_client(cache) as client, capture() as exchanges:
        client.post(f"{provider.url}/v1/chat/completions", json={"model": "m", "messages": []})
        exchanges[0].discard()
        assert client.post(f"{provider.url}/v1/chat/completions", json={"model": "m", "messages": []}).extensions["wirecache"].hit
    assert caplog.text == ""


def test_a_wrong_mode() -> None:
    with pytest.raises(ConfigError, match="mode must be 'ro'"):
        Cache("redis://h?mode=readonly")
