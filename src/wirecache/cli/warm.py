"""``wirecache warm``: send a list of calls through the cache, so that they are hits later."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from wirecache import WarmReport
from wirecache._clients.warm import Warming, parse_rate
from wirecache.cli._batch import header_pairs
from wirecache.cli._stores import Store, cache_of
from wirecache.cli._terminal import AsJson, console, counted, print_json, warn

__all__ = ["command"]


def command(
    file: Annotated[Path, typer.Argument(help="The calls: OpenAI batch JSONL.", metavar="FILE", exists=True, dir_okay=False)],
    base_url: Annotated[str | None, typer.Option(help="Where the calls go. Default: OPENAI_BASE_URL, else OpenAI.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="A header of each call, NAME:VALUE; may be repeated.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls under way at a time.", min=1)] = 8,
    rate: Annotated[str | None, typer.Option(help="Calls that go out: 5/s, 500/m, 10000/h.", metavar="RATE")] = None,
    attempts: Annotated[int, typer.Option(help="How often a call is sent that fails for now (429, 5xx, no connection).", min=1)] = 6,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Send the calls of FILE through the cache: {"custom_id", "method", "url", "body"}, one a line.

    What is in the cache is not sent again, so a run that was cut short goes on where it was. Ctrl-C ends it after the calls under way.
    The key is OPENAI_API_KEY, unless --header gives one. Exits with 1 if a call has no answer in the cache now.
    """
    with cache_of(store, reads=False) as cache:
        warming = Warming(cache, base_url, dict(header_pairs(header or [])), attempts)
        with file.open("rb") as lines, _bar(file) as warming.on_done, _stopped_by_signals(warming):
            anyio.run(partial(warming.run, lines, concurrency, parse_rate(rate)))
        report = warming.report
        for error in report.errors:
            warn(f"{error.id}: {error.reason}")
        if as_json:
            print_json(_as_json(report))
        else:
            typer.echo(_told(report))
        if report.stopped:
            raise typer.Exit(130)
        if report.errors or report.not_stored:
            raise typer.Exit(1)


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[WarmReport], None] | None]:
    """A bar while it lasts, if standard error is a terminal."""
    shown = console(errors=True)
    if not shown.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with file.open("rb") as lines:
        total = sum(bool(line.strip()) for line in lines)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=shown, transient=True) as progress:
        task = progress.add_task("", total=total)

        def on_done(report: WarmReport) -> None:
            progress.update(task, completed=report.total, description=f"{report.hits:,} hits, {len(report.errors):,} errors")

        yield on_done


@contextmanager
def _stopped_by_signals(warming: Warming) -> Iterator[None]:
    """The first Ctrl-C, or a request to end, lets the calls under way finish; the second Ctrl-C ends them."""

    def stop(number: int, frame: Any) -> None:
        warming.stop()
        warn("stopping after the calls under way")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_json(report: WarmReport) -> dict[str, Any]:
    return {
        "total": report.total,
        "hits": report.hits,
        "stored": report.stored,
        "not_stored": dict(report.not_stored),
        "errors": [{"id": error.id, "reason": error.reason} for error in report.errors],
        "seconds": round(report.seconds, 3),
        "stopped": report.stopped,
    }


def _told(report: WarmReport) -> str:
    parts = [counted(report.total, "call"), f"{report.hits:,} hits", f"{report.stored:,} stored"]
    parts += [f"{number:,} not stored ({reason})" for reason, number in sorted(report.not_stored.items())]
    if report.errors:
        parts.append(counted(len(report.errors), "error"))
    return f"{', '.join(parts)}, {report.seconds:.1f} s" + (", stopped before the end." if report.stopped else ".")
