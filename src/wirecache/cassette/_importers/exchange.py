"""Which entry does an exchange make that another recorder kept?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wirecache._core.event_stream import split_stream
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.flows.replay import redacted
from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, key_of, request_from
from wirecache._core.messages import Entry, Head, fields_of
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.eligibility import is_event_stream, model_of
from wirecache._core.rules.endpoints import find_endpoint
from wirecache.cassette._content_encoding import decoded
from wirecache.errors import CassetteFormatError

__all__ = ["Foreign", "entry_of", "json_bytes", "pairs_of", "wrong"]

_TRAVEL = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Foreign(NamedTuple):
    """An exchange as another recorder kept it. ``at``: when it was recorded, in seconds since the epoch."""

    method: str
    url: str
    sent_headers: list[tuple[str, str]]
    sent: bytes
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    at: float


def entry_of(exchange: Foreign, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Entry:
    """The entry that a recorder of ours would have made; ``ValueError`` if it can be none.

    ``redactor``: the entry is for a cassette, whose keys are made from what is left of the request without its secrets.
    How long upstream took is not known. The events of a stream come all at once.
    """
    request = request_from(exchange.method, exchange.url, exchange.sent_headers)
    asked = parse_body(exchange.sent, request.fields.get(b"content-type", b""))
    codings = ", ".join(value for name, value in exchange.headers if name.lower() == "content-encoding")
    body = decoded(exchange.body, codings)
    pairs = tuple((n.encode("latin-1"), v.encode("utf-8")) for n, v in exchange.headers if n.lower() not in _TRAVEL)
    head = Head(exchange.status, fields_of(pairs), pairs)
    recorder = Recorder(
        Recording(
            key_of(*(redacted(request, asked, redactor) if redactor is not None else (request, asked)), options),
            head,
            request,
            (find_endpoint(request.path) if request.method == "POST" else None) or "",
            model_of(request, asked),
            asked,
            max_body=len(body),
            stream=is_event_stream(head.fields),
            everything=True,
            headers=options.headers,
        )
    )
    for piece in split_stream(media_type(head.fields.get(b"content-type", b"")), body) or (body,):
        recorder.feed_at(piece, 0.0)
    recorder.end()
    recorder.refusal_reason(lambda chunks: chunks)  # whatever it is: it was kept
    return recorder.entry(exchange.at, 0.0)


def pairs_of(headers: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Headers whose values are texts, or lists of them."""
    return [(name, str(value)) for name, values in (headers or {}).items() for value in (values if isinstance(values, list) else [values])]


def json_bytes(value: Any) -> bytes:
    """A JSON body that was kept as what it says: its own spelling is lost."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def wrong(path: Path, place: str, why: str) -> CassetteFormatError:
    """What is wrong where in the file of another recorder."""
    return CassetteFormatError(f"{path}, at {place}: {why}. Record it anew with the tool that made it, or remove that interaction")
