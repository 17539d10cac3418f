"""The journal grows while somebody reads an old state of the database, and becomes small again after."""

from __future__ import annotations

from pathlib import Path

from tests.stores.processes import locked
from wirecache import DiskStore


def test_it_shrinks_when_a_long_read_is_over(tmp_path: Path) -> None:
    store, journal = DiskStore(tmp_path, size_limit="2MB"), tmp_path / "cache.db-wal"
    store.set("0" * 64, b"value", ttl=None)

    def write(count: int) -> None:
        for number in range(count):
            store.set(f"{number:064x}", bytes(100_000), ttl=None)

    with locked(tmp_path, "BEGIN", "SELECT count(*) FROM Cache"):
        write(150)
        assert journal.stat().st_size > 10_000_000
    write(60)
    assert journal.stat().st_size < 7_000_000
    store.close()
