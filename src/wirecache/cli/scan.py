"""``wirecache scan``: searches files for secrets. For use before a commit, in pre-commit and in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from wirecache import ConfigError
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.privacy.scan import Leak, leaks
from wirecache._core.quantity import quantity
from wirecache.cli._options import JsonOption
from wirecache.cli._terminal import one_line, print_json, print_text, usage_error, warn

__all__ = ["command"]

# Directories that are not committed. Files named on the command line are always read.
SKIPPED_DIRECTORIES = frozenset({".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "__pycache__", "node_modules"})
MEMBER_PER_LINE = frozenset({".yaml", ".yml", ".http"})  # suffixes of files where ``name: value`` is a member


def command(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files and directories to read.", show_default=False)],
    pattern: Annotated[list[str] | None, typer.Option(help="A regular expression for other secrets; can be repeated.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="A header, parameter or member that is secret; can be repeated.")] = None,
    as_json: JsonOption = False,
    max_size: Annotated[int, typer.Option(help="Files of more than this many MB are reported and not read.", min=1)] = 32,
) -> None:
    """Search cassettes and other text files for secrets: keys and tokens by their shape, members and headers by their name.

    Never prints a secret, only its first four characters and its length. Exits with 1 if it finds one, with 2 if a file was not read.
    """
    try:
        redactor = Redactor(name or (), pattern or ())
    except ConfigError as error:
        raise usage_error(str(error)) from None
    read = unread = 0
    found: list[_Finding] = []
    for path in _files(paths):
        try:
            text = _read_text(path, max_size * 1_000_000)
        except (OSError, _TooLarge) as error:
            warn(f"{one_line(str(path))}: not read: {one_line(str(error))}")
            unread += 1
            continue
        if text is not None:
            read += 1
            found += [_Finding(str(path), leak) for leak in leaks(text, redactor, lines=path.suffix.lower() in MEMBER_PER_LINE)]
    if as_json:
        print_json([{"path": path, "line": leak.line, "kind": leak.kind, "shown": leak.shown} for path, leak in found])
    else:
        _print(found, read)
    if found or unread:
        raise typer.Exit(1 if found else 2)


class _Finding(NamedTuple):
    """A secret, and the file that it is in."""

    path: str
    leak: Leak


class _TooLarge(Exception):
    """A file is larger than the limit."""


def _files(paths: list[Path]) -> Iterator[Path]:
    """Yield every file once, in a stable order; links are not followed."""
    seen: set[Path] = set()
    for path in paths:
        for file in [path] if path.is_file() else _files_below(path):
            if file not in seen:
                seen.add(file)
                yield file


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_DIRECTORIES)
        yield from (file for name in sorted(names) if (file := Path(folder, name)).is_file() and not file.is_symlink())


def _read_text(path: Path, limit: int) -> str | None:
    """Return the text of a file of at most ``limit`` bytes, or None if it is not a text file."""
    with path.open("rb") as file:
        start = file.read(8192)
        if b"\0" in start:
            return None
        if (size := os.fstat(file.fileno()).st_size) > limit:
            raise _TooLarge(f"it has {size / 1_000_000:,.0f} MB; raise the limit with --max-size")
        data = start + file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _print(found: list[_Finding], read: int) -> None:
    for path, leak in found:
        print_text(f"{one_line(path)}:{leak.line}: {one_line(leak.kind)}: {one_line(leak.shown)}")
    files = quantity(read, "text file")
    if found:
        leaking = len({path for path, _ in found})
        print_text(f"{quantity(len(found), 'secret')} in {leaking:,} of {files}. Revoke what was shared, then record again.")
    else:
        print_text(f"No secrets in {files}.")
