"""``wirecache compare``: the differences of two recorded runs."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wirecache import CassetteError
from wirecache._core.compare.steps import Severity
from wirecache._views.comparison import Run, comparison_json
from wirecache._views.comparison_text import comparison_lines, comparison_markdown
from wirecache._views.stats_json import installed_prices
from wirecache.cassette._directory import Directory
from wirecache.cassette._fork import fork_note
from wirecache.cli._options import JsonOption
from wirecache.cli._terminal import fail, print_json, print_text, usage_error

__all__ = ["FailOn", "command"]


class FailOn(StrEnum):
    """The least difference for which the command exits with 1."""

    ANY = "any"
    WORDED = "worded"
    ARGUMENTS = "arguments"
    TOOL = "tool"
    FAILED = "failed"
    NEVER = "never"


_LEAST = {
    FailOn.ANY: Severity.REQUEST,
    FailOn.WORDED: Severity.WORDED,
    FailOn.ARGUMENTS: Severity.ARGUMENTS,
    FailOn.TOOL: Severity.TOOL,
    FailOn.FAILED: Severity.FAILED,
}


def command(
    before: Annotated[str, typer.Argument(help="The cassette of a run; or a fork, to compare it with its parent.", metavar="A")],
    after: Annotated[str | None, typer.Argument(help="The cassette of the other run.", metavar="B", show_default=False)] = None,
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a report in Markdown, for a pull request.")] = False,
    fail_on: Annotated[
        FailOn, typer.Option(help="The least difference for which it exits with 1; a missing or added step counts as tool.")
    ] = FailOn.ANY,
) -> None:
    """Compare two recorded runs step by step: requests, answers, tool calls and their arguments, tokens, cost, time.

    wirecache compare runs/monday runs/tuesday  |  wirecache compare runs/monday-fork --markdown

    Steps with equal requests are paired first, then the most similar ones. A step is the same, has another request, is worded differently,
    calls tools with other arguments or other tools, is missing or added, or failed. Exits with 0 if nothing differs, 1 if something does,
    2 if a cassette cannot be read.
    """
    if as_json and markdown:
        raise usage_error("--json and --markdown cannot be combined: choose one")
    try:
        first, second = _runs(before, after)
    except CassetteError as error:
        fail(str(error), 2)
    found = comparison_json(first, second, installed_prices())
    if as_json:
        print_json(found)
    elif markdown:
        print_text(comparison_markdown(found).rstrip())
    else:
        for line in comparison_lines(found):
            print_text(line)
    if fail_on in _LEAST and Severity(found["severity"]).rank >= _LEAST[fail_on].rank:
        raise typer.Exit(1)


def _runs(before: str, after: str | None) -> tuple[Run, Run]:
    if after is not None:
        return _run(before), _run(after)
    note = fork_note(before)
    if note is None:
        raise usage_error(f"name two cassettes: {before} is not a fork, so it has no parent to compare with")
    return _run(os.path.relpath(note.parent)), _run(before)


def _run(path: str) -> Run:
    """Return the run of a cassette, or end the command if there is none."""
    if not Path(path).expanduser().is_dir():
        raise usage_error(f"{path} is not a directory; name the directory of a cassette")
    directory = Directory(path)
    names = directory.names()
    if not names:
        raise usage_error(f"{path} has no recordings; name the directory of a cassette")
    note = fork_note(directory.path)
    entries = [directory.read(name) for name in names]
    return Run(path, entries, note and os.path.relpath(note.parent), note and note.live_from)
