"""Redaction of a request for a cassette. The key is made from the redacted request, so that it is found with other credentials, too."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from wirecache._core.keys.canonical import Body, canonical_text, frame, unframed
from wirecache._core.keys.fields import counted_fields
from wirecache._core.keys.multipart import form_members
from wirecache._core.messages import Request
from wirecache._core.privacy.redaction import Redactor

__all__ = ["body_members", "body_text", "redacted_request"]


def redacted_request(request: Request, body: Body, redactor: Redactor, headers: tuple[str, ...] = ()) -> tuple[Request, Body]:
    """Return the request and its body without secrets.

    ``headers``: names that count in the key beside the built-in ones.
    """
    while True:
        known = redactor.known
        redacted = _redacted(request, body, redactor, headers)
        if redactor.known == known:
            return redacted  # otherwise the redactor has learned a value that may also occur in what it saw before


def body_text(body: Body, redactor: Redactor) -> str:
    """Return the body as readable text without secrets; a form as a JSON object of its fields."""
    if body.kind in ("form", "multipart"):
        return json.dumps(body_members(body, redactor), ensure_ascii=False)
    return redactor.json_text(_text(canonical_text(body)))


def body_members(body: Body, redactor: Redactor) -> Any:
    """Return the body without secrets: JSON (as kept in an entry) as its value, a form as an object of its fields, the rest as text."""
    if body.kind == "json":
        return json.loads(body_text(body, redactor))
    if body.kind in ("form", "multipart"):
        try:
            return _readable(form_members(_redacted_body(body, redactor)))
        except ValueError:
            return f"({len(body.raw)} bytes)"
    return body_text(body, redactor)


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"({len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()})"
    if isinstance(value, dict):
        return {_text(name.encode("utf-8", "surrogateescape")): _readable(item) for name, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _redacted(request: Request, body: Body, redactor: Redactor, headers: tuple[str, ...]) -> tuple[Request, Body]:
    path, query = _target(request.path, b"/", redactor), redactor.url("?" + request.query.decode("latin-1"))[1:].encode("latin-1")
    fields = dict(request.fields)
    for name, value in {name: value.decode("latin-1") for _, name, value in counted_fields(fields, headers)}.items():
        text = redactor.header(name.decode("latin-1"), value)
        if text is None:
            del fields[name]
        elif text != value:
            fields[name] = text.encode("latin-1")
    shown = request._replace(path=path, query=_target(query, b"&", redactor), fields=fields)
    return shown, _redacted_body(body, redactor)


def _target(target: bytes, mark: bytes, redactor: Redactor) -> bytes:
    """Return a path or query without secrets. Each step is also searched in its percent-decoded form."""
    if b"%" in target:
        target = mark.join(_decoded(step, redactor) for step in target.split(mark))
    return redactor.text(target.decode("latin-1")).encode("latin-1")


def _decoded(step: bytes, redactor: Redactor) -> bytes:
    plain = unquote_to_bytes(step).decode("utf-8", "surrogateescape")
    text = redactor.text(plain)
    return step if text == plain else quote(text, safe="=", errors="surrogateescape").encode()


def _redacted_body(body: Body, redactor: Redactor) -> Body:
    match body.kind:
        case "json":
            value: Any = redactor.value(body.value)
        case "form":
            value = [(name, _form_value(name, text, redactor)) for name, text in body.value]
        case "multipart":
            value = [(_part_head(head, redactor), redactor.part(_disposition(head), content)) for head, content in body.value]
        case _:
            return body._replace(raw=redactor.data(body.raw))
    return body if value == body.value else body._replace(value=value)


def _part_head(head: bytes, redactor: Redactor) -> bytes:
    """Return the framed head of a part without secrets, since a file name may contain one."""
    pairs = [[piece.decode("utf-8", "surrogateescape") for piece in unframed(line)] for line in unframed(head)]
    text = [[name, redactor.header(name, value) or ""] for name, value in pairs]
    return head if text == pairs else frame(frame(piece.encode("utf-8", "surrogateescape") for piece in pair) for pair in text)


def _disposition(head: bytes) -> str:
    """Return the Content-Disposition in the framed head of a part; empty if it has none."""
    pairs = [tuple(unframed(line)) for line in unframed(head)]
    return next((value.decode("utf-8", "surrogateescape") for name, value in pairs if name == b"content-disposition"), "")


def _form_value(name: bytes, value: bytes, redactor: Redactor) -> bytes:
    return redactor.named(value) if value and redactor.is_secret_parameter(name.decode("latin-1")) else redactor.data(value)
