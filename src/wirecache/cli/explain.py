"""``wirecache explain``: whether a request would be answered from the store, and if not, why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from wirecache import Cache, Entry
from wirecache._caches.explain import Explanation, explain_request
from wirecache._core.rules.plan import CallOptions, inner_namespace
from wirecache._views.explanation_json import check_request, explanation_json
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import find_entry, is_key, open_cache
from wirecache.cli._terminal import fail, print_json, print_text, usage_error

__all__ = ["command"]

SEARCH_SECONDS = 2.0  # for the nearest stored request; longer than in a call, since the user asked for it


def command(
    request: Annotated[
        str | None,
        typer.Argument(
            help="A file with the request, or the key of an entry; without it or with -, standard input.",
            metavar="FILE|KEY",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain whether a request would be a hit: by which rule and key, and if not, why.

    If it would be a miss, the nearest stored request is compared with it. The request is JSON: {"method": "POST", "url": "https://...",
    "headers": {...}, "body": {...}}; or that of a stored entry, named by its key or its first digits. Nothing is sent. Exits with 1 if
    the request would not be a hit.
    """
    key = request if request is not None and is_key(request) and not Path(request).exists() else None
    given = _read_request(request) if key is None else {}
    with open_cache(store) as cache:
        cache.engine.search_seconds = SEARCH_SECONDS
        explanation = cache.explain(given) if key is None else _explain_entry(cache, find_entry(cache, key))
    if as_json:
        print_json(explanation_json(explanation))
    else:
        canonical = f"\nthe key is made from:\n{explanation.canonical}" if explanation.canonical else ""
        print_text(f"{explanation}{canonical}")
    if explanation.reason is not None:
        raise typer.Exit(1)


def _explain_entry(cache: Cache, entry: Entry) -> Explanation:
    """Return what would happen to an entry's request under the current options."""
    request = entry.request
    if not request.whole:
        fail(f"the entry {entry.key[:16]} keeps only a part of its request, so it cannot be explained; give the request in a file")
    json_type = {"content-type": "application/json"} if entry.request_body else {}
    given = {"method": request.method, "url": request.url, "headers": {**json_type, **request.headers}, "body": bytes(entry.request_body)}
    options = CallOptions(namespace=inner_namespace(cache.engine.plan.namespace, request.namespace), sample=request.sample)
    return explain_request(cache.engine, given, options, cache.engine.source.look_up)


def _read_request(file: str | None) -> dict[str, Any]:
    """Return the request in the form that ``Cache.explain`` takes, or end the command if it is invalid."""
    path = None if file is None or file == "-" else Path(file)
    source = path or "standard input"
    try:
        text = path.read_text("utf-8") if path else typer.get_text_stream("stdin").read()
        request = json.loads(text)
        check_request(request)
    except ValueError as error:
        what = "not JSON: " if isinstance(error, json.JSONDecodeError) else ""
        raise usage_error(f"{source}: {what}{error}") from None
    except OSError as error:
        raise usage_error(f"{source}: {error}") from None
    return cast("dict[str, Any]", request)
