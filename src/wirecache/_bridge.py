"""How does a transport of either HTTP library ask the cache? Everything the four faces share; neither library is imported here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, assert_never

from wirecache._cache import Cache
from wirecache._core.effects import Discard, Effect, Flow, Forward, Lookup, Outcome, ReadBody, Refuse, Relay, Reuse, Save
from wirecache._core.exchange import exchange
from wirecache._core.messages import Head, HeaderPairs, Request
from wirecache._core.recording import Recorder
from wirecache._core.refusal import REFUSED, refusal
from wirecache._core.status import CacheStatus
from wirecache._drive import adrive, drive
from wirecache._rfc9111 import SAFE_METHODS, http_exchange
from wirecache.errors import NotRecorded

__all__ = ["AsyncFace", "Library", "SyncFace"]


@dataclass(frozen=True, slots=True)
class Library:
    """What differs between httpx and httpx2: their classes."""

    name: str
    request: type[Any]
    response: type[Any]
    byte_stream: type[Any]
    body: type[Any]  # the library's own subclass of ``RecordedBody``
    other: str  # the other library's name


class SyncFace:
    """What the sync transports of both libraries do."""

    _library: ClassVar[Library]
    cache: Cache
    next_transport: Any

    def handle_request(self, request: Any) -> Any:
        """Answer one request, from the store or by ``next_transport``."""
        return _answer(self.cache, self._library, self.next_transport, request)

    def close(self) -> None:
        """Close the connections, and finish writing; the cache stays open for others."""
        self.next_transport.close()
        self.cache.flush()

    def __enter__(self) -> Self:
        self.next_transport.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.next_transport.__exit__(*error)
        self.cache.flush()


class AsyncFace:
    """What the async transports of both libraries do, under asyncio and trio."""

    _library: ClassVar[Library]
    cache: Cache
    next_transport: Any

    async def handle_async_request(self, request: Any) -> Any:
        """Answer one request, from the store or by ``next_transport``."""
        return await _answer_async(self.cache, self._library, self.next_transport, request)

    async def aclose(self) -> None:
        """Close the connections, and finish writing; the cache stays open for others."""
        await self.next_transport.aclose()
        await self.cache.aflush()

    async def __aenter__(self) -> Self:
        await self.next_transport.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.next_transport.__aexit__(*error)
        await self.cache.aflush()


def _answer(cache: Cache, library: Library, transport: Any, request: Any) -> Any:
    call = _Call(cache, library, request)

    def perform(effect: Effect) -> Any:
        match effect:
            case ReadBody():
                return request.read()
            case Lookup(key):
                return cache.lookup(key)
            case Forward(changes):
                call.drop_upstream()
                with _headers_changed(library, request, changes):
                    return call.forwarded(transport.handle_request(request))
            case Save() | Discard():
                return call.store(effect)
            case _:
                assert_never(effect)

    outcome = drive(call.flow(), perform)
    if isinstance(outcome, Reuse):
        call.drop_upstream()
    return call.finish(outcome)


async def _answer_async(cache: Cache, library: Library, transport: Any, request: Any) -> Any:
    call = _Call(cache, library, request)

    async def perform(effect: Effect) -> Any:
        match effect:
            case ReadBody():
                return await request.aread()
            case Lookup(key):
                return await cache.alookup(key)
            case Forward(changes):
                await call.adrop_upstream()
                with _headers_changed(library, request, changes):
                    return call.forwarded(await transport.handle_async_request(request))
            case Save() | Discard():
                return call.store(effect)
            case _:
                assert_never(effect)

    outcome = await adrive(call.flow(), perform)
    if isinstance(outcome, Reuse):
        await call.adrop_upstream()
    return call.finish(outcome)


class _Call:
    """One exchange, from the request to the response that the caller gets."""

    __slots__ = ("ask", "cache", "earlier", "library", "started", "upstream")

    def __init__(self, cache: Cache, library: Library, request: Any) -> None:
        if not isinstance(request, library.request):
            raise _wrong_library(library, request)
        self.cache = cache
        self.library = library
        self.ask = _request(request)
        self.upstream: Any = None
        self.earlier: bytes | None = None
        self.started = time.perf_counter()

    def flow(self) -> Flow:
        tell = http_exchange if self.ask.method in SAFE_METHODS else exchange
        return tell(self.ask, self.cache.plan, time.time())

    def forwarded(self, upstream: Any) -> Head:
        self.upstream = upstream = _unread(self.library, upstream)
        head = _head(upstream)
        self.earlier = head.fields.get(b"cache-status")
        return head

    def store(self, effect: Save | Discard) -> None:
        if isinstance(effect, Save):
            self.cache.save(effect.entry)
        else:
            self.cache.discard(effect.key)

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
        self.cache.answered(outcome.status, entry)
        match outcome:
            case Reuse():
                response = self._reused(outcome)
            case Refuse():
                response = self._refused(outcome)
            case Relay():
                return self._relayed(outcome)
            case _:
                assert_never(outcome)
        self.log(outcome.status, response.status_code)
        return response

    def log(self, status: CacheStatus, code: int) -> None:
        self.cache.log(self.ask, status, code, time.perf_counter() - self.started)

    def _reused(self, outcome: Reuse) -> Any:
        entry = outcome.entry
        ours = outcome.status.header(entry.status).encode()
        pairs = [*entry.headers, (b"age", b"%d" % int(outcome.age)), (b"cache-status", ours)]
        return self.library.response(
            entry.status,
            headers=pairs,
            stream=self.library.byte_stream(entry.body),
            extensions={"http_version": entry.http_version, "wirecache": outcome.status},
        )

    def _refused(self, outcome: Refuse) -> Any:
        if self.cache.miss == "raise" and self.ask.method not in SAFE_METHODS:
            raise NotRecorded(outcome.message)
        pairs, body = refusal(outcome.message)
        status = (b"cache-status", outcome.status.header().encode())
        return self.library.response(REFUSED, headers=[*pairs, status], content=body, extensions={"wirecache": outcome.status})

    def _relayed(self, outcome: Relay) -> Any:
        upstream = self.upstream
        stream = upstream.stream
        if outcome.recorder is not None:
            stream = self.library.body(stream, outcome.recorder)
        response = self.library.response(upstream.status_code, headers=upstream.headers, stream=stream, extensions=upstream.extensions)
        note = _Note(response.headers, response.extensions, self.earlier, upstream.status_code)
        note.write(outcome.status)
        if outcome.recorder is None:
            self.log(outcome.status, upstream.status_code)
        else:
            stream.settle = self._verdict(outcome.status, note)
        return response

    def _verdict(self, status: CacheStatus, note: _Note) -> Callable[[Recorder], None]:
        def settle(recorder: Recorder) -> None:
            reason = self.cache.keep(recorder, self._decode, time.perf_counter() - self.started)
            final = status.settled(reason)
            note.write(final)
            self.log(final, note.code)

        return settle

    def _decode(self, raw: bytes) -> bytes:
        """Undo the content encoding as the caller's own library does."""
        head = self.upstream
        body = bytes(self.library.response(head.status_code, headers=head.headers, content=raw).content)
        if body == raw and head.headers["content-encoding"].strip().lower() != "identity":
            raise ValueError("the library has no decoder for it, and passes it on as it is")
        return body


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


def _fields(pairs: HeaderPairs) -> dict[bytes, bytes]:
    fields = {name.lower(): value for name, value in pairs}
    if len(fields) != len(pairs):
        fields.clear()
        for name, value in pairs:
            lower = name.lower()
            fields[lower] = fields[lower] + b", " + value if lower in fields else value
    return fields


def _request(request: Any) -> Request:
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    return Request(request.method, url.scheme, url.raw_host.decode("ascii"), url.port, path, query, _fields(request.headers.raw))


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
    return Head(response.status_code, _fields(pairs), pairs, response.extensions.get("http_version", b"HTTP/1.1"))


class _headers_changed:
    """Send the request with some headers changed, and give it back as it was."""

    def __init__(self, library: Library, request: Any, changes: Mapping[bytes, bytes]) -> None:
        self._request = request
        self._changes = changes
        self._original = request.headers

    def __enter__(self) -> None:
        if self._changes:
            changed = type(self._original)(self._original)
            for name, value in self._changes.items():
                changed[name.decode("latin-1")] = value.decode("latin-1")
            self._request.headers = changed

    def __exit__(self, *error: object) -> None:
        self._request.headers = self._original


def _wrong_library(library: Library, request: Any) -> TypeError:
    found = type(request).__module__.partition(".")[0]
    return TypeError(
        f"this cache transport is for {library.name} and got a request of {found} ({type(request).__qualname__}); "
        f"the two libraries' classes are distinct. Use wirecache.{library.other}, or cached_client(library={library.other!r})"
    )
