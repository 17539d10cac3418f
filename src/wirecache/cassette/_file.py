"""How is an exchange written as a file, and read back?

The file is for people first: what changes with each recording has its own lines, the rest stays as it is. Yet the body that comes
back is the body that was recorded, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

from wirecache._core.event_stream import EVENT_STREAM, LINE_TYPES
from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import Body, parse_body
from wirecache._core.keys.keys import request_from
from wirecache._core.messages import Chunk, Entry, HeaderPairs, Request, RequestSummary, Usage, fields_of, pack_chunks
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache._core.unset import UNSET
from wirecache._core.version import __version__
from wirecache.cassette._bodies import Members, body_bytes, body_node, form_body, stream_body, stream_node
from wirecache.cassette._file_names import SCHEMA_NAME
from wirecache.cassette._json_reader import Raw, Wanted, read_raw
from wirecache.cassette._json_writer import Inline, Node, rendered
from wirecache.cassette._multipart import multipart_bytes, multipart_node
from wirecache.errors import CassetteFormatError

__all__ = ["Recording", "from_text", "schema_text", "to_text"]

FORMAT = 1
FORM = b"application/x-www-form-urlencoded"
ANEW = "delete it and record it anew"

T = TypeVar("T")

_DOCUMENT: dict[str, Wanted] = {"json": Raw}
_WANTED: Wanted = {
    "request": {"body": {**_DOCUMENT, "parts": [_DOCUMENT]}},
    "response": {"body": {**_DOCUMENT, "events": [{"data": Raw}]}},
}


class Recording(NamedTuple):
    """A file, read: its ``entry``, and what its key is computed from under other options.

    ``body`` is None where the file does not keep the whole request.
    """

    entry: Entry
    request: Request
    body: Body | None


def schema_text() -> str:
    """The JSON Schema of a file: to be written beside the files, where their ``$schema`` says that it is."""
    return files("wirecache.cassette").joinpath(SCHEMA_NAME).read_text("utf-8")


# -- writing ----------------------------------------------------------------------------------------------------------


def to_text(entry: Entry, redactor: Redactor = DEFAULT, *, schema: str = f"./{SCHEMA_NAME}") -> str:
    """The text of the entry's file. ``schema``: where the schema is, seen from the file (a path, or a URL)."""
    at = datetime.fromtimestamp(entry.stored_at, UTC).isoformat(timespec="milliseconds")
    return rendered(
        {
            "$schema": schema,
            "format": FORMAT,
            "wirecache": __version__,
            "recorded_at": at.replace("+00:00", "Z"),
            "key": entry.key,
            "request": _request_node(entry, redactor),
            "response": _response_node(entry, redactor),
        }
    )


def _request_node(entry: Entry, redactor: Redactor) -> Node:
    asked, body = entry.request, bytes(entry.request_body)
    form = multipart_node(body, asked.content_type, redactor) if asked.content_type else None
    if media_type(asked.content_type.encode("latin-1")) == FORM:
        body = form_body(body, redactor)
    kept, content_type = form or (body_node(redactor.data(body)), asked.content_type)
    node = {
        "method": asked.method,
        "url": redactor.url(asked.url),
        "endpoint": asked.endpoint or None,
        "model": asked.model,
        "headers": dict(_redacted(asked.fields.items(), redactor)) or None,
        "content_type": content_type or None,
        "namespace": asked.namespace or None,
        "sample": asked.sample or None,
        "whole": None if asked.whole else False,
        "body": kept or None,
    }
    return {name: value for name, value in node.items() if value is not None}


def _response_node(entry: Entry, redactor: Redactor) -> Node:
    content_type = fields_of(entry.headers).get(b"content-type", b"")
    if entry.body and (entry.chunk_times or media_type(content_type) in {EVENT_STREAM, *LINE_TYPES}):
        body = stream_node(entry.body, content_type, entry.chunks, redactor)
    else:
        body = body_node(redactor.data(entry.body))
    node: Node = {"status": entry.status, "http_version": entry.http_version.decode("latin-1")}
    node["headers"] = _headers_node(entry.headers, redactor)
    node["seconds"] = round(entry.seconds, 4)
    if entry.usage is not None:
        node["usage"] = Inline({name: count for name, count in entry.usage._asdict().items() if count or name in ("input", "output")})
    return node | ({"body": body} if body else {})


def _headers_node(headers: HeaderPairs, redactor: Redactor) -> Node | list[Any]:
    told = _redacted([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers], redactor)
    named = dict(told)
    return named if len(named) == len(told) else [Inline(pair) for pair in told]


def _redacted(headers: Iterable[tuple[str, str]], redactor: Redactor) -> list[tuple[str, str]]:
    """The headers without secrets, and without those that are one."""
    told = ((name, redactor.header(name, value)) for name, value in headers)
    return [(name, value) for name, value in told if value is not None]


# -- reading ----------------------------------------------------------------------------------------------------------


def from_text(text: str, where: str) -> Recording:
    """The exchange in a file; ``CassetteFormatError`` if it is none. ``where``: the file, for the message."""
    told = _checked(text.removeprefix("\ufeff"), where)
    asked, answered = told["request"], told["response"]
    body, chunks = _built("/response/body", where, lambda: _response_body(answered.get("body")))
    raw = _built("/request/body", where, lambda: _request_body(asked))
    headers = _built("/response/headers", where, lambda: _header_pairs(answered.get("headers", {})))
    content_type, whole = asked.get("content_type", ""), asked.get("whole") is not False
    fields = asked.get("headers", {})
    usage = answered.get("usage")
    entry = Entry(
        key=told["key"],
        status=answered["status"],
        headers=headers,
        body=body,
        stored_at=told["recorded_at"],
        seconds=float(answered["seconds"]),
        http_version=answered.get("http_version", "HTTP/1.1").encode("latin-1", "replace"),
        usage=Usage(**usage) if usage else None,
        ttl=UNSET,
        summary=_summary(asked),
        request_body=raw,
        chunk_times=pack_chunks(chunks),
    )
    typed = {**fields, "content-type": content_type} if content_type else fields
    request = _built("/request/url", where, lambda: request_from(asked["method"], asked["url"], typed))
    return Recording(entry, request, parse_body(raw, content_type.encode("latin-1", "replace")) if whole else None)


def _request_body(asked: Members) -> bytes:
    node = asked.get("body") or {}
    return multipart_bytes(node["parts"], asked.get("content_type", "")) if "parts" in node else body_bytes(node)


def _response_body(node: Members | None) -> tuple[bytes, tuple[Chunk, ...]]:
    return stream_body(node) if node and "events" in node else (body_bytes(node or {}), ())


def _header_pairs(told: dict[str, str] | list[list[str]]) -> HeaderPairs:
    pairs = told.items() if isinstance(told, dict) else told
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def _summary(asked: Members) -> bytes:
    """The request summary as an entry keeps it."""
    summary = RequestSummary(
        asked["method"],
        asked["url"],
        asked.get("endpoint", ""),
        asked.get("model"),
        asked.get("headers", {}),
        asked.get("namespace", ""),
        asked.get("sample", 0),
        asked.get("content_type", ""),
        "whole" not in asked,
    )
    return summary.to_bytes()


def _built(place: str, where: str, build: Callable[[], T]) -> T:
    try:
        return build()
    except ValueError as error:
        raise _wrong(where, place, str(error)) from error


def _checked(text: str, where: str) -> Members:
    """What the file says, as the model has it; the time as seconds since the epoch."""
    from pydantic import ValidationError

    from wirecache.cassette._file_model import CassetteFile

    try:
        told = read_raw(text, _WANTED)
    except json.JSONDecodeError as error:
        conflict = "; it has the marks of a merge conflict" if "\n<<<<<<< " in f"\n{text}" else ""
        why = f"{error.msg} at line {error.lineno}, column {error.colno}{conflict}"
        raise CassetteFormatError(f"{where} is no JSON: {why}. Correct it there, or {ANEW}") from None
    except (ValueError, RecursionError) as error:
        raise CassetteFormatError(f"{where} is no JSON: {error}. Correct it, or {ANEW}") from None
    _of_this_format(told, where)
    try:
        made = CassetteFile.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(where, "".join(f"/{step}" for step in first["loc"]), first["msg"]) from None
    checked: Members = {**told, "recorded_at": made.recorded_at.timestamp()}
    return checked


def _of_this_format(told: Any, where: str) -> None:
    version = told.get("format") if isinstance(told, dict) else None
    if version is None or isinstance(version, bool) or not isinstance(version, int):
        raise CassetteFormatError(f'{where} is no cassette of wirecache: it has no "format": {FORMAT}. Name a cassette, or {ANEW}')
    if version != FORMAT:
        by = f", written by wirecache {told.get('wirecache')}" if isinstance(told.get("wirecache"), str) else ""
        raise CassetteFormatError(
            f"{where} has format {version}{by}; wirecache {__version__} reads format {FORMAT}. Install a newer wirecache, or {ANEW}"
        )


def _wrong(where: str, place: str, why: str) -> CassetteFormatError:
    return CassetteFormatError(f"{where}, at {place or '/'}: {why}. Correct it there, or {ANEW}")
