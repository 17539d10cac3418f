"""Another program wrote into the database. What it wrote is data: a miss, one warning, and the call goes on.

diskcache by itself lets a row say that its value or key is a pickle, or a file anywhere (CVE-2025-69872).
"""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stores.processes import run
from tests.stores.upstream import Model
from wirecache import Cache, DiskStore


class Bomb:
    """Code that runs when it is unpickled: it makes a file."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.crater),)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path / "cache.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def crater(tmp_path: Path) -> Path:
    return tmp_path / "crater"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file outside the store."""
    file = tmp_path / "precious"
    file.write_bytes(b"years of work")
    return file


@pytest.fixture
def bomb(crater: Path) -> bytes:
    return pickle.dumps(Bomb(crater))


@pytest.fixture
def keys(path: Path) -> list[str]:
    """Two entries in a store that is closed again: the first will be poisoned."""
    with Cache(path) as cache:
        first = Model().ask(cache, "first").extensions["wirecache"].key
        second = Model().ask(cache, "second").extensions["wirecache"].key
    return [first, second]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_bomb_works(bomb: bytes, crater: Path) -> None:
    pickle.loads(bomb)  # noqa: S301
    assert crater.exists()


# Each makes the row of the first key unusable; {name}s are filled in below.
ROWS = {
    "pickled-value": "UPDATE Cache SET mode = 4, value = :bomb WHERE key = :key",
    "pickled-value-in-a-file": "UPDATE Cache SET mode = 4, filename = :bomb_file, value = NULL WHERE key = :key",
    "file-by-absolute-path": "UPDATE Cache SET mode = 2, filename = :precious, value = NULL WHERE key = :key",
    "file-by-relative-path": "UPDATE Cache SET mode = 2, filename = '../precious', value = NULL WHERE key = :key",
    "text-file": "UPDATE Cache SET mode = 3, filename = '../precious', value = NULL WHERE key = :key",
    "file-beside-a-raw-value": "UPDATE Cache SET filename = '../precious' WHERE key = :key",
    "mode-none": "UPDATE Cache SET mode = 0 WHERE key = :key",
    "mode-unknown": "UPDATE Cache SET mode = 99 WHERE key = :key",
    "mode-null": "UPDATE Cache SET mode = NULL WHERE key = :key",
    "value-null": "UPDATE Cache SET value = NULL WHERE key = :key",
    "value-empty": "UPDATE Cache SET value = x'' WHERE key = :key",
    "value-number": "UPDATE Cache SET value = 42 WHERE key = :key",
    "value-text": "UPDATE Cache SET value = 'text' WHERE key = :key",
    "value-text-not-utf-8": "UPDATE Cache SET value = CAST(x'ff80' AS TEXT) WHERE key = :key",
    "filename-not-utf-8": "UPDATE Cache SET filename = CAST(x'ff80' AS TEXT) WHERE key = :key",
    "value-pickle-as-raw": "UPDATE Cache SET value = :bomb WHERE key = :key",
    "value-truncated": "UPDATE Cache SET value = substr(value, 1, length(value) / 2) WHERE key = :key",
    "value-longer": "UPDATE Cache SET value = CAST(value || x'00' AS BLOB) WHERE key = :key",
    "value-of-another-key": "UPDATE Cache SET value = (SELECT value FROM Cache WHERE key = :other) WHERE key = :key",
    "value-changed": "UPDATE Cache SET value = CAST(substr(value, 1, length(value) - 4) || x'00ff00ff' AS BLOB) WHERE key = :key",
}


@pytest.mark.parametrize("statement", ROWS.values(), ids=ROWS)
def test_a_poisoned_row_is_a_miss(
    statement: str, path: Path, keys: list[str], bomb: bytes, crater: Path, precious: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (path / "bomb").write_bytes(bomb)
    values = {"key": keys[0], "other": keys[1], "bomb": bomb, "bomb_file": "bomb", "precious": str(precious)}
    with database(path) as connection:
        assert connection.execute(statement, values).rowcount == 1

    model = Model()
    with Cache(path) as cache:
        for _ in range(2):  # the second reader of a poisoned row is not warned again
            assert cache.get(keys[0]) is None
        assert model.ask(cache, "first").json()["id"] == "chatcmpl-1"
        assert cache.stats.stored == 1
        assert model.ask(cache, "first").extensions["wirecache"].hit  # the good answer has taken the row's place
        assert model.ask(cache, "second").extensions["wirecache"].hit
        assert cache.stats.store_errors == 3
        assert model.calls == 1
    assert len(warnings(caplog)) == 1
    assert not crater.exists()
    assert precious.read_bytes() == b"years of work"
    assert (path / "bomb").exists()


@pytest.mark.parametrize("drop", ["discard", "clear", "prune", "replace", "evict", "expire"])
def test_a_file_that_a_row_names_is_never_deleted(drop: str, path: Path, keys: list[str], precious: Path) -> None:
    for name in (str(precious), "../precious", "precious"):
        (path / "precious").write_bytes(b"years of work")
        with database(path) as connection:
            connection.execute("UPDATE Cache SET mode = 2, filename = ?, value = NULL, store_time = 0", (name,))
            if drop == "expire":
                connection.execute("UPDATE Cache SET expire_time = 1")
        cache = Cache(DiskStore(path, size_limit="50KB" if drop == "evict" else "4GB"), ttl=0)
        match drop:
            case "discard":
                cache.discard(keys[0])
            case "clear":
                cache.clear()
            case "prune":
                cache.prune()
            case _:
                Model().ask(cache, "first", size=10**5 if drop == "evict" else 0)
        cache.close()
        assert precious.read_bytes() == b"years of work"
        assert (path / "precious").read_bytes() == b"years of work"


# How many keys more are listed, and how many of those are warned of.
KEY_ROWS = {
    "pickled-key": ("INSERT INTO Cache(key, raw, mode, value) VALUES (:bomb, 0, 1, x'00')", 0, 0),
    "pickled-key-as-raw": ("INSERT INTO Cache(key, raw, mode, value) VALUES (:bomb, 1, 1, x'00')", 0, 0),
    "number": ("INSERT INTO Cache(key, raw, mode, value) VALUES (42, 1, 1, x'00')", 0, 0),
    "null": ("INSERT INTO Cache(key, raw, mode, value) VALUES (NULL, 1, 1, x'00')", 0, 0),
    "raw-null": ("INSERT INTO Cache(key, raw, mode, value) VALUES ('key', NULL, 1, x'00')", 0, 0),
    "text": ("INSERT INTO Cache(key, raw, mode, value) VALUES ('../../key', 1, 1, x'00')", 1, 1),
    "text-not-utf-8": ("INSERT INTO Cache(key, raw, mode, value) VALUES (CAST(x'ff80' AS TEXT), 1, 1, x'00')", 1, 0),
    "text-with-nul": ("INSERT INTO Cache(key, raw, mode, value) VALUES (CAST(x'610062' AS TEXT), 1, 1, x'00')", 1, 1),
}


@pytest.mark.parametrize(("statement", "listed", "warned"), KEY_ROWS.values(), ids=KEY_ROWS)
def test_a_poisoned_key_does_not_stop_a_listing(
    statement: str, listed: int, warned: int, path: Path, keys: list[str], bomb: bytes, crater: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with database(path) as connection:
        connection.execute(statement, {"bomb": bomb})
    with Cache(path) as cache:
        assert sorted(entry.key for entry in cache.entries()) == sorted(keys)
        assert len(list(cache.store.keys())) == 2 + listed  # type: ignore[attr-defined]
        assert cache.prune() == 0
        assert len(warnings(caplog)) == warned
    with Cache(path, ttl=0) as cache:
        assert cache.prune() == 2
        assert list(cache.entries()) == []
        cache.clear()
    assert not crater.exists()
    with database(path) as connection:
        assert connection.execute("SELECT count(*) FROM Cache").fetchone() == (0,)


SETTINGS = {
    "method": ("get", "text"),
    "private-method": ("_con", "text"),
    "disk-unknown": ("disk_foo", "text"),
    "disk-known": ("disk_pickle_protocol", 5),
    "journal-off": ("sqlite_journal_mode", "off"),
    "journal-delete": ("sqlite_journal_mode", "delete"),
    "pragma-unknown": ("sqlite_foo", 1),
    "pragma-with-more": ("sqlite_user_version = 7; --", 1),
    "pragma-mmap": ("sqlite_mmap_size", 1 << 40),
    "policy-unknown": ("eviction_policy", "none-such"),
    "policy-none": ("eviction_policy", "none"),
    "cull-text": ("cull_limit", "text"),
    "statistics": ("statistics", 1),
    "size-text": ("size", "text"),
    "size-huge": ("size", 1 << 62),
    "size-limit": ("size_limit", 1),
    "name-bytes": (b"get", 1),
    "name-number": (42, 1),
}


@pytest.mark.parametrize(("name", "value"), SETTINGS.values(), ids=SETTINGS)
def test_poisoned_settings_count_for_nothing(
    name: object, value: object, path: Path, keys: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with database(path) as connection:
        connection.execute("INSERT OR REPLACE INTO Settings VALUES (?, ?)", (name, value))
    model = Model()
    with Cache(path) as cache:
        for prompt in ("first", "third", "third"):
            assert model.ask(cache, prompt).status_code == 200
        assert cache.stats.hits >= 1
        assert len(list(cache.entries())) >= 2
    assert len(warnings(caplog)) <= 1
    with database(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("name", "value"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_are_poisoned_while_open_count_for_nothing(
    name: object, value: object, path: Path, keys: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Each thread has its own connection, so a new thread must not read the settings again."""
    model = Model()
    with Cache(path) as cache:
        assert model.ask(cache, "first").extensions["wirecache"].hit
        with database(path) as connection:
            connection.execute("INSERT OR REPLACE INTO Settings VALUES (?, ?)", (name, value))
        hits: list[bool] = []
        thread = threading.Thread(target=lambda: hits.append(model.ask(cache, "first").extensions["wirecache"].hit))
        thread.start()
        thread.join()
        model.ask(cache, "third")
        assert hits == [True]
        assert (cache.stats.stored, cache.stats.store_errors) == (1, 0)
    assert warnings(caplog) == []
    with database(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


TABLES = {
    "no-table": "DROP TABLE Cache",
    "no-settings": "DROP TABLE Settings",
    "no-index": "DROP INDEX Cache_key_raw",
    "other-columns": "DROP TABLE Cache; CREATE TABLE Cache (a, b)",
    "other-settings": "DROP TABLE Settings; CREATE TABLE Settings (a)",
    "a-view": "DROP TABLE Settings; CREATE VIEW Settings AS SELECT 'get' AS key, 1 AS value",
    "a-trigger": "CREATE TRIGGER t BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'no'); END",
    "two-rows": "DROP INDEX Cache_key_raw; INSERT INTO Cache(key, raw, mode, value) SELECT key, raw, mode, value FROM Cache",
}


@pytest.mark.parametrize("script", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("when", ["closed", "open"])
def test_a_changed_schema_fails_no_call(script: str, when: str, path: Path, keys: list[str], caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    with Cache(path) as cache:
        if when == "open":
            assert model.ask(cache, "first").extensions["wirecache"].hit
        with database(path) as connection:
            connection.executescript(script)
        for prompt in ("first", "third", "first"):
            assert model.ask(cache, prompt).status_code == 200
        cache.flush()
    assert len(set(warnings(caplog))) == len(warnings(caplog)) <= 2


def test_a_program_that_only_reads_runs_no_code(path: Path, keys: list[str], bomb: bytes, crater: Path) -> None:
    """A process that has only opened the store and iterated over it refuses the row, too."""
    with database(path) as connection:
        connection.execute("UPDATE Cache SET mode = 4, value = ?", (bomb,))
        connection.execute("INSERT INTO Cache(key, raw, mode, value) VALUES (?, 0, 4, ?)", (bomb, bomb))
    code = """
        import sys, logging
        from wirecache import Cache
        with Cache(sys.argv[1]) as cache:
            print(len(list(cache.entries())), cache.prune(), cache.stats.store_errors, len(list(cache.store.keys())))
    """
    assert run(code, path) == "0 0 4 2\n"
    assert not crater.exists()
