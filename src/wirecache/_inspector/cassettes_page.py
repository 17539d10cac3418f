"""The page of cassettes, by test: their age, secrets and manual edits, and what a range of commits changes in them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.flows.rekey import recomputed_key
from wirecache._core.keys.keys import DEFAULT_KEY
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.privacy.scan import Leak, leaks
from wirecache._inspector.compare import comparison
from wirecache._inspector.git_changes import Change, changes
from wirecache._inspector.inspector import Inspector, Page
from wirecache._inspector.sources import Cassettes
from wirecache.cassette import from_text
from wirecache.errors import CassetteError

__all__ = ["ROUTES", "CassetteState", "FileState", "states_of"]

STALE = 90 * 86_400.0  # seconds after which a recording counts as old, since providers change their answers
MAX_SCANNED = 2_000_000  # maximum characters of a file to search for secrets


class FileState(NamedTuple):
    """The state of a recording. ``problem``: why it cannot be read.

    ``has_other_key``: the noted key is not that of the request, which was edited, or recorded with other key options or an older version.
    """

    ref: str
    recorded_at: float
    secrets: tuple[Leak, ...]
    has_other_key: bool
    problem: str


class CassetteState(NamedTuple):
    """A cassette, by its test. ``is_orphan``: the test's file no longer exists, so that nothing replays it."""

    source: str
    test: str
    files: list[FileState]
    is_orphan: bool
    is_old: bool

    @property
    def has_other_keys(self) -> bool:
        """Whether none of several keys matches its request, which means that the cassette was recorded so and not edited."""
        readable = [file for file in self.files if not file.problem]
        return len(readable) > 1 and all(file.has_other_key for file in readable)

    @property
    def newest(self) -> float:
        """When its newest recording was made."""
        return max((file.recorded_at for file in self.files), default=0.0)


def states_of(source: Cassettes, now: float, kept: dict[tuple[str, int], FileState]) -> list[CassetteState]:
    """Return the cassettes of a source. ``kept``: a cache of the states of unchanged files."""
    tests: dict[str, list[FileState]] = {}
    for ref in source.refs():
        tests.setdefault(source.test_of(ref), []).append(_file_state(source, ref, kept))
    return [
        CassetteState(source.id, test, files, _is_orphan(source, test), all(now - file.recorded_at > STALE for file in files))
        for test, files in sorted(tests.items())
    ]


def _file_state(source: Cassettes, ref: str, kept: dict[tuple[str, int], FileState]) -> FileState:
    path = source.path_of(ref)
    try:
        stamp = (f"{source.id}/{ref}", path.stat().st_mtime_ns if path else 0)
    except OSError:
        return FileState(ref, 0.0, (), False, "it is gone")
    if stamp not in kept:
        kept[stamp] = _judged(ref, source.text_of(ref))
    return kept[stamp]


def _judged(ref: str, text: str | None) -> FileState:
    if text is None:
        return FileState(ref, 0.0, (), False, "it is not UTF-8 text, or cannot be read")
    found = tuple(leaks(text[:MAX_SCANNED], DEFAULT))
    try:
        entry = from_text(text, ref).entry
    except CassetteError as error:
        return FileState(ref, 0.0, found, False, str(error))
    has_other_key = entry.request.namespace == "" and recomputed_key(entry, DEFAULT_KEY) != entry.key
    return FileState(ref, entry.stored_at, found, has_other_key, "")


def _is_orphan(source: Cassettes, test: str) -> bool:
    """Return whether the cassette is where the pytest plugin puts it (``cassettes/MODULE/TEST``) and the module no longer exists."""
    parts = (source.root / test).parts if (source.root / test).is_dir() else source.root.parts
    if "cassettes" not in parts:
        return False
    at = len(parts) - 1 - parts[::-1].index("cassettes")
    folder, rest = Path(*parts[:at]), parts[at + 1 :]
    return len(rest) == 2 and not (folder / f"{rest[0]}.py").exists() and any(folder.glob("*.py"))


def _show(inspector: Inspector, request: Request) -> Response:
    kept = inspector.kept.setdefault("files", {})
    found = [state for source in inspector.sources if isinstance(source, Cassettes) for state in states_of(source, time.time(), kept)]
    return inspector.page(request, "cassettes.html", "cassettes", cassettes=found, git=inspector.git)


def _changes(inspector: Inspector, request: Request) -> Response:
    found = list(_shown(changes(inspector.git))) if inspector.git else []
    return inspector.page(request, "changes.html", "cassettes", git=inspector.git, changes=found)


def _shown(found: Iterator[Change]) -> Iterator[tuple[Change, dict[str, object] | None]]:
    for change in found:
        yield change, comparison(change.before, change.after) if change.before and change.after else None


ROUTES = (Page("/cassettes", _show), Page("/changes", _changes))
