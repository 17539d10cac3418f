"""What was stored by an earlier version is read, or refused as another version's: ``fixtures/formats`` has a file of each format.

``python -m tests.stores.test_golden_formats`` writes those of today's versions, which is to be done once, when a version is incremented.
"""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from wirecache import Cache, DiskStore, EncryptedStore
from wirecache._core import codec
from wirecache._core.messages import CHUNK_SIZE, Entry, RequestSummary, Usage
from wirecache.stores import _encrypted

FORMATS = Path(__file__).parents[2] / "fixtures" / "formats"
KEY = "ab" * 32
STORED = Entry(
    key=KEY,
    status=200,
    headers=((b"content-type", b"text/event-stream"), (b"x-request-id", b"req_1")),
    body=b'data: {"a": 1}\n\ndata: [DONE]\n\n',
    stored_at=1_800_000_000.25,
    seconds=0.75,
    http_version=b"HTTP/1.1",
    usage=Usage(5, 7),
    ttl=3600.0,
    summary=RequestSummary("POST", "https://api.example/v1/chat/completions", "chat", "m", {}).to_bytes(),
    request_body=b'{"messages":[],"model":"m","stream":true}',
    chunk_times=bytes(CHUNK_SIZE),
)
SECRET = b"k" * 32


class OneValue:
    """A store that has one value."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def get(self, key: str) -> bytes | None:
        return self.value if key == KEY else None

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self.value = value


def files(kind: str) -> Mapping[int, Path]:
    """Return the files of a format by its version."""
    return {int(path.name.split(".")[0].rpartition("-")[2]): path for path in FORMATS.glob(f"{kind}-*")}


def test_the_frame_of_an_entry() -> None:
    golden = files("entry")
    current = codec.MAGIC[-1]
    assert codec.decode(KEY, golden[current].read_bytes()) == STORED
    assert codec.encode(STORED) == golden[current].read_bytes(), "the format has changed: increment the last byte of codec.MAGIC"
    for version in golden.keys() - {current}:
        with pytest.raises(codec.Damaged):
            codec.decode(KEY, golden[version].read_bytes())


def test_an_encrypted_value() -> None:
    golden = files("encrypted")
    store = EncryptedStore(OneValue(golden[_encrypted.MAGIC[-1]].read_bytes()), SECRET)
    assert store.get(KEY) == b"a value"


def test_a_database(tmp_path: Path) -> None:
    """Of each version, so that an upgrade loses nothing."""
    golden = files("disk")
    assert golden
    for version, path in golden.items():
        folder = tmp_path / str(version)
        folder.mkdir(0o700)
        (folder / "cache.db").write_bytes(gzip.decompress(path.read_bytes()))
        with Cache(folder) as cache:
            assert list(cache.entries()) == [STORED]
            assert cache.history() == {}
            assert cache.stats.store_errors == 0
        assert list(tmp_path.rglob("*corrupt*")) == []


def write() -> None:
    """Write a file of each format in its version of today."""
    FORMATS.mkdir(exist_ok=True)
    (FORMATS / f"entry-{codec.MAGIC[-1]}.bin").write_bytes(codec.encode(STORED))
    encrypted = OneValue(b"")
    EncryptedStore(encrypted, SECRET).set(KEY, b"a value", ttl=None)
    (FORMATS / f"encrypted-{_encrypted.MAGIC[-1]}.bin").write_bytes(encrypted.value)
    folder = Path(tempfile.mkdtemp())
    store = DiskStore(folder)
    store.set(KEY, codec.encode(STORED), ttl=None)
    store.close()
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    (FORMATS / "disk-1.db.gz").write_bytes(gzip.compress((folder / "cache.db").read_bytes(), mtime=0))
    shutil.rmtree(folder)


if __name__ == "__main__":
    write()
