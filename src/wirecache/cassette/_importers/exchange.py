"""Conversion of exchanges kept by other recorders to entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wirecache._core.event_stream import split_stream
from wirecache._core.flows.recorder import Decoded, Recorder, Recording
from wirecache._core.headers import fields_of, media_type
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, key_of, request_from
from wirecache._core.keys.recorded import recorded_key
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.messages import Entry, Head
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.eligibility import is_event_stream, model_of
from wirecache._core.rules.endpoints import find_endpoint
from wirecache.cassette._content_encoding import decoded
from wirecache.errors import CassetteFormatError

__all__ = ["ForeignExchange", "entry_of", "format_error", "header_pairs", "json_bytes"]

_FRAMING_FIELDS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class ForeignExchange(NamedTuple):
    """An exchange kept by another recorder. ``recorded_at``: in seconds since the epoch."""

    method: str
    url: str
    request_headers: list[tuple[str, str]]
    request_body: bytes
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    recorded_at: float


def entry_of(exchange: ForeignExchange, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Entry:
    """Return the entry that wirecache would have recorded. Raises ``ValueError`` if a body or a header cannot be read.

    ``redactor``: for an entry of a cassette, whose key is made from the redacted request.
    How long upstream took is unknown: 0 seconds, also for each event of a stream.
    """
    request = request_from(exchange.method, exchange.url, exchange.request_headers)
    request_body = parse_body(exchange.request_body, request.fields.get(b"content-type", b""))
    counted = redacted_request(request, request_body, redactor) if redactor is not None else (request, request_body)
    codings = ", ".join(value for name, value in exchange.headers if name.lower() == "content-encoding")
    body = decoded(exchange.body, codings)
    pairs = tuple((n.encode("latin-1"), v.encode("utf-8")) for n, v in exchange.headers if n.lower() not in _FRAMING_FIELDS)
    head = Head(exchange.status, fields_of(pairs), pairs)
    recorder = Recorder(
        Recording(
            (key_of if redactor is None else recorded_key)(*counted, options),
            head,
            request,
            (find_endpoint(request.path) if request.method == "POST" else None) or "",
            model_of(request, request_body),
            request_body,
            max_body=len(body),
            stream=is_event_stream(head.fields),
            everything=True,
            headers=options.headers,
        )
    )
    for piece in split_stream(media_type(head.fields.get(b"content-type", b"")), body) or (body,):
        recorder.feed_at(piece, 0.0)
    recorder.end()
    recorder.refusal_reason(Decoded)  # reads the usage; a reason is ignored, since the exchange was kept
    return recorder.entry(exchange.recorded_at, 0.0)


def header_pairs(headers: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return the headers as pairs; a value may be a string, or a list of them."""
    return [(name, str(value)) for name, values in (headers or {}).items() for value in (values if isinstance(values, list) else [values])]


def json_bytes(value: Any) -> bytes:
    """Return a JSON body that was kept as a parsed value; its original spelling is lost."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def format_error(path: Path, pointer: str, reason: str) -> CassetteFormatError:
    """Return the error for the file of another recorder: what is wrong, and where (a JSON pointer)."""
    return CassetteFormatError(f"{path}, at {pointer}: {reason}. Record it again with the tool that made it, or remove that interaction")
