"""The JSON API under ``/api/v1/``, and its description. Within v1, members may be added to answers, but never changed or removed."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.version import __version__
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.inspector import Inspector, Page, json_response
from wirecache._inspector.listing import list_of, listing_of
from wirecache._inspector.nearest import nearest_stored
from wirecache._inspector.numbers import whole_number
from wirecache._inspector.timeline import timeline_of
from wirecache._views.entry_json import entry_details
from wirecache._views.explanation_json import check_request, explanation_json
from wirecache._views.formats import format_time

__all__ = ["ROUTES", "row_json"]

MOST = 500  # exchanges in one answer


def row_json(row: IndexRow, now: float) -> dict[str, Any]:
    """Return a row of the list as JSON."""
    hidden = {"chain", "usage", "answer_id", "previous_id", "expires_at", "stored_at"}
    values = {name: value for name, value in row._asdict().items() if name not in hidden}
    is_fresh = row.expires_at is None or row.expires_at > now
    return {**values, "stored_at": format_time(row.stored_at), "age": round(max(0.0, now - row.stored_at), 3), "fresh": is_fresh}


def _exchanges(inspector: Inspector, request: Request) -> Response:
    listing = listing_of(request.query_params)
    if listing.problem:
        return json_response({"error": listing.problem}, 400)
    limit = whole_number(request.query_params.get("limit", ""))
    size = 50 if limit is None else min(MOST, max(1, limit))
    inspector.indexer.wait_at_start()
    found, now = list_of(inspector, listing, size), time.time()
    progress = inspector.indexer.progress
    return json_response(
        {
            "exchanges": [row_json(row, now) for row in found.rows],
            "page": listing.page,
            "total": found.total,
            "ready": progress.ready,
        }
    )


def _exchange(inspector: Inspector, request: Request) -> Response:
    source, ref, entry = inspector.entry_of(request)
    return json_response({"source": source.id, "ref": ref, "test": source.test_of(ref), **entry_details(entry)})


def _events(inspector: Inspector, request: Request) -> Response:
    _, _, entry = inspector.entry_of(request)
    timeline = timeline_of(entry)
    listed = timeline.events if timeline else []
    return json_response({"events": [{"at": event.at, "name": event.name, "text": event.text} for event in listed]})


def _progress(inspector: Inspector, request: Request) -> Response:
    inspector.indexer.touch()
    return json_response(inspector.indexer.progress._asdict())


def _misses(inspector: Inspector, request: Request) -> Response:
    found = inspector.misses.latest()
    rows = [{**one.miss._asdict(), "proxy": one.where, "exchange": one.ref} for one in found.misses]
    return json_response({"misses": rows, "problems": found.problems})


def _sources(inspector: Inspector, request: Request) -> Response:
    listed = [{"id": s.id, "name": s.name, "kind": "cassettes" if s.is_cassette else "store"} for s in inspector.sources]
    return json_response({"sources": listed})


async def _explain(inspector: Inspector, request: Request) -> Response:
    source = inspector.source(request.query_params.get("source", inspector.sources[0].id))
    try:
        given = json.loads(await request.body())
        check_request(given)
    except (ValueError, RecursionError) as error:
        return json_response({"error": str(error)}, 400)
    return json_response(explanation_json(await run_in_threadpool(source.explain, given, partial(nearest_stored, inspector, source))))


def _description(inspector: Inspector, request: Request) -> Response:
    return json_response(_openapi())


def _unknown(inspector: Inspector, request: Request) -> Response:
    raise HTTPException(404, "The API has no such address; /api/v1/openapi.json lists them.")


def _openapi() -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1)."""
    text = {"schema": {"type": "string"}}

    def query(name: str, description: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": description, **text}

    def path(name: str) -> dict[str, Any]:
        return {"name": name, "in": "path", "required": True, **text}

    def get(summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        ok = {"200": {"description": "JSON", "content": {"application/json": {}}}}
        return {"get": {"summary": summary, "parameters": list(parameters), "responses": ok}}

    one = (path("source"), path("ref"))
    filters = [
        query("q", 'words, "phrases", begin*, -without'),
        *(query(name, "a glob that ignores case") for name in ("model", "host", "endpoint", "test")),
        query("source", "the id of a source"),
        query("age", "at most this old: 90s, 15m, 12h, 7d, 2w; or stored on a day: 2026-11-24"),
        query("fresh", "fresh or stale"),
        query("sort", "newest, oldest, tokens, cost, seconds, size, hits"),
        query("page", "from 1"),
        query("limit", f"exchanges in a page, at most {MOST}"),
    ]
    explain: dict[str, Any] = get("Whether a request would be a hit, and why not; nothing is sent", query("source", "the id of a source"))
    explain["post"] = {**explain.pop("get"), "requestBody": {"required": True, "content": {"application/json": {}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "wirecache ui", "version": __version__},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/exchanges": get("The list, filtered, sorted and paged", *filters),
            "/api/v1/exchanges/{source}/{ref}": get("One exchange in full", *one),
            "/api/v1/events/{source}/{ref}": get("The events of a stream, with their times", *one),
            "/api/v1/progress": get("How far the index is"),
            "/api/v1/misses": get("The latest misses of the caches of this process and of running proxies"),
            "/api/v1/sources": get("The stores and cassettes"),
            "/api/v1/explain": explain,
        },
    }


ROUTES = (
    Page("/api/v1/exchanges", _exchanges),
    Page("/api/v1/exchanges/{source}/{ref:path}", _exchange),
    Page("/api/v1/events/{source}/{ref:path}", _events),
    Page("/api/v1/progress", _progress),
    Page("/api/v1/sources", _sources),
    Page("/api/v1/misses", _misses),
    Page("/api/v1/explain", _explain, ("POST",)),
    Page("/api/v1/openapi.json", _description),
    Page("/api/{rest:path}", _unknown, ("GET", "POST")),
)
