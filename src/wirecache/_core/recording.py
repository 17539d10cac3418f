"""Is this body whole and good, and which entry does it make?

A recorder is fed the body as it passes, chunk by chunk, and asked once. It copies nothing but references.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from wirecache._core.messages import Entry, Head, HeaderPairs, Request, RequestSummary
from wirecache._core.secrets import CREDENTIAL_FIELDS, PRIVATE_RESPONSE_FIELDS, redacted_url
from wirecache._core.storability import parse_answer, usage_of, why_not_this_answer

__all__ = ["Recorder", "Recording", "kept_headers", "renewed"]

# How a body travelled, undone before it is stored (RFC 9110 section 7.6.1; the coding and length of the body).
TRAVEL_FIELDS = frozenset(
    {b"connection", b"content-encoding", b"content-length", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)


@lru_cache(maxsize=4096)
def _is_kept(name: bytes) -> bool:
    lower = name.lower()
    return lower not in TRAVEL_FIELDS and not PRIVATE_RESPONSE_FIELDS.fullmatch(lower)


def kept_headers(pairs: HeaderPairs) -> HeaderPairs:
    """Which headers of an answer are stored? All but those of the connection, of the coding, and of the account."""
    return tuple(pair for pair in pairs if _is_kept(pair[0]))


class Recording(NamedTuple):
    """What is known when a recording begins.

    ``ttl``: a lifetime of its own, in seconds (False: none, the cache's holds). ``judge``: is the answer's JSON judged (RFC 9111 does
    not ask what it says). ``bodyless``: a HEAD's answer declares a length and has no body.
    """

    key: str
    head: Head
    request: Request
    endpoint: str
    model: str | None
    request_body: bytes
    max_body: int
    ttl: float | None | bool = False
    judge: bool = True
    bodyless: bool = False


class Recorder:
    """The body of one answer, on its way to the caller."""

    __slots__ = ("_answer", "_body", "_broken", "_chunks", "_ended", "_too_large", "recording", "size")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.size = 0
        self._chunks: list[bytes] = []
        self._body = b""
        self._answer: Any = None
        self._ended = False
        self._broken = False
        self._too_large = False

    def feed(self, chunk: bytes) -> None:
        """Here is the next chunk, as it came over the wire."""
        self.size += len(chunk)
        if self.size <= self.recording.max_body:
            self._chunks.append(chunk)
        elif not self._too_large:
            self._too_large = True
            self._chunks.clear()

    def end(self) -> None:
        """Upstream ended the body."""
        self._ended = True

    def fail(self) -> None:
        """Upstream broke off."""
        self._broken = True

    def _why_not_whole(self) -> str | None:
        declared = self.recording.head.fields.get(b"content-length", b"")
        if self._broken:
            return "truncated"
        if self._too_large:
            return "too-large"
        if self.recording.bodyless:
            return None
        if declared.isdigit() and b"transfer-encoding" not in self.recording.head.fields:
            if self.size != int(declared):
                return "truncated" if self._ended else "abandoned"
        elif not self._ended:
            return "abandoned"
        return None

    def why_not(self, decode: Callable[[bytes], bytes]) -> str | None:
        """Which reason is there not to store it? ``decode`` undoes the content encoding. To be asked when the body is over."""
        if reason := self._why_not_whole():
            return reason
        head = self.recording.head
        raw = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        try:
            self._body = decode(raw) if b"content-encoding" in head.fields else raw
        except Exception:
            return "undecodable"
        if not self.recording.judge:
            return None
        self._answer = parse_answer(head, self._body)
        return why_not_this_answer(self._answer, self._body)

    def entry(self, now: float, seconds: float) -> Entry:
        """The entry that a good body makes. ``now``: seconds since the epoch; ``seconds``: how long upstream took."""
        made = self.recording
        return Entry(
            key=made.key,
            status=made.head.status,
            headers=kept_headers(made.head.pairs),
            body=self._body,
            stored_at=now,
            seconds=seconds,
            http_version=made.head.http_version,
            usage=usage_of(self._answer),
            request=summary_of(made.request, made.head, made.endpoint, made.model),
            request_body=made.request_body,
            ttl=made.ttl,
        )


def summary_of(request: Request, head: Head, endpoint: str, model: str | None) -> RequestSummary:
    """Which request was it, with the headers that the answer varies on (a credential is in the key, never here)?"""
    vary = {name.strip().lower() for name in head.fields.get(b"vary", b"").split(b",")} - CREDENTIAL_FIELDS
    fields = {n.decode("latin-1"): request.fields[n].decode("latin-1") for n in sorted(vary) if n in request.fields}
    return RequestSummary(request.method, redacted_url(request), endpoint, model, fields)


def renewed(entry: Entry, pairs: HeaderPairs, now: float) -> Entry:
    """The entry with the headers that a 304 renewed (RFC 9111 section 4.3.4)."""
    return replace(entry, headers=kept_headers(pairs), stored_at=now)
