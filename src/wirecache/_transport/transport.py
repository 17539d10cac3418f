"""How does a transport of either HTTP library ask the cache? Everything the four faces share; neither library is imported here."""

from __future__ import annotations

from typing import Any, ClassVar, Self, assert_never

from wirecache._caches.cache import Cache
from wirecache._core.flows.effects import Claim, Discard, Effect, Forward, Lookup, ReadBody, Refuse, Reuse, Save
from wirecache._runtime.driver import adrive, drive
from wirecache._transport.collapse import aperform as acollapse
from wirecache._transport.collapse import claim
from wirecache._transport.collapse import perform as collapse
from wirecache._transport.requests import Call, Library

__all__ = ["AsyncFace", "SyncFace", "holds_cache"]


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


_FACES = (SyncFace, AsyncFace)


def holds_cache(transport: Any, depth: int = 4) -> bool:
    """Is it one of ours, or is one of ours below it? ``depth``: how many transports on top of it are looked through."""
    if isinstance(transport, _FACES):
        return True
    below = [value for value in getattr(transport, "__dict__", {}).values() if _is_transport(value)] if depth else []
    return any(holds_cache(value, depth - 1) for value in below)


def _is_transport(value: Any) -> bool:
    kind = type(value)
    return hasattr(kind, "handle_request") or hasattr(kind, "handle_async_request")


def _answer(cache: Cache, library: Library, transport: Any, request: Any) -> Any:
    call = Call(cache, library, request)

    def perform(effect: Effect) -> Any:
        match effect:
            case ReadBody():
                return request.read()
            case Lookup(key):
                return cache.look_up(key)
            case Claim(key, than):
                return drive(claim(call, key, than), lambda turn: collapse(cache, turn))
            case Forward(changes):
                call.drop_upstream()
                original = request.headers
                request.headers = call.headers_to_send(original, changes)
                try:
                    return call.forwarded(transport.handle_request(request))
                finally:
                    request.headers = original
            case Save() | Discard():
                return call.store(effect)
            case _:
                assert_never(effect)

    try:
        outcome = drive(call.flow(), perform)
    except BaseException as error:
        call.failed(error)
        raise
    if isinstance(outcome, Reuse):
        call.drop_upstream()
    elif isinstance(outcome, Refuse):
        outcome = call.explained(outcome)
    return call.finish(outcome)


async def _answer_async(cache: Cache, library: Library, transport: Any, request: Any) -> Any:
    call = Call(cache, library, request)

    async def perform(effect: Effect) -> Any:
        match effect:
            case ReadBody():
                return await request.aread()
            case Lookup(key):
                return await cache.alook_up(key)
            case Claim(key, than):
                return await adrive(claim(call, key, than), lambda turn: acollapse(cache, turn))
            case Forward(changes):
                await call.adrop_upstream()
                original = request.headers
                request.headers = call.headers_to_send(original, changes)
                try:
                    return call.forwarded(await transport.handle_async_request(request))
                finally:
                    request.headers = original
            case Save() | Discard():
                return call.store(effect)
            case _:
                assert_never(effect)

    try:
        outcome = await adrive(call.flow(), perform)
    except BaseException as error:
        call.failed(error)
        raise
    if isinstance(outcome, Reuse):
        await call.adrop_upstream()
    elif isinstance(outcome, Refuse):
        from anyio.to_thread import run_sync

        outcome = await run_sync(call.explained, outcome)
    return call.finish(outcome)
