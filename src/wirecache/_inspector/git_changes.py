"""Changes to cassettes in a range of commits, read from git without touching the work tree."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from wirecache._core.messages import Entry
from wirecache.cassette import from_text, short_key_of
from wirecache.errors import CassetteError, ConfigError

__all__ = ["Change", "changes", "check_range"]

WAIT = 20  # seconds for git


class Change(NamedTuple):
    """A recording that was added, removed or changed. ``problem``: why one side cannot be read."""

    path: str
    kind: str
    before: Entry | None
    after: Entry | None
    problem: str = ""


def check_range(given: str) -> str:
    """Return the range of commits. Raises ``ConfigError`` if git does not know it or is not available."""
    if given.startswith("-"):
        raise ConfigError(f"--git must be a range of commits such as main..HEAD, got {given!r}")
    for end in filter(None, _ends(given)):
        _git("rev-parse", "--verify", "--quiet", f"{end}^{{commit}}")
    return given


def changes(given: str) -> Iterator[Change]:
    """Yield the recordings that the range changes; for a single commit, what the work tree has changed since then."""
    before, after = _ends(given)
    listed = _git("diff", "--name-status", "--no-renames", "-z", *([f"{before}..{after}"] if after else [before]), "--").split("\0")
    for status, path in zip(listed[::2], listed[1::2], strict=False):
        if short_key_of(path.rpartition("/")[2]) is not None:
            yield _change(status, path, before, after)


def _ends(given: str) -> tuple[str, str]:
    """Return both ends of a range; for ``A...B``, the first is their merge base."""
    if "..." in given:
        one, _, other = given.partition("...")
        return _git("merge-base", one or "HEAD", other or "HEAD").strip(), other or "HEAD"
    one, dots, other = given.partition("..")
    return one or "HEAD", (other or "HEAD") if dots else ""


def _change(status: str, path: str, before: str, after: str) -> Change:
    kind = {"A": "added", "D": "removed"}.get(status[:1], "changed")
    try:
        old = None if kind == "added" else from_text(_git("show", f"{before}:{path}"), path).entry
        new = None if kind == "removed" else from_text(_git("show", f"{after}:{path}") if after else _work_file(path), path).entry
    except (CassetteError, ConfigError, OSError, UnicodeDecodeError) as error:
        return Change(path, kind, None, None, str(error))
    return Change(path, kind, old, new)


def _work_file(path: str) -> str:
    from pathlib import Path

    return (Path(_git("rev-parse", "--show-toplevel").strip()) / path).read_text("utf-8")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"git cannot be run: {error}") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip() or "it does not know this range of commits"
        raise ConfigError(f"git {arguments[0]}: {reason}")
    return done.stdout.decode("utf-8", "replace")
