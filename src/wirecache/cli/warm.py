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
from wirecache._clients.rate_limit import parse_rate
from wirecache._clients.warm import WarmRun
from wirecache._core.quantity import quantity
from wirecache.cli._budget import MaxCallsOption, MaxCostOption, begin_run
from wirecache.cli._options import JsonOption, StoreOption, parse_headers
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import console, one_line, print_json, print_text, warn

__all__ = ["command"]


def command(
    file: Annotated[
        Path, typer.Argument(help="The calls, in the format of OpenAI's batch files (JSONL).", metavar="FILE", exists=True, dir_okay=False)
    ],
    base_url: Annotated[str | None, typer.Option(help="The base URL of the calls. Default: OPENAI_BASE_URL, else OpenAI's.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="A header of each call, NAME:VALUE; can be repeated.")] = None,
    concurrency: Annotated[int, typer.Option(help="The number of calls in flight at once.", min=1)] = 8,
    rate: Annotated[str | None, typer.Option(help="The maximum rate of calls: 5/s, 500/m, 10000/h.", metavar="RATE")] = None,
    attempts: Annotated[int, typer.Option(help="How often to try a call that fails temporarily (429, 5xx, no connection).", min=1)] = 6,
    max_cost: MaxCostOption = None,
    max_calls: MaxCallsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send the calls of FILE through the cache, so that they are hits later. One per line: {"custom_id", "method", "url", "body"}.

    A call that is in the cache is not sent, so an interrupted run continues where it stopped. Ctrl-C stops it after the calls in flight.
    The API key is OPENAI_API_KEY, unless --header gives one. Exits with 1 if a call has no answer in the cache at the end.
    """
    begin_run(max_cost, max_calls)
    with open_cache(store, create=True) as cache:
        warm_run = WarmRun(cache, base_url, dict(parse_headers(header)), attempts)
        with file.open("rb") as lines, _progress_bar(file) as warm_run.on_done, _stopped_by_signals(warm_run):
            anyio.run(partial(warm_run.run, lines, concurrency, parse_rate(rate)))
        report = warm_run.report
        for error in (*report.errors, *report.unstored):
            warn(one_line(f"{error.id}: {error.reason}"))
        if as_json:
            print_json(_as_json(report))
        else:
            print_text(_summary(report))
        if report.stopped and not report.over_budget:
            raise typer.Exit(130)
        if report.errors or report.not_stored:
            raise typer.Exit(1)


@contextmanager
def _progress_bar(file: Path) -> Iterator[Callable[[WarmReport], None] | None]:
    """Yield a function that updates a progress bar on standard error, or None if that is not a terminal."""
    output = console(errors=True)
    if not output.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with file.open("rb") as lines:
        total = sum(bool(line.strip()) for line in lines)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=output, transient=True) as progress:
        task = progress.add_task("", total=total)

        def on_done(report: WarmReport) -> None:
            progress.update(
                task, completed=report.total, description=f"{quantity(report.hits, 'hit')}, {quantity(len(report.errors), 'error')}"
            )

        yield on_done


@contextmanager
def _stopped_by_signals(warm_run: WarmRun) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM stop the run after the calls in flight, and a second Ctrl-C interrupt them."""

    def stop(number: int, frame: Any) -> None:
        warm_run.stop()
        warn("stopping after the calls in flight")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _as_json(report: WarmReport) -> dict[str, Any]:
    return {
        "total": report.total,
        "hits": report.hits,
        "stored": report.stored,
        "not_stored": dict(report.not_stored),
        "unstored": [{"id": call.id, "reason": call.reason} for call in report.unstored],
        "errors": [{"id": error.id, "reason": error.reason} for error in report.errors],
        "seconds": round(report.seconds, 3),
        "stopped": report.stopped,
        "over_budget": report.over_budget,
    }


def _summary(report: WarmReport) -> str:
    parts = [quantity(report.total, "call"), quantity(report.hits, "hit"), f"{report.stored:,} stored"]
    parts += [f"{number:,} not stored ({reason})" for reason, number in sorted(report.not_stored.items())]
    if report.errors:
        parts.append(quantity(len(report.errors), "error"))
    return f"{', '.join(parts)}, {report.seconds:.1f} s" + ("; stopped before the end." if report.stopped else ".")
