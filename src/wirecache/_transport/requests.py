"""One exchange, from the request that a library made to the response that its caller gets; neither library is imported here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from wirecache._caches.cache import Cache
from wirecache._caches.context import Exchange, captured, current_options
from wirecache._core.flows.effects import Discard, Flow, Outcome, Refuse, Relay, Reuse, Save
from wirecache._core.flows.inference import wrong_options
from wirecache._core.flows.labels import NO_LABELS, labels_of
from wirecache._core.flows.recorder import Recorder
from wirecache._core.flows.refusal import refusal
from wirecache._core.messages import Head, Request, Usage, fields_of
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.plan import OPTION_FIELDS, for_call
from wirecache._core.status import CacheStatus
from wirecache._engine.rfc9111 import SAFE_METHODS, flow_for
from wirecache._storage.single_flight import Lead

if TYPE_CHECKING:
    from wirecache._caches.explain import Nearest

logger = logging.getLogger("wirecache")

__all__ = ["Call", "Library"]

FREE = ("", "http")  # what is no inference
MOST_PATIENCE = 600.0  # seconds that a caller without a timeout waits for an equal request's answer


@dataclass(frozen=True, slots=True)
class Library:
    """What differs between httpx and httpx2: their classes."""

    name: str
    request: type[Any]
    response: type[Any]
    byte_stream: type[Any]
    body: type[Any]  # the library's own subclass of ``RecordedBody``
    replay: type[Any]  # and of ``ReplayedBody``
    other: str  # the other library's name
    timeout: type[Any]  # what its clients raise when no answer comes


class Call:
    """One exchange, from the request to the response that the caller gets."""

    __slots__ = (
        "ask",
        "cache",
        "earlier",
        "exchange",
        "labels",
        "lead",
        "library",
        "near",
        "plan",
        "request",
        "saved",
        "sent",
        "started",
        "stored",
        "upstream",
        "usage",
        "wrong",
    )

    def __init__(self, cache: Cache, library: Library, request: Any) -> None:
        if not isinstance(request, library.request):
            raise _wrong_library(library, request)
        self.cache = cache
        self.library = library
        self.ask = _request(request)
        self.upstream: Any = None
        self.earlier: bytes | None = None
        self.exchange: Exchange | None = None
        self.near: Nearest | None = None
        self.labels = NO_LABELS
        self.usage: Usage | None = None
        self.saved: float | None = None
        self.request = request
        self.lead: Lead | None = None
        self.stored = cache.claims.stored
        self.sent = False
        self.wrong: str | None = None
        self.started = time.perf_counter()
        try:
            self.plan = for_call(cache.plan, self.ask, current_options.get(), request.extensions.get("wirecache"))
        except ValueError as error:
            self.plan, self.wrong = cache.plan, str(error)

    def flow(self) -> Flow:
        if self.wrong is not None:
            return wrong_options(self.wrong)
        tell = flow_for(self.ask, self.plan)
        return tell(self.ask, self.plan, time.time())

    def headers_to_send(self, original: Any, changes: Mapping[bytes, bytes]) -> Any:
        """The request's headers with some changed, and those meant for wirecache removed; the original ones are not touched."""
        self.sent = True
        ours = OPTION_FIELDS.keys() & self.ask.fields.keys()
        if not changes and not ours:
            return original
        headers = type(original)(original)
        for name, value in changes.items():
            headers[name.decode("latin-1")] = value.decode("latin-1")
        for name in ours:
            del headers[name.decode()]
        return headers

    @property
    def patience(self) -> float:
        """How many seconds the caller would wait for upstream's answer: its own read timeout."""
        read = self.request.extensions.get("timeout", {}).get("read")
        return MOST_PATIENCE if read is None else min(float(read), MOST_PATIENCE)

    def too_late(self) -> Exception:
        """What the caller gets if an equal request's answer does not come in time."""
        told = f"no answer within {self.patience:g} s to an equal request that was sent before this one (wirecache collapses them)"
        error: Exception = self.library.timeout(told, request=self.request)
        return error

    def let_go(self, stored: bool) -> None:
        """Those who wait for this call's answer hear how it went."""
        if self.lead is not None:
            self.lead.settle(stored)

    def failed(self, error: BaseException) -> None:
        """Upstream did not answer at all: if the call went out, it is counted, captured and logged like any other."""
        self.let_go(False)
        if self.sent and isinstance(error, Exception):
            status = CacheStatus(fwd="miss", detail=type(error).__name__)
            self.labels = labels_of(self.ask, self.plan.namespace, Relay(status))
            self.cache.answered(status, None, self.labels)
            self._paid(None, free=True)
            self.capture(status, 0)
            self.over(status, 0)

    def capture(self, status: CacheStatus, code: int) -> None:
        """Note the exchange in the captures of this block."""
        if (lists := captured()) or self.cache.listeners:
            self.exchange = Exchange(self.ask.method, redacted_url(self.ask), code, status, self.cache.reject, self.labels)
            self.exchange.usage, self.exchange.saved = self.usage, self.saved
            for exchanges in lists:
                exchanges.append(self.exchange)
            self.cache.listeners.at_head(self.exchange)

    def explained(self, outcome: Refuse) -> Refuse:
        """The refusal with the nearest stored request, and where it differs."""
        if outcome.body is None:
            return outcome
        near = self.cache.nearest(self.ask, outcome.body, self.plan)
        return outcome._replace(message=self.cache.told(outcome.message, near))

    def forwarded(self, upstream: Any) -> Head:
        self.upstream = upstream = _unread(self.library, upstream)
        head = _head(upstream)
        self.earlier = head.fields.get(b"cache-status")
        return head

    def store(self, effect: Save | Discard) -> bool | None:
        if isinstance(effect, Save):
            return self.cache.save(effect.entry)
        self.cache.discard(effect.key)
        return None

    def drop_upstream(self) -> None:
        """An answer that is not passed on (a 304) is read, so that its connection can serve again."""
        if self.upstream is not None:
            self.upstream.read()
            self.upstream.close()
            self.upstream = None

    async def adrop_upstream(self) -> None:
        if self.upstream is not None:
            await self.upstream.aread()
            await self.upstream.aclose()
            self.upstream = None

    def finish(self, outcome: Outcome) -> Any:
        """The response for an outcome, counted and logged."""
        entry = outcome.entry if isinstance(outcome, Reuse) else None
        self.labels = labels_of(self.ask, self.plan.namespace, outcome)
        if entry is not None:
            self.usage, self.saved = entry.usage, entry.seconds
        self.cache.answered(outcome.status, entry, self.labels)
        if entry is not None and self.sent:  # renewed, or in place of an error
            self._paid(None, free=True)
        if not isinstance(outcome, Relay) or outcome.recorder is None:
            self.let_go(outcome.status.collapsed)
        match outcome:
            case Reuse():
                response = self._reused(outcome)
            case Refuse():
                response = self._refused(outcome)
            case Relay():
                return self._relayed(outcome)
            case _:
                assert_never(outcome)
        self.capture(outcome.status, response.status_code)
        self.over(outcome.status, response.status_code)
        return response

    def _paid(self, usage: Usage | None, *, free: bool = False) -> None:
        self.cache.paid(usage, time.perf_counter() - self.started, self.labels, free=free)

    def over(self, status: CacheStatus, code: int) -> None:
        """The exchange is over: say so in the log and in the captures."""
        seconds = time.perf_counter() - self.started
        if self.exchange is not None:
            self.exchange.status, self.exchange.seconds, self.exchange.usage = status, seconds, self.usage
        self.cache.log(self.ask, status, code, seconds, self.near)
        if self.exchange is not None and self.cache.listeners:
            self.cache.listeners.over(self.exchange)

    def _reused(self, outcome: Reuse) -> Any:
        entry = outcome.entry
        ours = outcome.status.header(entry.status).encode()
        pairs = [*entry.headers, (b"age", b"%d" % int(outcome.age)), (b"cache-status", ours)]
        library = self.library
        body = library.replay(entry, self.cache.replay_speed, self.started) if entry.chunk_times else library.byte_stream(entry.body)
        return library.response(
            entry.status,
            headers=pairs,
            stream=body,
            extensions={"http_version": entry.http_version, "wirecache": outcome.status},
        )

    def _refused(self, outcome: Refuse) -> Any:
        if self.wrong is None:
            self.cache.missed(outcome.message)
        if self.cache.miss == "raise" and self.wrong is None and self.ask.method not in SAFE_METHODS:
            raise self.cache.not_recorded(outcome.message)
        code, pairs, body = refusal(outcome.message, outcome.status)
        status = (b"cache-status", outcome.status.header().encode())
        return self.library.response(code, headers=[*pairs, status], content=body, extensions={"wirecache": outcome.status})

    def _relayed(self, outcome: Relay) -> Any:
        upstream = self.upstream
        stream = upstream.stream
        if outcome.recorder is not None:
            stream = self.library.body(stream, outcome.recorder)
        response = self.library.response(upstream.status_code, headers=upstream.headers, stream=stream, extensions=upstream.extensions)
        own = vars(response)  # what a transport put on its response beside (Starlette's TestClient: template, context) is kept
        own.update({name: value for name, value in vars(upstream).items() if name not in own and not name.startswith("_")})
        note = _Note(response.headers, response.extensions, self.earlier, upstream.status_code)
        note.write(outcome.status)
        self.capture(outcome.status, upstream.status_code)
        if outcome.recorder is None:
            if outcome.status.fwd != "bypass":
                self.cache.refused(outcome.status.detail or "", self.labels)
            self._paid(None, free=self.labels.endpoint in FREE or not 200 <= upstream.status_code < 300)
            self.over(outcome.status, upstream.status_code)
        else:
            if outcome.status.fwd == "miss" and logger.isEnabledFor(logging.DEBUG):
                self.near = self.cache.nearest(self.ask, outcome.recorder.recording.request_body, self.plan)
            stream.settle, stream.started = self._verdict(outcome.status, note), self.started
        return response

    def _verdict(self, status: CacheStatus, note: _Note) -> Callable[[Recorder, bool], None]:
        def settle(recorder: Recorder, can_wait: bool) -> None:
            try:
                reason = self.cache.keep(recorder, partial(self._decode, cut=not recorder.ended), time.perf_counter() - self.started)
            except BaseException:
                self.let_go(False)
                raise
            self.let_go(reason is None)
            self.usage = recorder.usage
            self._paid(self.usage, free=self.labels.endpoint in FREE or (self.usage is None and not 200 <= note.code < 300))
            if reason is not None:
                self.cache.refused(reason, self.labels)
            if reason is None and can_wait:
                self.cache.shelf.wait_a_moment()
            final = status.settled(reason)
            note.write(final)
            self.over(final, note.code)

        return settle

    def _decode(self, chunks: Sequence[bytes], *, cut: bool) -> Sequence[bytes]:
        """Undo the content encoding as the caller's own library does; each chunk with what it decodes to.

        ``cut``: the caller closed the body before its end, so the end of the coding may be missing, too.
        """
        head, at, all_given = self.upstream, 0, False

        def raw() -> Iterator[bytes]:
            nonlocal at, all_given
            for at, chunk in enumerate(chunks):  # noqa: B007 (the reader below sees how far it is)
                yield chunk
            all_given = True

        decoded = [b""] * len(chunks)
        try:
            for piece in self.library.response(head.status_code, headers=head.headers, content=raw()).iter_bytes():
                decoded[at] += piece
        except Exception:
            if not (cut and all_given):
                raise
        if decoded == list(chunks) and head.headers["content-encoding"].strip().lower() != "identity":
            raise ValueError("the library has no decoder for it, and passes it on as it is")
        return decoded


@dataclass(slots=True)
class _Note:
    """Where a response says what the cache did; written when the head is known, and again when the body is over."""

    headers: Any
    extensions: dict[str, Any]
    earlier: bytes | None  # what a cache further up said
    code: int

    def write(self, status: CacheStatus) -> None:
        ours = status.header(self.code)
        self.headers["cache-status"] = f"{self.earlier.decode('latin-1')}, {ours}" if self.earlier else ours
        self.extensions["wirecache"] = status


# -- to the core's types -----------------------------------------------------------------------------------------


def _request(request: Any) -> Request:
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    return Request(request.method, url.scheme, url.raw_host.decode("ascii"), url.port, path, query, fields_of(request.headers.raw))


def _unread(library: Library, response: Any) -> Any:
    """A response that somebody below read, and so decoded, already: as one that is still to be read."""
    if not response.is_stream_consumed or isinstance(response.stream, library.byte_stream):
        return response
    headers = type(response.headers)(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    stream = library.byte_stream(response.content)
    return library.response(response.status_code, headers=headers, stream=stream, extensions=response.extensions)


def _head(response: Any) -> Head:
    pairs = response.headers.raw
    return Head(response.status_code, fields_of(pairs), pairs, response.extensions.get("http_version", b"HTTP/1.1"))


def _wrong_library(library: Library, request: Any) -> TypeError:
    found = type(request).__module__.partition(".")[0]
    return TypeError(
        f"this cache transport is for {library.name} and got a request of {found} ({type(request).__qualname__}); "
        f"the two libraries' classes are distinct. Use wirecache.{library.other}, or cached_client(library={library.other!r})"
    )
