"""``wirecache explain``: would this request be answered from the store, and why not?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wirecache import Explanation
from wirecache._caches.explain import request_of
from wirecache.cli._stores import Store, cache_of
from wirecache.cli._terminal import AsJson, plain, print_json

__all__ = ["command"]

SEARCH = 2.0  # seconds to look for the stored request that is nearest
MEMBERS = frozenset({"method", "url", "headers", "body"})


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A file with the request; - or nothing: standard input.", metavar="FILE", show_default=False)
    ] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a request would be a hit, by which rule and key, and if not: why not, and how the nearest stored request differs.

    The request is JSON: {"method": "POST", "url": "https://...", "headers": {...}, "body": {...}}. Nothing is sent. Exits with 1 if
    it would be no hit.
    """
    asked = _request(file)
    with cache_of(store) as cache:
        cache.search_seconds = SEARCH
        told = cache.explain(asked)
    if as_json:
        print_json(_as_json(told))
    else:
        canonical = f"\ncounts in the key:\n{told.canonical}" if told.canonical else ""
        typer.echo(plain(f"{told}{canonical}"))
    if told.reason is not None:
        raise typer.Exit(1)


def _request(file: Path | None) -> dict[str, Any]:
    where = "standard input" if file is None or str(file) == "-" else str(file)
    try:
        text = typer.get_text_stream("stdin").read() if file is None or str(file) == "-" else file.read_text("utf-8")
        asked = json.loads(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{where}: {error}") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("url"), str):
        raise typer.BadParameter(f"{where}: give an object with url and, as needed, method, headers and body")
    if more := asked.keys() - MEMBERS:
        raise typer.BadParameter(f"{where}: {', '.join(sorted(more))} is no member of a request; those are {', '.join(sorted(MEMBERS))}")
    try:
        request_of(asked)
    except (ValueError, AttributeError, TypeError) as error:
        raise typer.BadParameter(f"{where}: {error}") from None
    return asked


def _as_json(told: Explanation) -> dict[str, Any]:
    near = told.nearest
    return {
        "hit": told.reason is None,
        "reason": told.reason,
        "rule": told.rule,
        "key": told.key,
        "found": told.found,
        "age": told.age,
        "canonical": told.canonical,
        "nearest": near and {"key": near.entry.key, "differences": [difference._asdict() for difference in near.differences]},
    }
