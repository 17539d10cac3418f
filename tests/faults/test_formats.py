"""What another version wrote, an older or a newer one: a miss that is warned of once, and never an answer read by the wrong rules."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults import echo
from tests.stores.upstream import URL, question
from wirecache import Cache, Cassette, DiskStore, EncryptedStore, MemoryStore
from wirecache.errors import CassetteFormatError
from wirecache.httpx import CacheTransport

Warnings = Callable[[], list[str]]
SECRET = b"k" * 32


@pytest.fixture(params=["memory", "disk", "encrypted"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made: Any = MemoryStore() if request.param == "memory" else DiskStore(tmp_path / "store")
    return EncryptedStore(made, SECRET) if request.param == "encrypted" else made


def test_a_frame_of_any_other_version(store: Any, warnings: Warnings) -> None:
    """The version is in the fourth byte of what is stored, encrypted or not."""
    inner = getattr(store, "inner", store)
    with Cache(store) as cache:
        echo.ask(cache, "hi")
        cache.flush()
        (key,) = inner.keys()
        good = inner.get(key)
        for version in (*range(0, 256, 15), good[3] - 1, good[3] + 1):
            if version != good[3]:
                inner.set(key, good[:3] + bytes([version]) + good[4:], ttl=None)
                assert not echo.ask(cache, "hi").hit, version
                cache.flush()
                assert echo.ask(cache, "hi").hit, "it was replaced"
    assert 1 <= len(warnings()) <= 2


NEWER = {
    "a column more": "ALTER TABLE Cache ADD COLUMN priority INTEGER DEFAULT 3",
    "a table more": "CREATE TABLE Newer (a, b)",
    "an index more": "CREATE INDEX newer ON Cache (size)",
    "a setting more": "INSERT INTO Settings VALUES ('newer', 1)",
    "a setting of another kind": "UPDATE Settings SET value = 'many' WHERE key = 'cull_limit'",
    "another version of the schema": "PRAGMA user_version = 9",
    "another journal": "PRAGMA journal_mode = delete",
}


def change_database(folder: Path, statements: Callable[[sqlite3.Connection], Iterable[str]]) -> DiskStore:
    """Store an answer, and change the database by the statements. Return a store that opens it."""
    with Cache(DiskStore(folder / "store")) as cache:
        echo.ask(cache, "hi")
    connection = sqlite3.connect(folder / "store" / "cache.db", isolation_level=None)
    for statement in statements(connection):
        connection.execute(statement).fetchall()
    connection.close()
    return DiskStore(folder / "store")


@pytest.mark.parametrize("statement", NEWER.values(), ids=NEWER)
def test_a_database_of_a_newer_version_is_used(statement: str, tmp_path: Path, warnings: Warnings) -> None:
    with Cache(change_database(tmp_path, lambda _: [statement])) as cache:
        assert echo.ask(cache, "hi").hit
        echo.ask(cache, "new")
        cache.flush()
        assert echo.ask(cache, "new").hit
        assert (cache.stats.store_errors, warnings()) == (0, [])


OTHER = {
    "a column less": "ALTER TABLE Cache DROP COLUMN tag",
    "another name": "ALTER TABLE Cache RENAME TO Entries",
    "no settings": "DROP TABLE Settings",
    "another column": "ALTER TABLE Cache RENAME COLUMN expire_time TO expires",
}


def without_objects(connection: sqlite3.Connection) -> list[str]:
    """Return what drops the triggers and indexes of the database, which would forbid some changes of its tables."""
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    return [*(f"DROP TRIGGER {name}" for (name,) in triggers), *(f"DROP INDEX {name}" for (name,) in indexes)]


@pytest.mark.parametrize("statement", OTHER.values(), ids=OTHER)
def test_a_database_that_is_another_is_set_aside_or_made_whole(statement: str, tmp_path: Path, warnings: Warnings) -> None:
    with Cache(change_database(tmp_path, lambda connection: [*without_objects(connection), statement])) as cache:
        for prompt in ("hi", "new", "newer"):
            echo.ask(cache, prompt)
            cache.flush()
        assert echo.ask(cache, "newer").hit
        assert cache.stats.store_errors <= 1
    assert len(warnings()) <= 1


@pytest.mark.parametrize("version", [0, 2, 99, -1, 1.5, "1", None, True])
def test_a_cassette_of_another_version(version: object, tmp_path: Path) -> None:
    """It is refused by name; the other recordings are replayed."""
    path = tmp_path / "cassette"
    with Cassette(path, "once") as recording:
        for prompt in ("one", "two"):
            echo.ask(recording, prompt)
    files = {json.loads(file.read_bytes())["request"]["body"]["json"]["messages"][0]["content"]: file for file in path.glob("chat-*.json")}
    files["one"].write_text(json.dumps({**json.loads(files["one"].read_bytes()), "format": version}))
    cassette = Cassette(path, "none", miss="respond")
    client = httpx.Client(transport=CacheTransport(cassette))
    refused = client.post(URL, json=question("one"))
    assert refused.status_code == 424
    assert files["one"].name in refused.json()["error"]["message"]
    assert client.post(URL, json=question("two")).content == echo.right("two")
    with pytest.raises(CassetteFormatError, match=files["one"].name):
        cassette.close()
