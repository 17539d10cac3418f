"""Output of the commands: readable in a terminal and in a pipe, with progress bars and colours only in a terminal.

All text goes through ``print_text``, ``warn``, ``fail`` or ``usage_error``, or, in a table, through ``terminal_safe``: entries, files and
providers' answers may contain control characters that would control the terminal.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from wirecache._core.terminal_text import one_line, terminal_safe

__all__ = [
    "console",
    "fail",
    "fitted",
    "one_line",
    "print_columns",
    "print_json",
    "print_text",
    "terminal_safe",
    "usage_error",
    "warn",
    "with_progress",
]

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

WIDTH = 160  # characters per line if the output is not a terminal
SPACE = "  "  # between columns
NARROWEST = 6  # minimum characters of a column, even on a narrow terminal


def console(*, errors: bool = False) -> Console:
    """Return a console on standard output, or with ``errors`` on standard error."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, emoji=False, stderr=errors)
    return made if made.is_terminal else Console(highlight=False, markup=False, emoji=False, stderr=errors, width=WIDTH)


def print_text(text: str) -> None:
    """Print a text on standard output."""
    typer.echo(terminal_safe(text))


def print_columns(names: Sequence[str], rows: Sequence[Sequence[str]], right_aligned: Collection[str] = ()) -> None:
    """Print one line per row under the column names. If that is too wide for the terminal, the widest columns are cut first.

    rich's table does the same, but importing its console takes longer than reading the rows.
    """
    from rich.cells import cell_len

    table = [names, *rows]
    room = (shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH) - len(SPACE) * (len(names) - 1)
    widths = fitted([max(map(cell_len, column)) for column in zip(*table, strict=True)], room)
    for number, row in enumerate(table):
        cells = (_cell(text, width, right=name in right_aligned) for text, width, name in zip(row, widths, names, strict=True))
        typer.secho(terminal_safe(SPACE.join(cells).rstrip()), bold=None if number else True)


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths with the largest ones reduced until all fit; none is reduced below ``NARROWEST``."""
    fitting = list(widths)
    while sum(fitting) > room and (widest := max(fitting)) > NARROWEST:
        fitting[fitting.index(widest)] -= 1
    return fitting


def _cell(text: str, width: int, *, right: bool) -> str:
    """Return the text padded with spaces to the width, or cut with an ellipsis if it is wider."""
    from rich.cells import cell_len, set_cell_size

    if (excess := cell_len(text) - width) > 0:
        return set_cell_size(text, width - 1) + "…"
    return " " * -excess + text if right else text + " " * -excess


def print_json(value: Any) -> None:
    """Print a JSON document, in ASCII so that any pipe accepts it."""
    typer.echo(json.dumps(value, indent=2))


def warn(message: str) -> None:
    """Print a problem on standard error; the command continues."""
    typer.echo(terminal_safe(message), err=True)


def fail(message: str, status: int = 1) -> NoReturn:
    """Print a problem on standard error and exit with the status."""
    warn(f"wirecache: {message}")
    raise typer.Exit(status)


def usage_error(message: str) -> typer.BadParameter:
    """Return the exception that ends a command with the usage error and status 2."""
    return typer.BadParameter(terminal_safe(message))


def with_progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, with a progress bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import track

    yield from track(items, description, total=total, console=console(errors=True), transient=True)
