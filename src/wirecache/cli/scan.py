"""``wirecache scan``: is a secret left in these files? For a look before a commit, for pre-commit and for CI."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from wirecache import ConfigError
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.privacy.scan import Leak, leaks

__all__ = ["command"]

# Folders that are no part of what is committed; a file that is named is always read.
SKIPPED = frozenset({".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "__pycache__", "node_modules"})
MEMBERS_BY_LINE = frozenset({".yaml", ".yml", ".http"})


def command(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files and directories to read.", show_default=False)],
    pattern: Annotated[list[str] | None, typer.Option(help="A regular expression for secrets of your own; may be repeated.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="A header, parameter or member that is secret; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
    max_size: Annotated[int, typer.Option(help="Larger files are passed over, and named; in MB.", min=1)] = 32,
) -> None:
    """Look for secrets in cassettes and any other text files: keys and tokens by their shape, and members and headers by their name.

    Never prints a secret: only its first four characters and its length. Exits with 1 if it finds one, with 2 if it could not look.
    """
    try:
        redactor = Redactor(name or (), pattern or ())
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    read = unread = 0
    found: list[tuple[str, Leak]] = []
    for path in _files(paths):
        try:
            text = _text(path, max_size * 1_000_000)
        except (OSError, _TooLarge) as error:
            typer.echo(f"{path}: not read: {error}", err=True)
            unread += 1
            continue
        if text is not None:
            read += 1
            found += [(str(path), leak) for leak in leaks(text, redactor, lines=path.suffix.lower() in MEMBERS_BY_LINE)]
    _print(found, read, as_json)
    if found or unread:
        raise typer.Exit(1 if found else 2)


class _TooLarge(Exception):
    """A file is larger than it may be."""


def _files(paths: list[Path]) -> Iterator[Path]:
    """Every file once, in a stable order; links are not followed."""
    seen: set[Path] = set()
    for path in paths:
        for file in [path] if path.is_file() else _below(path):
            if file not in seen:
                seen.add(file)
                yield file


def _below(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from (file for name in sorted(files) if (file := Path(here, name)).is_file() and not file.is_symlink())


def _text(path: Path, most: int) -> str | None:
    """The text of a file; None if it is none."""
    with path.open("rb") as file:
        start = file.read(8192)
        if b"\0" in start:
            return None
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise _TooLarge(f"it has {size / 1_000_000:,.0f} MB; --max-size raises the limit")
        data = start + file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _print(found: list[tuple[str, Leak]], read: int, as_json: bool) -> None:
    if as_json:
        told = [{"path": path, "line": leak.line, "kind": leak.kind, "shown": leak.shown} for path, leak in found]
        typer.echo(json.dumps(told, indent=2))
        return
    for path, leak in found:
        typer.echo(f"{path}:{leak.line}: {leak.kind}: {leak.shown}")
    looked = f"{read} text file{'' if read == 1 else 's'}"
    if found:
        files = len({path for path, _ in found})
        typer.echo(
            f"{len(found)} secret{'' if len(found) == 1 else 's'} in {files} of {looked}. Revoke what was shared, then record again."
        )
    else:
        typer.echo(f"No secret in {looked}.")
