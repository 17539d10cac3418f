"""What the transports of both HTTP libraries, sync and async, have in common. Nothing here imports either library."""

from __future__ import annotations

from typing import Any, ClassVar, Self, assert_never

from wirecache._caches.context import current_options
from wirecache._core.flows.collapse import CollapseTimeout
from wirecache._core.flows.effects import Refuse, Relay, Reuse
from wirecache._engine.engine import CacheLike, Call
from wirecache._runtime.driver import adrive, drive
from wirecache._transport.effects import AsyncEffects, SyncEffects
from wirecache._transport.library import Library
from wirecache._transport.requests import to_request
from wirecache._transport.responses import refused_response

__all__ = ["AsyncFace", "SyncFace", "attributes_of", "held_transports", "holds_cache"]


class SyncFace:
    """The implementation of both libraries' sync transports."""

    _library: ClassVar[Library]
    cache: CacheLike
    next_transport: Any
    _socket: str = ""

    def handle_request(self, request: Any) -> Any:
        """Answer one request, from the store or by ``next_transport``."""
        library, engine = self._library, self.cache.engine
        call = Call(engine, to_request(library, request, self._socket), current_options.get(), request.extensions.get("wirecache"))
        effects = SyncEffects(call, library, request, self.next_transport)
        try:
            outcome = drive(call.flow(), effects.perform)
            if effects.head is not None and (aftermath := call.aftermath(outcome, effects.head)):
                drive(aftermath, effects.perform)
        except BaseException as error:
            call.fail(error)
            if isinstance(error, CollapseTimeout):
                raise library.read_timeout(str(error), request=request) from None
            raise
        match outcome:
            case Reuse():
                if effects.upstream is not None:
                    effects.drop_upstream()
                return effects.reused(outcome)
            case Relay():
                return effects.relayed(outcome)
            case Refuse():
                return refused_response(library, call.refuse(call.explained(outcome)), outcome.status, call.plan)
            case _:
                assert_never(outcome)

    def close(self) -> None:
        """Close the connections, and finish writing; the cache stays open for others."""
        self.next_transport.close()
        self.cache.engine.source.flush()

    def __enter__(self) -> Self:
        self.next_transport.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.next_transport.__exit__(*error)
        self.cache.engine.source.flush()


class AsyncFace:
    """The implementation of both libraries' async transports, under asyncio and trio."""

    _library: ClassVar[Library]
    cache: CacheLike
    next_transport: Any
    _socket: str = ""

    async def handle_async_request(self, request: Any) -> Any:
        """Answer one request, from the store or by ``next_transport``."""
        library, engine = self._library, self.cache.engine
        call = Call(engine, to_request(library, request, self._socket), current_options.get(), request.extensions.get("wirecache"))
        effects = AsyncEffects(call, library, request, self.next_transport)
        try:
            outcome = await adrive(call.flow(), effects.perform)
            if effects.head is not None and (aftermath := call.aftermath(outcome, effects.head)):
                await adrive(aftermath, effects.perform)
        except BaseException as error:
            call.fail(error)
            if isinstance(error, CollapseTimeout):
                raise library.read_timeout(str(error), request=request) from None
            raise
        match outcome:
            case Reuse():
                if effects.upstream is not None:
                    await effects.drop_upstream()
                return effects.reused(outcome)
            case Relay():
                return effects.relayed(outcome)
            case Refuse():
                from wirecache._runtime.beside_loop import run_beside_loop

                outcome = await run_beside_loop(call.explained, outcome)
                return refused_response(library, call.refuse(outcome), outcome.status, call.plan)
            case _:
                assert_never(outcome)

    async def aclose(self) -> None:
        """Close the connections, and finish writing; the cache stays open for others."""
        await self.next_transport.aclose()
        await self._flush()

    async def __aenter__(self) -> Self:
        await self.next_transport.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.next_transport.__aexit__(*error)
        await self._flush()

    async def _flush(self) -> None:
        """Wait for pending writes, in a worker thread, if there are any."""
        source = self.cache.engine.source
        if not source.flush(0):
            from wirecache._runtime.beside_loop import run_beside_loop

            await run_beside_loop(source.flush)


_FACES = (SyncFace, AsyncFace)


def holds_cache(transport: Any, depth: int = 4) -> bool:
    """Return whether it is a cache transport or wraps one. ``depth``: how many wrapping transports are searched."""
    if isinstance(transport, _FACES):
        return True
    return bool(depth) and any(holds_cache(inner, depth - 1) for inner in held_transports(transport))


def held_transports(transport: Any) -> list[Any]:
    """Return the transports that this one wraps: those in its attributes, or in a list or dict there."""
    found: list[Any] = []
    for value in attributes_of(transport).values():
        items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        found += filter(_is_transport, items)
    return found


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, from its ``__dict__`` and its classes' slots."""
    found = dict(getattr(thing, "__dict__", {}))
    for base in type(thing).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if hasattr(thing, name):
                found[name] = getattr(thing, name)
    return found


def _is_transport(value: Any) -> bool:
    kind = type(value)
    return hasattr(kind, "handle_request") or hasattr(kind, "handle_async_request")
