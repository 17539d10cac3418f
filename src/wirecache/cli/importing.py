"""``wirecache import``: imports cassettes of any recorder, and answers of a batch, into the store or a cassette directory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from wirecache import CassetteError
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.quantity import quantity
from wirecache._settings.homes import expanded
from wirecache.cassette import SCHEMA_NAME, short_key_of
from wirecache.cassette._importers.detect import read_any
from wirecache.cli._entry_targets import CassetteTarget, StoreTarget
from wirecache.cli._import_batch import Provider, import_batch
from wirecache.cli._options import JsonOption, StoreOption, parse_headers
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import fail, print_json, print_text, usage_error, warn, with_progress

__all__ = ["command"]

SUFFIXES = frozenset({".json", ".yaml", ".yml", ".toml"})  # of files that may be cassettes


def command(
    paths: Annotated[list[str], typer.Argument(help="Cassettes and directories of them, or the word batch.", metavar="PATH")],
    to: Annotated[
        Path | None, typer.Option(help="The cassette directory to write to, instead of the store.", metavar="DIR", file_okay=False)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Count the age of the answers from now, not from their recording.")] = False,
    input_file: Annotated[Path | None, typer.Option("--input", help="batch: the requests (JSONL).", exists=True, dir_okay=False)] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="batch: the results (JSONL).", exists=True, dir_okay=False)] = None,
    base_url: Annotated[str | None, typer.Option(help="batch: the base URL of the live calls. Default: the provider's.")] = None,
    provider: Annotated[Provider, typer.Option(help="batch: the provider that the files come from.")] = Provider.OPENAI,
    header: Annotated[list[str] | None, typer.Option(help="batch: a header of the live calls, NAME:VALUE; can be repeated.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import cassettes of wirecache, vcrpy, pytest-recording and cassetter into the store, or with --to into a cassette directory.

    wirecache import PATH... [--to DIR]  |  wirecache import batch --input requests.jsonl --output results.jsonl

    The second form makes each answer of a batch (OpenAI, Anthropic) the entry of the equal live call. Importing the same files again
    changes nothing. Exits with 1 if something could not be read; the rest is imported.
    """
    if paths == ["batch"] and (input_file or output_file):
        if input_file is None or output_file is None or to is not None:
            raise usage_error("import batch takes --input and --output, and does not take --to")
        headers = parse_headers(header)
        import_batch(input_file, output_file, provider, base_url=base_url, headers=headers, store=store, as_json=as_json)
        return
    if paths == ["batch"] and not Path("batch").exists():
        raise usage_error("import batch needs --input requests.jsonl and --output results.jsonl")
    if missing := [path for path in paths if not Path(path).exists()]:
        raise usage_error(f"{', '.join(missing)}: no such file or directory")
    if input_file or output_file or base_url or header:
        raise usage_error("--input, --output, --base-url and --header are only for: wirecache import batch")
    files = [file for path in paths for file in _cassette_files(expanded(path))]
    if to is not None:
        _import_into_directory(files, to, as_json)
    else:
        _import_into_store(files, store, fresh, as_json)


def _cassette_files(path: Path) -> Iterator[Path]:
    """Yield the file, or the files below a directory that may be cassettes, sequences in order."""
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names, key=lambda name: (short_key_of(name) or (name, 0), name)):
            if Path(name).suffix.lower() in SUFFIXES and name != SCHEMA_NAME and not name.startswith("."):
                yield Path(folder, name)


def _import_into_directory(files: list[Path], to: Path, as_json: bool) -> None:
    target = CassetteTarget(to)
    errors = _import_files(files, target)
    _report({"to": str(to), "written": target.written, "already": target.already_there}, errors, as_json)


def _import_into_store(files: list[Path], store: str | None, fresh: bool, as_json: bool) -> None:
    with open_cache(store, create=True) as cache:
        target = StoreTarget(cache, time.time(), fresh=fresh)
        errors = _import_files(files, target)
        counts: dict[str, Any] = {"to": repr(cache.store), "written": target.written, "already": target.already_there}
        counts |= {"stale": target.stale, "left_out": dict(target.left_out)}
        _report(counts, errors, as_json)


def _import_files(files: list[Path], target: CassetteTarget | StoreTarget) -> list[str]:
    """Write the entries of the files to the target; return what could not be read."""
    errors = []
    redactor = DEFAULT if isinstance(target, CassetteTarget) else None
    previous: Path | None = None
    for file in with_progress(files, "Importing", len(files)):
        cassette = file.parent if short_key_of(file.name) else file  # wirecache's own cassettes are directories
        if cassette != previous:
            target.begin_cassette()
            previous = cassette
        try:
            for entry in read_any(file, redactor=redactor):
                target.add(entry)
        except (CassetteError, OSError) as error:
            errors.append(str(error))
    return errors


def _report(counts: dict[str, Any], errors: list[str], as_json: bool) -> None:
    """Print the counts, which are those of ``--json``, and exit with 1 if there are errors."""
    for error in errors:
        warn(error)
    if as_json:
        print_json({**counts, "errors": errors})
    else:
        already_there = f", {counts['already']:,} already there" if counts["already"] else ""
        print_text(f"{quantity(counts['written'], 'answer')} imported into {counts['to']}{already_there}.")
        if left_out := counts.get("left_out"):
            reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(left_out.items()))
            print_text(f"Left out, since a cache does not store such answers: {reasons}. A cassette directory takes them (--to).")
        if counts.get("stale"):
            print_text(f"Past their ttl, so that they answer only offline: {counts['stale']:,}. Use --fresh to count the age from now.")
    if errors:
        fail(f"{quantity(len(errors), 'file')} could not be read")
