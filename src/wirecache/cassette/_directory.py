"""Which recordings are in a directory, and under which keys?

A file's name tells a part of its key, so a directory of thousands is opened by listing it. What counts is the request in the file:
its key is computed when it is read, so a recording that was edited, or that is matched in another way than it was made, is found too.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wirecache._core.flows.replay import redacted
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, key_of
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache.cassette._file import Recording, from_text, schema_text, to_text
from wirecache.cassette._file_names import SCHEMA_NAME, SHORT, file_name, short_key_of
from wirecache.errors import CassetteError

__all__ = ["Directory"]

logger = logging.getLogger("wirecache")

KEPT = 16 * 1024 * 1024  # characters of recordings that stay in memory once they were read: thousands of usual ones
LEFT_BEHIND = 3600.0  # seconds after which a temporary file is that of a process that was killed


class Directory:
    """The recordings of one directory. Safe for threads, and for processes that write to it at the same time.

    ``options``: how keys are made from the requests in the files; None: they are those that were noted when the files were written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: KeyOptions | None = DEFAULT_KEY,
        redactor: Redactor = DEFAULT,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self.redactor = redactor
        self._schema = self.path / SCHEMA_NAME
        self._options = options
        # Other recordings than those of its name may have the key where something that is in the files does not count.
        self._by_name = options is None or (options.host and not (options.ignore_body or options.ignore_query or options.normalize))
        self._ready = False  # the directory is there, with its schema
        self._lock = threading.RLock()
        self._by_short: dict[str, list[str]] | None = None
        self._by_key: dict[str, list[str]] | None = None  # made only when a short key is not enough
        self._read: dict[str, tuple[Recording, str]] = {}
        self._read_size = 0

    def schema_in(self, root: str | os.PathLike[str]) -> None:
        """The schema by which editors check the files lies in that directory above."""
        self._schema = Path(root).expanduser().absolute() / SCHEMA_NAME
        self._ready = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The recordings, by name; each sequence in its order."""
        with self._lock:
            return [name for names in self._listed().values() for name in names]

    def of(self, key: str, *, or_damaged: bool = False) -> list[str]:
        """The recordings of that key, in the order in which they were made; ``CassetteError`` if one that may be it cannot be read.

        ``or_damaged``: that one, too, is among them.
        """
        with self._lock:
            short = self._listed().get(key[:SHORT], ())
            found = [name for name in short if self._key(name, key if or_damaged else None) == key]
            return found if found and self._by_name else list(self._keys().get(key, ())) or found

    def is_at_hand(self, key: str) -> bool:
        """Can it be said without reading all files which recordings have this key?"""
        with self._lock:
            return self._by_key is not None or not self._listed() or (self._by_name and key[:SHORT] in self._listed())

    def read(self, name: str) -> Entry:
        """A recording, under the key that it has here; ``CassetteError`` if it cannot be read."""
        with self._lock:
            try:
                recording, key = self._known(name)
            except FileNotFoundError:
                raise CassetteError(f"{self.path / name}: it was there when the cassette was opened, and is gone") from None
        return recording.entry._replace(key=key)

    def newest(self) -> Iterator[Entry]:
        """All recordings, those made last first, as far as they can be read."""
        for name in sorted(self.names(), key=self.made_at, reverse=True):
            try:
                yield self.read(name)
            except CassetteError:
                continue

    def forget(self) -> None:
        """List the directory anew when it is used next."""
        with self._lock:
            self._by_short = self._by_key = None
            self._read.clear()

    def _listed(self) -> dict[str, list[str]]:
        if self._by_short is None:
            numbered: dict[str, list[tuple[int, str]]] = {}
            try:
                for name in os.listdir(self.path):
                    if (told := short_key_of(name)) is not None:
                        numbered.setdefault(told[0], []).append((told[1], name))
            except FileNotFoundError:
                pass
            except OSError as error:
                raise CassetteError(f"{self.path}: {error.strerror}; a cassette is a directory of recordings") from None
            self._by_short = {short: [name for _, name in sorted(numbered[short])] for short in sorted(numbered)}
        return self._by_short

    def _keys(self) -> dict[str, list[str]]:
        """Every recording by its key: all files are read for it, once."""
        if self._by_key is None:
            found: dict[str, list[tuple[float, str]]] = {}
            for name in self.names():
                try:
                    recording, key = self._known(name)
                except FileNotFoundError:  # somebody removed it since it was listed
                    continue
                except CassetteError as error:
                    logger.warning("wirecache: a recording is passed over: %s", error)
                    continue
                found.setdefault(key, []).append((recording.entry.stored_at, name))
            self._by_key = {key: [name for _, name in sorted(made, key=lambda one: one[0])] for key, made in found.items()}
        return self._by_key

    def _key(self, name: str, if_damaged: str | None) -> str | None:
        try:
            return self._known(name)[1]
        except FileNotFoundError:
            return None
        except CassetteError:
            if if_damaged is None:
                raise
            return if_damaged

    def _known(self, name: str) -> tuple[Recording, str]:
        known = self._read.get(name)
        if known is None:
            path = self.path / name
            text = _text(path)
            recording = from_text(text, str(path))
            known = recording, self._key_of(recording)
            if self._read_size + len(text) > KEPT:
                self._read.clear()
                self._read_size = 0
            self._read[name] = known
            self._read_size += len(text)
        return known

    def _key_of(self, recording: Recording) -> str:
        """The key of the request in the file, as it would be made today: what is secret may be more than when it was recorded.

        The one that was noted, where the file does not hold the whole request, or where that is what counts.
        """
        if recording.body is None or self._options is None:
            return recording.entry.key
        told = recording.entry.request
        asked, body = redacted(recording.request, recording.body, self.redactor, self._options.headers)
        return key_of(asked, body, self._options, told.namespace, told.sample)

    def made_at(self, name: str) -> float:
        """When it was written, in seconds since the epoch; 0 if it is gone."""
        return self.stamp(name)[0] / 1e9

    def stamp(self, name: str) -> tuple[int, int]:
        """What is another if the file was written anew: its time, and its number in the file system; zeros if it is gone."""
        try:
            told = (self.path / name).stat()
        except OSError:
            return 0, 0
        return told.st_mtime_ns, told.st_ino

    # -- writing ------------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> str:
        """Write it as the next of its sequence; its name. Another process may be writing the same one: none is lost."""
        with self._lock, self._written(entry) as temporary:
            number = len(self._listed().get(entry.key[:SHORT], ())) + 1
            while not _place(temporary, self.path / (name := file_name(entry, number))):
                number += 1
            self._listed().setdefault(entry.key[:SHORT], []).append(name)
            if self._by_key is not None:
                self._by_key.setdefault(entry.key, []).append(name)
            return name

    def replace(self, name: str, entry: Entry) -> None:
        """Write it in place of the recording of that name."""
        with self._lock, self._written(entry) as temporary:
            os.replace(temporary, self.path / name)
            self._read.pop(name, None)

    def remove(self, name: str) -> None:
        """Remove a recording, if it is still there."""
        with self._lock:
            (self.path / name).unlink(missing_ok=True)
            self._read.pop(name, None)
            for index in (self._by_short, self._by_key):
                for names in (index or {}).values():
                    if name in names:
                        names.remove(name)

    @contextmanager
    def _written(self, entry: Entry) -> Iterator[Path]:
        """The text of a recording in a temporary file of the same directory."""
        if not self._ready or not self._schema.exists():
            self._prepare()
        schema = os.path.relpath(self._schema, self.path).replace(os.sep, "/")
        with _temporary(self.path, to_text(entry, self.redactor, schema=schema if schema.startswith(".") else f"./{schema}")) as path:
            yield path

    def _prepare(self) -> None:
        """Make the directory, put the schema there, and take away what a process that was killed left."""
        self.path.mkdir(parents=True, exist_ok=True)
        for left in self.path.glob(".*.tmp"):
            try:
                if left.stat().st_mtime < time.time() - LEFT_BEHIND:
                    left.unlink()
            except OSError:  # another process did it
                continue
        text = schema_text()
        try:
            current = self._schema.read_text("utf-8")
        except OSError:
            current = ""
        if current != text:
            with _temporary(self._schema.parent, text) as path:
                os.replace(path, self._schema)
        self._ready = True


def _text(path: Path) -> str:
    """The text of a recording; ``FileNotFoundError`` if there is no such file."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        why = f"is no UTF-8 text ({error.reason} at byte {error.start})"
    except FileNotFoundError:
        if not path.is_symlink():
            raise
        why = "is a link that leads nowhere"
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    raise CassetteError(f"{path}: {why}; correct that, or delete it and record it anew")


@contextmanager
def _temporary(folder: Path, text: str) -> Iterator[Path]:
    path = folder / f".{secrets.token_hex(8)}.tmp"  # no process number: two machines may share the directory
    try:
        path.write_text(text, "utf-8", newline="\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _place(temporary: Path, path: Path) -> bool:
    """Give the file its name, whole, unless there is one of that name."""
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
