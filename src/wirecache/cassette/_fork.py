"""The source of a cassette that forks: it replays one directory, and writes the whole run to another one, its child.

The child contains what was replayed up to the fork and what was recorded from there on, so it is a cassette like any other. A file in it
names the parent and the step from which on requests were sent.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from wirecache._core.messages import Entry
from wirecache._core.rules.fork import ForkPoint
from wirecache._core.rules.record_modes import RecordMode
from wirecache._core.version import __version__
from wirecache.cassette._directory import Directory
from wirecache.cassette._file_text import text_in
from wirecache.cassette._session import CassetteSession, SequenceEnd
from wirecache.errors import CassetteError

__all__ = ["FORK_NAME", "ForkNote", "ForkSession", "fork_note", "free_child"]

FORK_NAME = "fork.json"


class ForkNote(NamedTuple):
    """A child's note on its origin. ``parent``: the path of the cassette that it was forked from.

    ``from_step``: the step that was given, if any. ``live_from``: the step from which on it was recorded; None if all was replayed.
    ``reason``: ``"from_step"`` or ``"differs"``.
    """

    parent: Path
    from_step: int | None
    live_from: int | None
    reason: str | None


class ForkSession(CassetteSession):
    """One run that begins as the recorded one. ``point``: where it departs from that."""

    def __init__(self, directory: Directory, child: Directory, sequence_end: SequenceEnd, point: ForkPoint) -> None:
        super().__init__(directory, RecordMode.FORK, sequence_end, target=child)
        self._point = point
        self._noted: str | None = None

    @property
    def unused(self) -> list[str]:
        """An empty list: what this run did not request still belongs to the parent's run."""
        return []

    def look_up(self, key: str) -> Entry | None:
        """Return the next recording with this key, as any cassette does, and copy it to the child."""
        entry = super().look_up(key)
        if entry is not None:
            self._guarded(lambda: self._record(entry))
        return entry

    def _write(self) -> None:
        super()._write()
        if self._kept:
            self._write_note()

    def _commit(self) -> None:
        super()._commit()
        with self._lock:
            if self._kept:
                self._write_note()

    def _write_note(self) -> None:
        """Write the file that names the parent, if its content has changed."""
        point, child = self._point, self.target.path
        members = {
            "wirecache": __version__,
            "parent": _relative(self.directory.path, child),
            "from_step": point.from_step,
            "live_from_step": point.live_from,
            "reason": point.reason,
        }
        text = json.dumps(members, indent=2) + "\n"
        if text != self._noted:
            self.target.write_text(FORK_NAME, text)
            self._noted = text


def fork_note(child: str | os.PathLike[str]) -> ForkNote | None:
    """Return the cassette's note on its parent; None if it is not a fork. Raises ``CassetteError`` if that cannot be read."""
    path = Path(child, FORK_NAME)
    try:
        members = json.loads(text_in(path))
        live_from, reason = members["live_from_step"], members["reason"]
        return ForkNote(Path(os.path.normpath(Path(child, members["parent"]))), members["from_step"], live_from, reason)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CassetteError(f"{path}: it does not say what the cassette was forked from ({error}); correct it, or delete it") from None


def free_child(parent: str) -> str:
    """Return the path of a directory beside the parent that does not exist yet: ``parent-fork``, ``parent-fork-2``, ..."""
    stem, number = f"{parent.rstrip('/' + os.sep)}-fork", 1
    while os.path.lexists(path := stem if number == 1 else f"{stem}-{number}"):
        number += 1
    return path


def _relative(parent: Path, child: Path) -> str:
    """Return the relative path from the child to the parent, so that both can be moved together; absolute if there is none."""
    try:
        return os.path.relpath(parent, child).replace(os.sep, "/")
    except ValueError:  # another drive
        return str(parent)
