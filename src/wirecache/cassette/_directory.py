"""The recordings in a directory, and their keys.

A file's name contains part of its key, so that a directory of thousands is opened by listing it. What counts is the request in the file:
its key is computed when it is read, so that a recording that was edited, or made under other key options, is found, too.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.keys.recorded import recorded_key
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache._settings.homes import expanded
from wirecache.cassette._file_format import SCHEMA_NAME, schema_text
from wirecache.cassette._file_names import SHORT, file_name, next_number, short_key_of
from wirecache.cassette._file_reader import Recording, from_text
from wirecache.cassette._file_text import text_in
from wirecache.cassette._file_writer import to_text
from wirecache.errors import CassetteError, CassetteFormatError

__all__ = ["Directory"]

logger = logging.getLogger("wirecache")

MAX_IN_MEMORY = 16 * 1024 * 1024  # characters of recordings kept in memory once read: thousands of ordinary ones
STALE_TEMPORARY = 3600.0  # seconds after which a temporary file must belong to a killed process


class Directory:
    """The recordings of one directory. Safe for threads and for processes that write to it concurrently.

    ``options``: how to compute keys from the requests in the files; None: use the keys noted in the files when they were written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: KeyOptions | None = DEFAULT_KEY,
        redactor: Redactor = DEFAULT,
    ) -> None:
        self.path = expanded(path).absolute()
        self.redactor = redactor
        self._schema = self.path / SCHEMA_NAME
        self.options = options
        # The short key in the file names suffices unless the options leave out something that counted when the files were named.
        self._names_have_keys = options is None or (options.host and not (options.ignore_body or options.ignore_query or options.normalize))
        self._prepared = False  # does the directory exist, with its schema?
        self._lock = threading.RLock()
        self._by_short: dict[str, list[str]] | None = None
        self.unreadable: list[CassetteError] = []  # recordings that were skipped when all keys were read
        self._by_key: dict[str, list[str]] | None = None  # built only if short keys do not suffice
        self._loaded: dict[str, tuple[Recording, str]] = {}  # what has been read, by file name: the recording and its key
        self._loaded_size = 0  # characters

    def use_schema_in(self, root: str | os.PathLike[str]) -> None:
        """Keep the schema, which editors use to check the files, in that parent directory."""
        self._schema = expanded(root).absolute() / SCHEMA_NAME
        self._prepared = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of all recordings, sequences in order."""
        with self._lock:
            return [name for names in self._listed().values() for name in names]

    def of(self, key: str, *, or_damaged: bool = False) -> list[str]:
        """Return the names of the recordings with this key, in the order in which they were made.

        A candidate file that cannot be read raises ``CassetteError``; with ``or_damaged`` it is included.
        """
        with self._lock:
            short = self._listed().get(key[:SHORT], ())
            found = [name for name in short if self._key(name, key if or_damaged else None) == key]
            return found if found and self._names_have_keys else list(self._keys().get(key, ())) or found

    def is_indexed(self, key: str) -> bool:
        """Return whether ``of`` finds the recordings of this key without reading all files."""
        with self._lock:
            return self._by_key is not None or not self._listed() or (self._names_have_keys and key[:SHORT] in self._listed())

    def read(self, name: str) -> Entry:
        """Return a recording, under the key computed here. Raises ``CassetteError`` if it cannot be read."""
        with self._lock:
            try:
                recording, key = self._load(name)
            except FileNotFoundError:
                raise CassetteError(f"{self.path / name}: the file existed when the cassette was opened, and was removed since") from None
        return recording.entry._replace(key=key)

    def newest(self) -> Iterator[Entry]:
        """Yield all readable recordings, the newest first."""
        for name in sorted(self.names(), key=self.made_at, reverse=True):
            try:
                yield self.read(name)
            except CassetteError:
                continue

    def forget(self) -> None:
        """Drop the recordings cached in memory; the directory is listed again on the next use."""
        with self._lock:
            self._by_short = self._by_key = None
            self._loaded.clear()

    def _listed(self) -> dict[str, list[str]]:
        if self._by_short is None:
            numbered: dict[str, list[tuple[int, str]]] = {}
            try:
                for name in os.listdir(self.path):
                    if (short := short_key_of(name)) is not None:
                        numbered.setdefault(short.digits, []).append((short.number, name))
            except FileNotFoundError:
                pass
            except OSError as error:
                raise CassetteError(f"{self.path}: {error.strerror}; a cassette must be a directory of recordings") from None
            self._by_short = {digits: [name for _, name in sorted(numbered[digits])] for digits in sorted(numbered)}
        return self._by_short

    def _keys(self) -> dict[str, list[str]]:
        """Return the names of all recordings by key, reading all files once."""
        if self._by_key is None:
            found: dict[str, list[tuple[float, str]]] = {}
            self.unreadable = []
            for name in self.names():
                try:
                    recording, key = self._load(name)
                except FileNotFoundError:  # it was removed after it was listed
                    continue
                except CassetteError as error:
                    logger.warning("wirecache: a recording is skipped: %s", error)
                    self.unreadable.append(error)
                    continue
                found.setdefault(key, []).append((recording.entry.stored_at, name))
            self._by_key = {key: [name for _, name in sorted(recorded, key=itemgetter(0))] for key, recorded in found.items()}
        return self._by_key

    def _key(self, name: str, if_damaged: str | None) -> str | None:
        """Return the key of the recording, None if it is gone, or ``if_damaged`` (unless that is None) if it cannot be read."""
        try:
            return self._load(name)[1]
        except FileNotFoundError:
            return None
        except CassetteError:
            if if_damaged is None:
                raise
            return if_damaged

    def _load(self, name: str) -> tuple[Recording, str]:
        loaded = self._loaded.get(name)
        if loaded is None:
            path = self.path / name
            text = _text(path)
            recording = from_text(text, str(path))
            loaded = recording, self._key_of(recording)
            if self._loaded_size + len(text) > MAX_IN_MEMORY:
                self._loaded.clear()
                self._loaded_size = 0
            self._loaded[name] = loaded
            self._loaded_size += len(text)
        return loaded

    def _key_of(self, recording: Recording) -> str:
        """Return the key of the request in the file, computed now, since more may be secret than when it was recorded.

        If the file does not hold the whole request, or there are no key options, it is the key noted in the file.
        """
        if recording.body is None or self.options is None:
            return recording.entry.key
        summary = recording.entry.request
        request, body = redacted_request(recording.request, recording.body, self.redactor, self.options.headers)
        return recorded_key(request, body, self.options, summary.namespace, summary.sample)

    def made_at(self, name: str) -> float:
        """Return when the file was written, in seconds since the epoch; 0 if it is gone."""
        return self.stamp(name)[0] / 1e9

    def stamp(self, name: str) -> tuple[int, int]:
        """Return the file's modification time (nanoseconds) and inode, which change if it is written again; zeros if it is gone."""
        try:
            status = (self.path / name).stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino

    # -- writing ------------------------------------------------------------------------------------------------------

    def add(self, entry: Entry, redactor: Redactor | None = None) -> str:
        """Write the entry as the next of its sequence, and return its name. If another process writes the same one, both are kept.

        ``redactor``: for the response, if not the directory's.
        """
        with self._lock, self._written(entry, redactor) as temporary:
            number = next_number(self._listed().get(entry.key[:SHORT], ()))
            while not _publish(temporary, self.path / (name := file_name(entry, number))):
                number += 1
            self._listed().setdefault(entry.key[:SHORT], []).append(name)
            if self._by_key is not None:
                self._by_key.setdefault(entry.key, []).append(name)
            return name

    def replace(self, name: str, entry: Entry, redactor: Redactor | None = None) -> None:
        """Replace the recording of that name by the entry. ``redactor``: as for ``add``."""
        with self._lock, self._written(entry, redactor) as temporary:
            os.replace(temporary, self.path / name)
            self._loaded.pop(name, None)

    def remove(self, name: str) -> None:
        """Remove a recording, if it is still there."""
        with self._lock:
            (self.path / name).unlink(missing_ok=True)
            self._loaded.pop(name, None)
            for index in (self._by_short, self._by_key):
                for names in (index or {}).values():
                    if name in names:
                        names.remove(name)

    def write_text(self, name: str, text: str) -> None:
        """Write a file beside the recordings."""
        with _temporary(self.path, text) as path:
            os.replace(path, self.path / name)

    @contextmanager
    def _written(self, entry: Entry, redactor: Redactor | None) -> Iterator[Path]:
        """Write the entry to a temporary file in the same directory, and yield its path."""
        if not self._prepared or not self._schema.exists():
            self._prepare()
        schema = os.path.relpath(self._schema, self.path).replace(os.sep, "/")
        schema = schema if schema.startswith(".") else f"./{schema}"
        text = to_text(entry, redactor or self.redactor, schema=schema, request_redactor=self.redactor)
        with _temporary(self.path, text) as path:
            yield path

    def _prepare(self) -> None:
        """Create the directory, write the schema, and remove the temporary files of killed processes."""
        self.path.mkdir(parents=True, exist_ok=True)
        for temporary in self.path.glob(".*.tmp"):
            try:
                if temporary.stat().st_mtime < time.time() - STALE_TEMPORARY:
                    temporary.unlink()
            except OSError:  # another process did it
                continue
        try:
            current = self._schema.read_text("utf-8")
        except OSError:
            current = ""
        if current != (text := schema_text()):
            with _temporary(self._schema.parent, text) as path:
                os.replace(path, self._schema)
        self._prepared = True


def _text(path: Path) -> str:
    """Return the text of a recording. Raises ``FileNotFoundError`` if there is no such file, else ``CassetteFormatError``."""
    try:
        return text_in(path)
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text ({error.reason} at byte {error.start})"
    except FileNotFoundError:
        if not path.is_symlink():
            raise
        reason = "is a broken symbolic link"
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    raise CassetteFormatError(f"{path}: {reason}; correct that, or delete it and record it again")


@contextmanager
def _temporary(folder: Path, text: str) -> Iterator[Path]:
    path = folder / f".{secrets.token_hex(8)}.tmp"  # random rather than a pid, since several machines may share the directory
    try:
        path.write_text(text, "utf-8", newline="\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> bool:
    """Give the complete file its name, unless that exists. Return whether it was done."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        os.replace(temporary, path)
    return True
