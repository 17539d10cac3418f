"""Writes an entry as a file.

The file is for people first: what changes with each recording is on lines of its own, so that diffs are small. Yet the body that is read
back is the recorded one, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from wirecache._core.headers import HeaderPairs, content_media_type, fields_of, media_type
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache._core.version import __version__
from wirecache.cassette._bodies import body_node, form_body, stream_node
from wirecache.cassette._file_format import FORMAT, SCHEMA_NAME
from wirecache.cassette._json_writer import Inline, Node, document_text
from wirecache.cassette._multipart import multipart_node

__all__ = ["to_text"]

FORM = b"application/x-www-form-urlencoded"


def to_text(
    entry: Entry, redactor: Redactor = DEFAULT, *, schema: str = f"./{SCHEMA_NAME}", request_redactor: Redactor | None = None
) -> str:
    """Return the text of the entry's file. ``schema``: where the schema is, relative to the file (a path, or a URL).

    ``request_redactor``: for the request; by default the response's.
    """
    recorded_at = datetime.fromtimestamp(entry.stored_at, UTC).isoformat(timespec="milliseconds")
    return document_text(
        {
            "$schema": schema,
            "format": FORMAT,
            "wirecache": __version__,
            "recorded_at": recorded_at.replace("+00:00", "Z"),
            "key": entry.key,
            "request": _request_node(entry, request_redactor or redactor),
            "response": _response_node(entry, redactor),
        }
    )


def _request_node(entry: Entry, redactor: Redactor) -> Node:
    request = entry.request
    body, content_type = _request_body_node(bytes(entry.request_body), request.content_type, redactor)
    node = {
        "method": request.method,
        "url": redactor.url(request.url),
        "endpoint": request.endpoint or None,
        "model": request.model,
        "headers": dict(_redacted_headers(request.fields.items(), redactor)) or None,
        "content_type": content_type or None,
        "namespace": request.namespace or None,
        "sample": request.sample or None,
        "whole": None if request.whole else False,
        "left_out": {place: value for place, value in request.left_out if redactor.text(value) == value} or None,
        "body": body or None,
    }
    return {name: value for name, value in node.items() if value is not None}


def _request_body_node(body: bytes, content_type: str, redactor: Redactor) -> tuple[Node, str]:
    """Return the members that represent the body, and its content type, since a form with files gets another boundary in the file."""
    form = multipart_node(body, content_type, redactor) if content_type else None
    if form is not None:
        return form
    if media_type(content_type.encode("latin-1")) == FORM:
        body = form_body(body, redactor)
    return body_node(redactor.data(body)), content_type


def _response_node(entry: Entry, redactor: Redactor) -> Node:
    kind = entry.stream_kind or (content_media_type(fields_of(entry.headers)) if entry.chunk_times else None)
    if entry.body and kind is not None:
        body = stream_node(entry.body, kind, entry.chunks, redactor)
    else:
        body = body_node(redactor.data(entry.body))
    node: Node = {"status": entry.status, "http_version": entry.http_version.decode("latin-1")}
    node["headers"] = _headers_node(entry.headers, redactor)
    node["seconds"] = round(entry.seconds, 4)
    if entry.usage is not None:
        node["usage"] = Inline({name: count for name, count in entry.usage._asdict().items() if count or name in ("input", "output")})
    if entry.ended_by_reader:
        node["ended"] = "reader"
    return node | ({"body": body} if body else {})


def _headers_node(headers: HeaderPairs, redactor: Redactor) -> Node | list[Any]:
    """Return the headers by name, or as a list of pairs if a name is repeated."""
    pairs = _redacted_headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers], redactor)
    by_name = dict(pairs)
    return by_name if len(by_name) == len(pairs) else [Inline(pair) for pair in pairs]


def _redacted_headers(headers: Iterable[tuple[str, str]], redactor: Redactor) -> list[tuple[str, str]]:
    """Return the headers redacted, without those that are themselves secrets."""
    redacted = ((name, redactor.header(name, value)) for name, value in headers)
    return [(name, value) for name, value in redacted if value is not None]
