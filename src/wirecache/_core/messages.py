"""What do the decisions see of a request, a response and an entry?

Plain values, made once by the bridge from either HTTP library. Header names are lower case bytes.
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


class Request(NamedTuple):  # a named tuple, as Head: one is made for each exchange, at a third of the cost
    """What is requested, without its body: that one is read only where a decision needs it.

    ``read_timeout``: the seconds that the caller waits for an answer, None for ever. ``socket``: the path of the unix socket that the
    request goes to, whatever its URL says.
    """

    method: str
    scheme: str
    host: str
    port: int | None  # None: the scheme's default
    path: bytes  # as it goes on the wire
    query: bytes  # the same, without the question mark; empty if there is none
    fields: Mapping[bytes, bytes]  # lower case names; repeated ones joined by ", "
    read_timeout: float | None = None
    socket: str = ""


class Head(NamedTuple):
    """What is known of a response before its body.

    ``ends_by_close``: only the closing of the connection shows where the body ends (RFC 9112 section 6.3), be it whole or cut.
    """

    status: int
    fields: Mapping[bytes, bytes]
    pairs: HeaderPairs
    http_version: bytes = b"HTTP/1.1"
    ends_by_close: bool = False


class Usage(NamedTuple):
    """How many tokens did the provider count? Its own figures, never an estimate.

    ``input`` are all that were read: ``cached`` of them from the provider's own cache, ``written`` to it (``written_1h`` to be kept for an
    hour). ``output`` are all that were made: ``reasoning`` among them. ``other``: what has a price of its own (tokens of audio, images
    that were made, searches); it is only noted, so that such a call is not priced as if it were text.
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
    """A piece of a recorded stream: ``size`` in bytes, and when it came, in ``seconds`` since the request was sent."""

    size: int
    seconds: float


def pack_chunks(chunks: Iterable[Chunk]) -> bytes:
    """Return the chunks as an entry keeps them, twelve bytes each."""
    return b"".join(_CHUNK.pack(*chunk) for chunk in chunks)


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """Which request was answered? Kept with the entry so that people can tell entries apart; no credential is in it.

    ``content_type`` is set where the body is not JSON. ``whole`` is false where the entry does not keep the whole request body.
    ``left_out``: of such a one, what a normaliser left out of the key, with the place where it stood in the body.
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
        """The headers that are kept, and the type of a body that is not JSON."""
        return {**self.fields, "content-type": self.content_type} if self.content_type else dict(self.fields)

    def to_bytes(self) -> bytes:
        """Return the summary as an entry keeps it: a JSON object."""
        members = {name: getattr(self, name) for name in _SUMMARY_DEFAULTS}
        return json.dumps({name: value for name, value in members.items() if value != _SUMMARY_DEFAULTS[name]}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the summary in an entry. ``ValueError`` if it is not one."""
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
    """A stored response, with what is needed to judge whether it may be used.

    ``headers`` have lower case names. ``body`` is what the application saw (content encoding undone). ``stored_at`` is in seconds since
    the epoch, ``seconds`` is how long upstream took. ``ttl`` (seconds, None for ever) is set only where it was given for the one call, else
    it is ``UNSET``. ``summary`` is the request summary as JSON: read through ``request``, and only when somebody asks. ``chunk_times``
    says, for a stream that was recorded, how the body came (``chunks``); it is empty for all else. ``ended_by_reader``: the body is what
    its reader took before it stopped, so it answers nobody else; only cassettes hold such an entry.
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
        """The pieces of a recorded stream, in their order; none for an answer that was no stream."""
        return tuple(starmap(Chunk, _CHUNK.iter_unpack(self.chunk_times)))

    @property
    def stream_kind(self) -> bytes | None:
        """The media type of the stream that the answer is; None if it is none. Its chunks tell that a stream was wanted."""
        return stream_kind(content_media_type(fields_of(self.headers)), self.body, is_requested=bool(self.chunk_times))

    @property
    def answer(self) -> tuple[int, bytes, bool]:
        """What makes two answers to a request equal: the status, the body, and whether that is only what a reader took."""
        return self.status, self.body, self.ended_by_reader

    @property
    def request(self) -> RequestSummary:
        """Which request was answered. All is empty where that cannot be read: a store holds whatever somebody wrote into it."""
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
        """The body parsed as JSON; ``ValueError`` if it is none."""
        return json.loads(self.body)
