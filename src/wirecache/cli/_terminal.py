"""How does a command speak? Readable in a terminal and in a pipe; bars and colours only in a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

__all__ = ["AsJson", "ago", "at", "console", "counted", "fail", "followed", "plain", "print_json", "size", "warn"]

T = TypeVar("T")

WIDTH = 160  # characters of a line, where there is no terminal to ask
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(*, errors: bool = False) -> Console:
    """Where to print to."""
    made = Console(highlight=False, markup=False, emoji=False, stderr=errors)
    return made if made.is_terminal else Console(highlight=False, markup=False, emoji=False, stderr=errors, width=WIDTH)


def print_json(value: Any) -> None:
    """A JSON document, in ASCII: it passes through any pipe."""
    typer.echo(json.dumps(value, indent=2))


def plain(text: str) -> str:
    """Text from the store without what would steer a terminal."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def warn(message: str) -> None:
    """Tell a problem; the command goes on."""
    typer.echo(message, err=True)


def fail(message: str, status: int = 1) -> NoReturn:
    """Tell a problem, and end."""
    warn(f"wirecache: {message}")
    raise typer.Exit(status)


def followed(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items, with a bar on standard error while they last, if that is a terminal."""
    shown = console(errors=True)
    if not shown.is_terminal:
        yield from items
        return
    from rich.progress import track

    yield from track(items, what, total=total, console=shown, transient=True)


def counted(number: int, what: str, many: str = "") -> str:
    """``1 entry``, ``2 entries``."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def ago(seconds: float) -> str:
    """A span of time in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(number: float) -> str:
    """A number of bytes in its largest unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def at(seconds: float) -> str:
    """A moment as text (ISO 8601, UTC)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
