"""The store of a cache whose entries are readable files."""

from __future__ import annotations

import os
from collections.abc import Iterator

from wirecache._core import codec
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache.cassette._directory import Directory

__all__ = ["CassetteStore"]


class CassetteStore:
    """A store whose entries are files for people and version control: one JSON file each, with secrets redacted.

    ``path``: the directory. ``redactor``: for secrets beyond the built-in ones.
    It keeps the newest entry under each key; entries never expire. Recordings that their reader ended are incomplete, and not returned as
    entries. For record and replay with sequences, errors and record modes use ``Cassette``.
    """

    def __init__(self, path: str | os.PathLike[str], *, redactor: Redactor = DEFAULT) -> None:
        self._directory = Directory(path, None, redactor)  # no key options: an entry keeps the key that it was stored under

    def __repr__(self) -> str:
        return f"CassetteStore({str(self._directory.path)!r})"

    @property
    def location(self) -> str:
        """The real path of the directory; stores with the same location share their state."""
        return os.path.realpath(self._directory.path)

    def get(self, key: str) -> bytes | None:
        """Return the encoded entry under the key, or None; of a sequence, the last complete one."""
        entries = (self._directory.read(name) for name in reversed(self._directory.of(key)))
        entry = next((entry for entry in entries if not entry.ended_by_reader), None)
        return codec.encode(entry) if entry is not None else None

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Write the encoded entry as a file, replacing the last one under the key. ``ttl`` is ignored."""
        entry, names = codec.decode(key, value), self._directory.of(key)
        if names:
            self._directory.replace(names[-1], entry)
        else:
            self._directory.add(entry)

    def delete(self, key: str) -> bool:
        """Remove the files with this key. Return whether there were any."""
        names = self._directory.of(key)
        for name in names:
            self._directory.remove(name)
        return bool(names)

    def keys(self) -> Iterator[str]:
        """Return the keys of the files, in the order of the file names."""
        return iter([entry.key for entry in map(self._directory.read, self._directory.names()) if not entry.ended_by_reader])

    def newest(self) -> Iterator[str]:
        """Return the keys, the most recently written first."""
        return (entry.key for entry in self._directory.newest() if not entry.ended_by_reader)

    def clear(self) -> None:
        """Remove all recordings, but nothing else in the directory."""
        for name in self._directory.names():
            self._directory.remove(name)

    def close(self) -> None:
        """Drop the recordings cached in memory; they are read again on the next use."""
        self._directory.forget()
