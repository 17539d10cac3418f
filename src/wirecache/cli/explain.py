"""``wirecache explain``: would this request be answered from the store, and if not, why?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from wirecache._views.explanation_json import check_request, explanation_json
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import print_json, print_text, usage_error

__all__ = ["command"]

SEARCH_SECONDS = 2.0  # for the nearest stored request; longer than in a call, since somebody waits for the answer


def command(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file with the request; without it or with -, standard input.", metavar="FILE", show_default=False),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain whether a request would be a hit: by which rule and key, and if not, why.

    If it would be a miss, the nearest stored request is compared with it. The request is JSON: {"method": "POST", "url": "https://...",
    "headers": {...}, "body": {...}}. Nothing is sent. Exits with 1 if the request would not be a hit.
    """
    request = _read_request(file)
    with open_cache(store) as cache:
        cache.engine.search_seconds = SEARCH_SECONDS
        explanation = cache.explain(request)
    if as_json:
        print_json(explanation_json(explanation))
    else:
        canonical = f"\nthe key is made from:\n{explanation.canonical}" if explanation.canonical else ""
        print_text(f"{explanation}{canonical}")
    if explanation.reason is not None:
        raise typer.Exit(1)


def _read_request(file: Path | None) -> dict[str, Any]:
    """Return the request as ``Cache.explain`` takes it; what is wrong with it ends the command."""
    source = "standard input" if file is None or str(file) == "-" else str(file)
    try:
        text = typer.get_text_stream("stdin").read() if file is None or str(file) == "-" else file.read_text("utf-8")
        request = json.loads(text)
        check_request(request)
    except (OSError, ValueError) as error:
        raise usage_error(f"{source}: {error}") from None
    return cast("dict[str, Any]", request)
