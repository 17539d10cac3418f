"""The core's types for requests, responses and entries.

They are plain values, made once from either HTTP library's types. Header names are lower-case bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import starmap
from typing import Any, NamedTuple, Self

from wirecache._core.event_stream import stream_kind
from wirecache._core.headers import HeaderPairs, content_media_type, fields_of
from wirecache._core.unset import Ttl

__all__ = ["CHUNK_SIZE", "Chunk", "Entry", "Head", "Request", "RequestSummary", "Usage", "pack_chunks"]

_CHUNK = struct.Struct(">Id")
CHUNK_SIZE = _CHUNK.size  # bytes


class Request(NamedTuple):  # a named tuple, as is Head: one is created per exchange, at a third of a dataclass's cost
    """A request without its body, which is read only if a decision needs it.

    ``read_timeout``: how many seconds the caller waits for an answer, None for ever. ``socket``: the path of the unix socket that the
    request is sent to, whatever its URL says.
    """

    method: str
    scheme: str
    host: str
    port: int | None  # None: the scheme's default
    path: bytes  # as sent over the wire
    query: bytes  # as sent, without the question mark; empty if there is none
    fields: Mapping[bytes, bytes]  # by lower-case name; repeated ones are joined by ", "
    read_timeout: float | None = None
    socket: str = ""


class Head(NamedTuple):
    """What is known of a response before its body.

    ``ends_by_close``: the body ends with the connection (RFC 9112 section 6.3), so that a cut one looks like a complete one.
    """

    status: int
    fields: Mapping[bytes, bytes]
    pairs: HeaderPairs
    http_version: bytes = b"HTTP/1.1"
    ends_by_close: bool = False


class Usage(NamedTuple):
    """The tokens of an answer as counted by the provider, never estimated.

    ``input``: all input tokens, of which ``cached`` were read from the provider's own cache and ``written`` written to it (``written_1h``
    for an hour). ``output``: all output tokens, including ``reasoning``. ``other``: what is priced separately (audio tokens, generated
    images, searches); it is only recorded so that such a call is not priced as if it were text.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0
    written_1h: int = 0
    reasoning: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """Input and output tokens together."""
        return self.input + self.output


class Chunk(NamedTuple):
    """A chunk of a recorded stream: its ``size`` in bytes, and when it arrived, in ``seconds`` since the request was sent."""

    size: int
    seconds: float


def pack_chunks(chunks: Iterable[Chunk]) -> bytes:
    """Return the chunks in the form kept in an entry, twelve bytes each."""
    return b"".join(_CHUNK.pack(*chunk) for chunk in chunks)


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """A summary of the answered request, kept with the entry so that people can identify it; without credentials.

    ``content_type``: set if the body is not JSON. ``whole``: False if the entry does not keep the whole request body.
    ``left_out``: in that case, what a normalizer left out of the key, and its place in the body.
    """

    method: str
    url: str
    endpoint: str
    model: str | None
    fields: Mapping[str, str]  # only those that count in the key, or that the answer's Vary names
    namespace: str = ""
    sample: int = 0
    content_type: str = ""
    whole: bool = True
    left_out: Sequence[Sequence[str]] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The stored headers, and the content type of a body that is not JSON."""
        return {**self.fields, "content-type": self.content_type} if self.content_type else dict(self.fields)

    def to_bytes(self) -> bytes:
        """Return the summary in the form kept in an entry: a JSON object."""
        members = {name: getattr(self, name) for name in _SUMMARY_DEFAULTS}
        return json.dumps({name: value for name, value in members.items() if value != _SUMMARY_DEFAULTS[name]}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the summary kept in an entry. Raises ``ValueError`` if it is not one."""
        try:
            summary = cls(**json.loads(data))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"not a request summary: {error}") from None
        texts = (summary.method, summary.url, summary.endpoint, summary.namespace, summary.content_type)
        others = (str if summary.model is None else type(summary.model), type(summary.fields), type(summary.sample), type(summary.whole))
        if {*map(type, texts)} != {str} or others != (str, dict, int, bool) or not set(map(type, summary.fields.values())) <= {str}:
            raise ValueError("not a request summary: its members have other types")
        return summary


_SUMMARY_DEFAULTS = {field.name: field.default for field in fields(RequestSummary)}
_NO_SUMMARY = RequestSummary("", "", "", None, {})


class Entry(NamedTuple):
    """A stored response, with what is needed to decide whether it may be used.

    ``headers``: with lower-case names. ``body``: decoded, as the application saw it. ``stored_at``: in seconds since the epoch.
    ``seconds``: how long upstream took. ``ttl`` (seconds, None for ever): set only if it was given for the call, else ``UNSET``.
    ``summary``: the request summary as JSON, parsed on access to ``request``. ``chunk_times``: for a recorded stream, how the body arrived
    (``chunks``); otherwise empty. ``ended_by_reader``: the body is incomplete, since its reader stopped, so it answers no other reader;
    only cassettes contain such entries.
    """

    key: str
    status: int
    headers: HeaderPairs
    body: bytes
    stored_at: float
    seconds: float
    http_version: bytes
    usage: Usage | None
    ttl: Ttl
    summary: bytes
    request_body: bytes | memoryview
    chunk_times: bytes = b""
    ended_by_reader: bool = False

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The chunks of a recorded stream, in order; empty for an answer that was not a stream."""
        return tuple(starmap(Chunk, _CHUNK.iter_unpack(self.chunk_times)))

    @property
    def stream_kind(self) -> bytes | None:
        """The media type of the event stream; None if the answer is not one. It has chunks if a stream was requested."""
        return stream_kind(content_media_type(fields_of(self.headers)), self.body, is_requested=bool(self.chunk_times))

    @property
    def answer(self) -> tuple[int, bytes, bool]:
        """What must be equal in equal answers to a request: status, body, and whether the reader ended it."""
        return self.status, self.body, self.ended_by_reader

    @property
    def request(self) -> RequestSummary:
        """The summary of the answered request; with empty values if it cannot be read, since a store may contain anything."""
        try:
            return RequestSummary.from_bytes(self.summary)
        except ValueError:
            return _NO_SUMMARY

    @property
    def status_code(self) -> int:
        """The status, under the name that httpx gives it."""
        return self.status

    @property
    def content(self) -> bytes:
        """The body, under the name that httpx gives it."""
        return self.body

    @property
    def text(self) -> str:
        """The body as text (UTF-8, undecodable bytes replaced)."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body parsed as JSON. Raises ``ValueError`` if it is not JSON."""
        return json.loads(self.body)
