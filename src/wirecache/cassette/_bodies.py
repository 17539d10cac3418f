"""Bodies in a cassette, written for people and read back byte for byte.

JSON is written as JSON, a stream as one event per line, other text as text, and anything else as base64.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, TypeAlias
from urllib.parse import quote_plus, unquote_to_bytes

from wirecache._core.event_stream import LINE_TYPES, split_stream
from wirecache._core.messages import Chunk
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._event_layout import JsonEvent, Style, arrivals, event_in, style_named, style_of
from wirecache.cassette._json_layout import JsonLayout, layout_of
from wirecache.cassette._json_writer import Inline, Node, Tokens

__all__ = ["Members", "body_bytes", "body_node", "form_body", "stream_body", "stream_node"]

BASE64_LINE = 100  # base64 characters per line

Members: TypeAlias = dict[str, Any]


# -- one document -----------------------------------------------------------------------------------------------------


def body_node(data: bytes) -> Node:
    """Return the members that represent these bytes; none for an empty body."""
    if not data:
        return {}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _base64(data)
    document = layout_of(text)
    if document is None:
        return _text(text)
    node: Node = {"json": Tokens(document.tokens)}
    if document.name != "compact":
        node["layout"] = document.name
    return node | {name: space for name, space in (("before", document.before), ("after", document.after)) if space}


def form_body(data: bytes, redactor: Redactor) -> bytes:
    """Return the form (``a=1&b=2``) without secrets, found by field name and by shape in the decoded values."""
    return b"&".join(_form_pair(pair, redactor) for pair in data.split(b"&"))


def _form_pair(pair: bytes, redactor: Redactor) -> bytes:
    name, equals, value = pair.partition(b"=")
    plain = unquote_to_bytes(value.replace(b"+", b" "))
    secret = value and redactor.is_secret_parameter(unquote_to_bytes(name.replace(b"+", b" ")).decode("latin-1"))
    redacted = redactor.named(plain) if secret else redactor.data(plain)
    return pair if redacted == plain else name + equals + quote_plus(redacted).encode()


def _text(text: str) -> Node:
    lines = text.split("\n")
    return {"text": lines if len(lines) > 1 else text}


def _base64(data: bytes) -> Node:
    text = b64encode(data).decode()
    return {"base64": [text[at : at + BASE64_LINE] for at in range(0, len(text), BASE64_LINE)] if len(text) > BASE64_LINE else text}


def body_bytes(node: Members) -> bytes:
    """Return the bytes that these members represent."""
    if "json" in node:
        document = JsonLayout(node["json"], node.get("layout", "compact"), node.get("before", ""), node.get("after", ""))
        return document.text().encode()
    if "text" in node:
        return _joined("\n", node["text"]).encode()
    return b64decode(_joined("", node.get("base64", "")))


def _joined(separator: str, lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else separator.join(lines)


# -- a stream ---------------------------------------------------------------------------------------------------------


def stream_node(data: bytes, kind: bytes, chunks: Sequence[Chunk], redactor: Redactor) -> Node:
    """Return the events of a stream, each with the time when it was complete (without times if all are zero, which means unknown)."""
    pieces = split_stream(kind, data)
    if pieces is None:
        return _chunked(data, chunks, redactor)
    timed = any(round(chunk.seconds, 4) for chunk in chunks if chunk.size)
    times = arrivals([len(piece) for piece in pieces], chunks) if timed else [None] * len(pieces)
    texts = [_text_or_bytes(redactor.data(piece)) for piece in pieces]
    style = style_of([text for text in texts if isinstance(text, str)], lines=kind in LINE_TYPES)
    node: Node = {"layout": style.name} if style.name else {}
    node["events"] = [_event_node(text, style, at) for text, at in zip(texts, times, strict=True)]
    return node


def _event_node(piece: str | bytes, style: Style | None, at: float | None) -> Inline:
    node: Node = {} if at is None else {"at": round(at, 4)}
    if isinstance(piece, bytes):
        return Inline(node | {"base64": b64encode(piece).decode()})
    event = event_in(piece, style) if style is not None else None
    if event is None:
        return Inline(node | {"text": piece})
    if event.name is not None:
        node["event"] = event.name
    return Inline(node | {"data": Tokens(event.tokens)})


def _chunked(data: bytes, chunks: Sequence[Chunk], redactor: Redactor) -> Node:
    """Return the chunks of a stream without known events (audio, Amazon's frames), as received."""
    redacted = redactor.data(data)
    if redacted != data or not chunks:  # the chunk sizes no longer fit, or are unknown (an imported recording)
        chunks = [Chunk(len(redacted), chunks[-1].seconds if chunks else 0.0)]
    ends = [*accumulate(chunk.size for chunk in chunks[:-1]), len(redacted)]
    pieces = [redacted[start:end] for start, end in pairwise([0, *ends])]
    return {"events": [_event_node(_text_or_bytes(piece), None, chunk.seconds) for piece, chunk in zip(pieces, chunks, strict=True)]}


def _text_or_bytes(piece: bytes) -> str | bytes:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return piece


def stream_body(node: Members) -> tuple[bytes, tuple[Chunk, ...]]:
    """Return the bytes of a stream, and a chunk per event, at time zero if the file has no time."""
    style = style_named(node.get("layout", ""))
    pieces: list[bytes] = []
    chunks: list[Chunk] = []
    seconds = 0.0
    for event in node["events"]:
        if "data" in event:
            piece = JsonEvent(event.get("event"), event["data"]).text(style).encode()
        else:
            piece = event["text"].encode() if "text" in event else b64decode(event["base64"])
        pieces.append(piece)
        seconds = event.get("at", seconds)
        chunks.append(Chunk(len(piece), seconds))
    return b"".join(pieces), tuple(chunks)
