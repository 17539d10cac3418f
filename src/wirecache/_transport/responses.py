"""Conversion of a library's response to the core's head, and the making of responses for the caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wirecache._core.flows.effects import Reuse
from wirecache._core.flows.recorder import Decoded, DecodedTooLarge
from wirecache._core.flows.refusal import Refusal
from wirecache._core.headers import fields_of
from wirecache._core.messages import Head
from wirecache._core.rules.plan import Plan
from wirecache._core.status import CacheStatus
from wirecache._runtime.content_codings import coding_has_ended
from wirecache._transport.library import Library

__all__ = ["StatusNote", "decoded_chunks", "refused_response", "relayed_response", "reused_response", "to_head", "unread", "with_body"]

PIECE = 16 * 1024  # bytes to decode at once: with gzip they give 16 MB at most (brotli has no such limit)


def to_head(library: Library, response: Any) -> Head:
    """Return the head of a response as the core's type."""
    pairs = response.headers.raw
    fields, version = fields_of(pairs), response.extensions.get("http_version")
    head = Head(response.status_code, fields, pairs, version or b"HTTP/1.1")
    if b"content-length" in fields or b"transfer-encoding" in fields or version is None or not version.startswith(b"HTTP/1"):
        return head
    return head._replace(ends_by_close=not isinstance(response.stream, library.byte_stream))  # what has been read is complete


def unread(library: Library, response: Any) -> Any:
    """Return a response that a transport below has read, and so decoded, as an unread one."""
    if not response.is_stream_consumed or isinstance(response.stream, library.byte_stream):
        return response
    return with_body(library, response, response.content)


def with_body(library: Library, response: Any, body: bytes) -> Any:
    """Return the response with another, unencoded body."""
    headers = type(response.headers)(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return library.response(response.status_code, headers=headers, stream=library.byte_stream(body), extensions=response.extensions)


def reused_response(library: Library, outcome: Reuse, plan: Plan, started: float) -> Any:
    """Return the response made from an entry. ``started``: when the request was made, by ``time.perf_counter``."""
    entry, status = outcome.entry, outcome.status
    pairs = [*entry.headers, *outcome.live, (b"age", b"%d" % int(outcome.age))]
    if plan.status_header:
        pairs.append((b"cache-status", status.header(entry.status).encode()))
    is_replayed = entry.chunk_times or entry.ended_by_reader
    stream = library.replayed_body(entry, plan.replay_speed, started) if is_replayed else library.byte_stream(entry.body)
    extensions = {"http_version": entry.http_version, "wirecache": status}
    return library.response(entry.status, headers=pairs, stream=stream, extensions=extensions)


def refused_response(library: Library, answer: Refusal, status: CacheStatus, plan: Plan) -> Any:
    """Return the response to a request that may not be sent, with its body already read."""
    headers = [*answer.headers, *([(b"cache-status", status.header().encode())] if plan.status_header else [])]
    return library.response(answer.code, headers=headers, content=answer.body, extensions={"wirecache": status})


def relayed_response(library: Library, upstream: Any, stream: Any) -> Any:
    """Return a copy of upstream's response with this stream as its body."""
    response = library.response(upstream.status_code, headers=upstream.headers, stream=stream, extensions=upstream.extensions)
    own = vars(response)  # keep what a transport added to its response (Starlette's TestClient: template, context)
    for name in vars(upstream).keys() - own.keys():
        if not name.startswith("_"):
            own[name] = vars(upstream)[name]
    return response


class StatusNote:
    """Writes the cache status to a response: when the head is known, and again at the end of the body."""

    __slots__ = ("_code", "_extensions", "_headers", "_upstream", "_with_header")

    def __init__(self, response: Any, upstream: bytes | None, *, with_header: bool = True) -> None:
        self._with_header = with_header
        self._headers = response.headers
        self._extensions = response.extensions
        self._code = response.status_code
        self._upstream = upstream  # the ``Cache-Status`` of an upstream cache

    def write(self, status: CacheStatus) -> None:
        """Write the header and the extension."""
        if self._with_header:
            ours = status.header(self._code)
            self._headers["cache-status"] = f"{self._upstream.decode('latin-1')}, {ours}" if self._upstream else ours
        self._extensions["wirecache"] = status


def decoded_chunks(library: Library, upstream: Any, chunks: Sequence[bytes], *, is_cut: bool, most: int) -> Decoded:
    """Return the decoded chunks, decoded as the caller's own library does.

    ``is_cut``: the caller closed the body before its end, so that the end of the coding may be missing. ``most``: the maximum of decoded
    bytes; more raises ``DecodedTooLarge`` before all of it is in memory (a megabyte of gzip can decode to a gigabyte).
    """
    index, all_given, size = 0, False, 0

    def raw() -> Iterator[bytes]:
        nonlocal index, all_given
        for index, chunk in enumerate(chunks):  # noqa: B007 (the reader below sees how far it is)
            if len(chunk) <= PIECE:
                yield chunk
            else:
                yield from (chunk[start : start + PIECE] for start in range(0, len(chunk), PIECE))
        all_given = True

    decoded = [b""] * len(chunks)
    try:
        for piece in library.response(upstream.status_code, headers=upstream.headers, content=raw()).iter_bytes():
            decoded[index] += piece
            if (size := size + len(piece)) > most:
                raise DecodedTooLarge
    except DecodedTooLarge:
        raise
    except Exception:
        if not (is_cut and all_given):
            raise
    if chunks and decoded == list(chunks) and upstream.headers["content-encoding"].strip().lower() != "identity":
        raise ValueError("the library has no decoder for it, and passes it on as it is")
    return Decoded(decoded, coding_has_ended(upstream.headers["content-encoding"], chunks))
