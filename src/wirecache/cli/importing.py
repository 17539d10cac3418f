"""``wirecache import``: cassettes of whatever recorder, and batch answers, into the store or into a cassette directory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from wirecache import CassetteError
from wirecache._core.privacy.redaction import DEFAULT
from wirecache.cassette import short_key_of
from wirecache.cli._batch import Provider, import_batch
from wirecache.cli._cassettes import Shelved, Stored, cassette_files, read_any
from wirecache.cli._stores import Store, cache_of
from wirecache.cli._terminal import AsJson, counted, fail, followed, print_json, warn

__all__ = ["command"]


def command(
    paths: Annotated[list[str], typer.Argument(help="Cassettes, and directories of them; or the word batch.", metavar="PATH")],
    to: Annotated[Path | None, typer.Option(help="Write a cassette directory, instead of into the store.", file_okay=False)] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Count the age of the answers from now, not from when they were recorded.")
    ] = False,
    input_file: Annotated[Path | None, typer.Option("--input", help="batch: the requests (JSONL).", exists=True, dir_okay=False)] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="batch: the results (JSONL).", exists=True, dir_okay=False)] = None,
    base_url: Annotated[str | None, typer.Option(help="batch: where the live calls go. Default: the provider's own.")] = None,
    provider: Annotated[Provider, typer.Option(help="batch: whose files these are.")] = Provider.OPENAI,
    header: Annotated[list[str] | None, typer.Option(help="batch: a header of the live calls, NAME:VALUE; may be repeated.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Read cassettes of wirecache, vcrpy, pytest-recording and cassetter into the store, or with --to into a cassette directory.

    wirecache import PATH... [--to DIR]  |  wirecache import batch --input requests.jsonl --output results.jsonl

    The second form makes each answer of a batch (OpenAI, Anthropic) the entry of the equal live call. Importing the same twice
    changes nothing. Exits with 1 if something could not be read; the rest is imported.
    """
    if paths == ["batch"] and (input_file or output_file):
        if input_file is None or output_file is None or to is not None:
            raise typer.BadParameter("batch takes --input and --output, and no --to")
        import_batch(input_file, output_file, provider, base_url, header or [], store, as_json)
        return
    if paths == ["batch"] and not Path("batch").exists():
        raise typer.BadParameter("batch needs --input requests.jsonl and --output results.jsonl")
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise typer.BadParameter(f"{', '.join(missing)}: no such file or directory")
    if input_file or output_file or base_url or header:
        raise typer.BadParameter("--input, --output, --base-url and --header are for: wirecache import batch")
    files = [file for path in paths for file in cassette_files(Path(path).expanduser())]
    _into_directory(files, to, as_json) if to is not None else _into_store(files, fresh, store, as_json)


def _into_directory(files: list[Path], to: Path, as_json: bool) -> None:
    target = Shelved(to)
    wrong = _read(files, target)
    _tell({"to": str(to), "written": target.written, "already": target.already}, wrong, as_json)


def _into_store(files: list[Path], fresh: bool, store: str | None, as_json: bool) -> None:
    with cache_of(store, reads=False) as cache:
        target = Stored(cache, time.time(), fresh=fresh)
        wrong = _read(files, target)
        told: dict[str, Any] = {"to": repr(cache.store), "written": target.written, "already": target.already}
        told |= {"stale": target.stale, "left_out": dict(target.left_out)}
        _tell(told, wrong, as_json)


def _read(files: list[Path], target: Shelved | Stored) -> list[str]:
    """What could not be read; the rest is in its place."""
    wrong = []
    redactor = DEFAULT if isinstance(target, Shelved) else None
    last: Path | None = None
    for file in followed(files, "Importing", len(files)):
        cassette = file.parent if short_key_of(file.name) else file
        if cassette != last:
            target.begin()
            last = cassette
        try:
            for entry in read_any(file, redactor=redactor):
                target.put(entry)
        except (CassetteError, OSError) as error:
            wrong.append(str(error))
    return wrong


def _tell(told: dict[str, Any], wrong: list[str], as_json: bool) -> None:
    for message in wrong:
        warn(message)
    if as_json:
        print_json({**told, "errors": wrong})
    else:
        there = f", {told['already']:,} there already" if told["already"] else ""
        typer.echo(f"{counted(told['written'], 'answer')} imported into {told['to']}{there}.")
        if left_out := told.get("left_out"):
            reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(left_out.items()))
            typer.echo(f"Left out, since a cache stores no such answers: {reasons}. With --to, a cassette directory takes them.")
        if told.get("stale"):
            typer.echo(f"{told['stale']:,} of them are past their ttl, and answer only offline; --fresh counts their age from now.")
    if wrong:
        fail(f"{counted(len(wrong), 'file')} could not be read")
