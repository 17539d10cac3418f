"""The page of one exchange: its conversation, bodies, stream, headers and figures; and its parts at their own addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from wirecache._core.compare.runs import DIGEST
from wirecache._core.messages import Entry
from wirecache._inspector.conversation_view import conversation_of, message_of
from wirecache._inspector.copy_as import as_curl, as_python
from wirecache._inspector.index_rows import indexed, price_of
from wirecache._inspector.inspector import Inspector, Page
from wirecache._inspector.json_tree import json_tree
from wirecache._inspector.media import media_response
from wirecache._inspector.numbers import page_number, whole_number
from wirecache._inspector.safe_text import MAX_SHOWN
from wirecache._inspector.source import Source
from wirecache._inspector.timeline import timeline_of, timeline_plot
from wirecache._views.entry_json import entry_details
from wirecache.cassette import file_name, to_text

__all__ = ["ROUTES"]

EVENTS = 200  # in one page


def _show(inspector: Inspector, request: Request) -> Response:
    source, ref, entry = inspector.entry_of(request)
    view = request.query_params.get("view", "conversation")
    if view not in _VIEWS or (view == "stream" and timeline_of(entry) is None):
        view = "conversation"
    values = _VIEWS[view](inspector, source, ref, entry)
    values |= {"event_page": page_number(request.query_params), "view": view}
    return inspector.page(request, "exchange.html", "exchanges", **_common(inspector, source, ref, entry), **values)


def _raw(inspector: Inspector, request: Request) -> Response:
    _, _, entry = inspector.entry_of(request)
    part = request.query_params.get("part", "response")
    content = bytes(entry.request_body) if part == "request" else entry.body
    return _download(content, f"{entry.key[:12]}-{'request' if part == 'request' else 'response'}.bin")


def _text(inspector: Inspector, request: Request) -> Response:
    _, _, entry = inspector.entry_of(request)
    block = _block_at(entry, request.query_params.get("place", ""))
    return PlainTextResponse(block.text.encode("utf-8", "replace"), headers={"content-security-policy": "default-src 'none'; sandbox"})


def _media(inspector: Inspector, request: Request) -> Response:
    _, _, entry = inspector.entry_of(request)
    answer = media_response(entry, _block_at(entry, request.query_params.get("place", "")))
    if answer is None:
        raise HTTPException(404, "There is no image or sound at this place.")
    return answer


def _cassette(inspector: Inspector, request: Request) -> Response:
    _, _, entry = inspector.entry_of(request)
    return _download(to_text(entry).encode(), file_name(entry))


def _download(content: bytes, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _block_at(entry: Entry, place: str) -> Any:
    """Return the block at a place such as ``3.0`` or ``answer.1``, or end the request with 404."""
    where, _, number = place.rpartition(".")
    message = message_of(entry, where)
    at = whole_number(number)
    if message is None or at is None or at >= len(message.blocks):
        raise HTTPException(404, "There is no such part in this exchange.")
    return message.blocks[at]


def _common(inspector: Inspector, source: Source, ref: str, entry: Entry) -> dict[str, Any]:
    """Return the values that every view shows."""
    row = inspector.index.row(source.id, ref)
    before, after = inspector.index.neighbours(row) if row is not None else (None, None)
    timeline = timeline_of(entry)
    return {
        "source": source,
        "ref": ref,
        "details": entry_details(entry),
        "entry": entry,
        "cost": price_of(row or indexed(source, ref, entry, 0)[0], inspector.prices),
        "expires_at": source.expires_at(entry, entry.stored_at),
        "test": source.test_of(ref),
        "hits": row.hits if row is not None else 0,
        "before": before,
        "after": after,
        "is_stream": timeline is not None,
        "timeline": timeline,
    }


def _conversation(inspector: Inspector, source: Source, ref: str, entry: Entry) -> dict[str, Any]:
    row = inspector.index.row(source.id, ref)
    previous = inspector.index.previous_call(row) if row is not None else None
    repeated = len(previous.chain) // DIGEST if previous else 0
    return {"conversation": conversation_of(entry, repeated), "previous": previous}


def _body(body: bytes) -> dict[str, Any]:
    """Return a body as a tree if it is JSON, else as text, else only its size."""
    try:
        return {"tree": json_tree(json.loads(body)), "text": "", "rest": 0, "is_text": True, "length": len(body)}
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    is_text = text.count("\ufffd", 0, 2000) < 20
    rest = max(0, len(text) - MAX_SHOWN)
    return {"tree": "", "text": text[:MAX_SHOWN] if is_text else "", "rest": rest, "is_text": is_text, "length": len(body)}


def _stream(inspector: Inspector, source: Source, ref: str, entry: Entry) -> dict[str, Any]:
    timeline = timeline_of(entry)
    pages = max(1, -(-len(timeline.events) // EVENTS)) if timeline else 1
    return {"plot": timeline_plot(timeline) if timeline else "", "event_pages": pages, "per_page": EVENTS}


def _copy(inspector: Inspector, source: Source, ref: str, entry: Entry) -> dict[str, Any]:
    return {"curl": as_curl(entry), "python": as_python(entry), "file": to_text(entry), "file_name": file_name(entry)}


_VIEWS: dict[str, Callable[[Inspector, Source, str, Entry], dict[str, Any]]] = {
    "conversation": _conversation,
    "request": lambda inspector, source, ref, entry: _body(bytes(entry.request_body)),
    "answer": lambda inspector, source, ref, entry: _body(entry.body),
    "stream": _stream,
    "copy": _copy,
}


ROUTES = (
    Page("/x/{source}/{ref:path}", _show),
    Page("/raw/{source}/{ref:path}", _raw),
    Page("/text/{source}/{ref:path}", _text),
    Page("/media/{source}/{ref:path}", _media),
    Page("/file/{source}/{ref:path}", _cassette),
)
