"""The recorder of a response body: decides whether the body is complete and good, and makes the entry.

A recorder is fed the body chunk by chunk as it passes, and judges it once, at the end. It keeps references and copies no data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from wirecache._core.event_stream import ends_with_done, stream_kind
from wirecache._core.flows.completeness import judge_stream
from wirecache._core.flows.entry_headers import kept_headers, stored_value, varied
from wirecache._core.flows.storability import MALFORMED, answer_refusal_reason, parse_answer
from wirecache._core.headers import content_media_type
from wirecache._core.keys.canonical import KEPT_WHOLE, Body, canonical_text
from wirecache._core.keys.fields import key_fields
from wirecache._core.llm.usage import usage_of
from wirecache._core.mcp_session import is_resumable
from wirecache._core.messages import Chunk, Entry, Head, Request, RequestSummary, Usage, pack_chunks
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.eligibility import choices_requested, too_large
from wirecache._core.unset import UNSET, Ttl

__all__ = ["Decode", "Decoded", "DecodedTooLarge", "Recorder", "Recording", "selecting_fields", "summary_of"]


class Decoded(NamedTuple):
    """The decoded chunks, and whether the content coding has reached its end."""

    chunks: Sequence[bytes]
    has_ended: bool = True


Decode: TypeAlias = Callable[[Sequence[bytes]], Decoded]  # an exception means that the body is not stored


class DecodedTooLarge(Exception):
    """The decoded body is larger than what may be stored."""


# The reason not to store a body that ended with the connection and does not itself show that it is complete.
NO_END = "no-end"


class Recording(NamedTuple):
    """What is known when a recording begins.

    ``ttl``: the answer's own lifetime in seconds (``UNSET``: the cache's applies). ``inference``: whether the answer's JSON is judged
    (HTTP's own rules ignore the content). ``bodyless``: the answer to a HEAD, which declares a length but has no body.
    ``stream``: the answer is declared as an event stream. ``is_stream_requested``: the request asked for one. In either case the arrival
    time of each chunk is recorded; the first bytes show what the answer really is. ``keeps_streams``: streams are stored. ``everything``:
    whatever is complete is stored, errors too. ``headers``: names that count in the key beside the built-in ones. ``born``: when the
    answer's age begins, if not on arrival (seconds since the epoch). ``mark``: stored with the entry. ``left_out``: for a large request,
    what a normalizer left out of the key, and where.
    """

    key: str
    head: Head
    request: Request
    endpoint: str
    model: str | None
    request_body: Body
    max_body: int
    ttl: Ttl = UNSET
    namespace: str = ""
    sample: int = 0
    inference: bool = True
    bodyless: bool = False
    stream: bool = False
    is_stream_requested: bool = False
    keeps_streams: bool = True
    everything: bool = False
    headers: tuple[str, ...] = ()
    born: float | None = None
    mark: Entry | None = None
    left_out: tuple[tuple[str, str], ...] = ()


class Recorder:
    """Records the body of one answer on its way to the caller."""

    __slots__ = (
        "_body",
        "_broken",
        "_chunk_times",
        "_chunks",
        "_is_cancelled",
        "_most",
        "_times",
        "_usage",
        "ended",
        "ended_by_reader",
        "recording",
        "size",
    )  # fmt: skip

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.size = 0
        self._chunks: list[bytes] = []
        self._times: list[float] = []
        self._body = b""
        self._chunk_times = b""
        self._usage: Usage | None = None
        self.ended = False  # has upstream ended the body?
        self.ended_by_reader = False  # did the reader end it, and is it stored even so? Known after ``refusal_reason``
        self._broken = False
        self._is_cancelled = False
        held_anyway = recording.everything or recording.bodyless
        self._most = -1 if not held_anyway and too_large(recording.head, recording.max_body) else recording.max_body  # bytes

    def feed_at(self, chunk: bytes, seconds: float) -> bool:
        """Add the next chunk of a stream, ``seconds`` after the request was sent; return whether it ends with a chat's final event."""
        self.feed(chunk)
        if self.size <= self._most:
            self._times.append(seconds)
        return ends_with_done(chunk)

    def feed(self, chunk: bytes) -> bool:
        """Add the next chunk, as received. Always return False: only the end of the body shows which chunk was the last."""
        self.size += len(chunk)
        if self.size <= self._most:
            self._chunks.append(chunk)
        elif self._chunks:
            self._chunks.clear()
            self._times.clear()
        return False

    def end(self) -> None:
        """Record that upstream ended the body."""
        self.ended = True

    def fail(self, *, is_cancelled: bool = False) -> None:
        """Record that upstream broke off, or that the caller was cancelled."""
        self._broken = True
        self._is_cancelled = is_cancelled

    def refusal_reason(self, decode: Decode) -> str | None:
        """Return the reason not to store the body, or None. ``decode`` undoes the content encoding. To be called when the body is over.

        If everything is stored, then so is what a reader took before it stopped, and what an MCP server sent before the connection broke,
        if its client can resume from there.
        """
        reason = self._refusal_reason(decode)
        if reason in (None, "too-large", "undecodable") or not self.recording.everything:
            return reason
        self.ended_by_reader = self._why_not_over() == "abandoned"
        is_resumed = self._broken and not self._is_cancelled and is_resumable(self._body)
        return None if self.ended_by_reader or is_resumed else reason

    def _refusal_reason(self, decode: Decode) -> str | None:
        if self.size > self._most:
            return "too-large"
        over = self._why_not_over()
        try:
            decoded = decode(self._chunks) if b"content-encoding" in self.recording.head.fields else Decoded(self._chunks)
        except DecodedTooLarge:
            return "too-large"
        except Exception:
            return "undecodable"
        chunks = decoded.chunks
        self._body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if not decoded.has_ended and not self.recording.everything:
            over = over or "truncated"
        if self._must_show_its_end:
            over = over or NO_END
        kind = self._stream_kind()
        if kind is not None:
            return self._why_not_this_stream(kind, chunks, over)
        return over if over and over != NO_END else self._why_not_this_answer(over)

    @property
    def _must_show_its_end(self) -> bool:
        """Return whether only the body itself can show that it is complete: no length, no chunked or content coding, and no cassette."""
        head = self.recording.head
        if not head.ends_by_close:
            return False
        is_coded = head.fields.get(b"content-encoding", b"identity").strip().lower() != b"identity"
        has_body = not self.recording.bodyless and head.status not in (204, 304)
        return has_body and not is_coded and not self.recording.everything

    def _stream_kind(self) -> bytes | None:
        """Return the media type of the event stream; None if the body is not one, or (by HTTP's rules) is not judged."""
        recording = self.recording
        if not (recording.inference or recording.everything):
            return None
        declared = content_media_type(recording.head.fields)
        kind = stream_kind(declared, self._body, is_requested=recording.is_stream_requested or recording.stream)
        return declared if kind is None and recording.stream else kind

    def _why_not_over(self) -> str | None:
        """Return why the body is not complete (not over yet, or shorter than declared); None if it is."""
        declared = self.recording.head.fields.get(b"content-length", b"")
        if self._broken:
            return "truncated"
        if self.recording.bodyless:
            return None
        if declared.isdigit() and b"transfer-encoding" not in self.recording.head.fields:
            if self.size != int(declared):
                return "truncated" if self.ended else "abandoned"
        elif not self.ended:
            return "abandoned"
        return None

    def _why_not_this_answer(self, no_end: str | None) -> str | None:
        """Return why the answer is not stored, or None. ``no_end``: the reason if the body must show its end itself, as JSON does."""
        if not self.recording.inference and no_end is None:
            return self._why_not_this_redirect()
        answer = parse_answer(self.recording.head, self._body)
        if no_end and self._body and not isinstance(answer, dict | list) and answer is not MALFORMED:
            return no_end
        if not self.recording.inference:
            return "malformed" if answer is MALFORMED else self._why_not_this_redirect()
        self._usage = usage_of(answer)
        return None if self.recording.everything else answer_refusal_reason(answer, self._body, self.recording.endpoint)

    def _why_not_this_redirect(self) -> str | None:
        """Return why a redirect is not stored, or None: with the secret in its target redacted it would lead elsewhere."""
        location = self.recording.head.fields.get(b"location", b"")
        if not 300 <= self.recording.head.status < 400 or stored_value(b"location", location) == location:
            return None
        return "secret-location"

    def _why_not_this_stream(self, kind: bytes, chunks: Sequence[bytes], over: str | None) -> str | None:
        if not self.recording.keeps_streams:
            return "stream"
        verdict = judge_stream(kind, self._body, over is None, choices_requested(self.recording.request_body), self.recording.endpoint)
        self._usage = verdict.usage
        if self._times:
            self._chunk_times = pack_chunks(Chunk(len(chunk), at) for chunk, at in zip(chunks, self._times, strict=True) if chunk)
        if self.recording.everything and over is None:  # complete by HTTP's framing, however it ended
            return None
        if not verdict.whole:
            return verdict.reason or over or "truncated"
        return None if self.recording.everything else verdict.reason

    @property
    def usage(self) -> Usage | None:
        """The usage that the provider reported; known after ``refusal_reason``."""
        return self._usage

    def entry(self, now: float, seconds: float) -> Entry:
        """Return the entry of a body that may be stored. ``now``: seconds since the epoch. ``seconds``: how long upstream took."""
        recording = self.recording
        return Entry(
            key=recording.key,
            status=recording.head.status,
            headers=kept_headers(recording.head.pairs),
            body=self._body,
            stored_at=now if recording.born is None else recording.born,
            seconds=seconds,
            http_version=recording.head.http_version,
            usage=self._usage,
            ttl=recording.ttl,
            summary=summary_of(recording),
            request_body=canonical_text(recording.request_body),
            chunk_times=self._chunk_times,
            ended_by_reader=self.ended_by_reader,
        )


def summary_of(recording: Recording) -> bytes:
    """Return the request summary, with the headers that count in the key or that the answer varies on (never credentials)."""
    request = recording.request
    response_fields = recording.head.fields
    if not recording.inference:
        fields = varied(request.fields, response_fields)
    elif request.method == "POST":
        fields = key_fields(request.fields, recording.headers)
    else:
        fields = selecting_fields(request, response_fields, recording.headers)
    content_type = "" if recording.request_body.kind == "json" else request.fields.get(b"content-type", b"").decode("latin-1")
    whole = len(recording.request_body.raw) <= KEPT_WHOLE
    summary = RequestSummary(
        request.method,
        redacted_url(request),
        recording.endpoint,
        recording.model,
        fields,
        recording.namespace,
        recording.sample,
        content_type,
        whole,
        recording.left_out,
    )
    return summary.to_bytes()


def selecting_fields(request: Request, response_fields: Mapping[bytes, bytes], headers: tuple[str, ...]) -> dict[str, str]:
    """Return the headers that count in the key of a GET that a rule caches, and those that its answer varies on.

    ``accept-encoding`` is left out, since an entry's body is stored decoded.
    """
    selecting = {**varied(request.fields, response_fields), **key_fields(request.fields, headers)}
    return {name: value for name, value in selecting.items() if name != "accept-encoding"}
