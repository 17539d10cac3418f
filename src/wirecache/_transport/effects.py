"""The performing of a flow's effects: one class for sync callers, one for event loops, and a common base."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from wirecache._core.flows.effects import (
    AcquireLease,
    Admit,
    Claim,
    Discard,
    Effect,
    Follow,
    Forward,
    Lease,
    Lookup,
    ReadBody,
    ReadClock,
    Relay,
    Reuse,
    Save,
    SendBefore,
    Wait,
)
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.flows.spending import Denial
from wirecache._core.json_rpc import has_reply
from wirecache._core.messages import Head
from wirecache._engine.engine import Call
from wirecache._engine.spending import reserve
from wirecache._transport.item_effects import aperform_for_items, perform_for_items
from wirecache._transport.library import Library
from wirecache._transport.requests import headers_to_send
from wirecache._transport.responses import StatusNote, decoded_chunks, relayed_response, reused_response, to_head, unread, with_body

__all__ = ["AsyncEffects", "SyncEffects"]


class _Effects:
    """A library's request, its call, and the response from upstream."""

    __slots__ = ("_upstream_status", "call", "head", "library", "request", "transport", "upstream")

    def __init__(self, call: Call, library: Library, request: Any, transport: Any) -> None:
        self.call = call
        self.library = library
        self.request = request
        self.transport = transport
        self.upstream: Any = None
        self.head: Head | None = None  # of upstream's last answer
        self._upstream_status: bytes | None = None

    def headers_to_send(self, effect: Forward) -> Any:
        """Return the headers to send, and mark the request as sent."""
        self.call.exchange.is_forwarded = True
        return headers_to_send(self.request.headers, self.call.request.fields, effect.changes)

    def request_with(self, content: bytes) -> Any:
        """Return a copy of the request with other content."""
        request, headers = self.request, self.request.headers.copy()
        for name in ("content-length", "transfer-encoding"):
            headers.pop(name, None)
        return self.library.request(request.method, request.url, headers=headers, content=content, extensions=request.extensions)

    def received(self, response: Any) -> Head:
        """Keep upstream's response and return its head."""
        self.upstream = unread(self.library, response)
        head = self.head = to_head(self.library, self.upstream)
        self._upstream_status = head.fields.get(b"cache-status")
        if self.call.spending is not None:
            self.call.spending.code = head.status
        return head

    def failed(self, error: BaseException) -> None:
        """Record the exception that sending the request raised."""
        if self.call.spending is not None:
            self.call.spending.error = error

    def another_request(self, effect: SendBefore) -> Any:
        """Return a request to the same URL with another body."""
        request, fields = self.request, self.call.request.fields
        headers = type(request.headers)(headers_to_send(request.headers, fields, effect.changes))
        for name in (b"content-length", b"transfer-encoding", *effect.without):
            headers.pop(name.decode(), None)
        return self.library.request(request.method, request.url, headers=headers, content=effect.content, extensions=request.extensions)

    def at_once(self, effect: Save | Discard | ReadClock) -> bool | float | None:
        """Perform an effect that does not block: a change of the source, or reading the clock."""
        if isinstance(effect, ReadClock):
            return time.time()
        source = self.call.engine.source
        if isinstance(effect, Save):
            is_saved: bool = source.save(effect.entry)
            return is_saved
        source.discard(effect.key)
        return None

    def leased(self, key: str) -> Lease:
        """Try to acquire a lease, to be released when the call settles."""
        source: Any = self.call.engine.source
        lease: Lease = source.acquire_lease(key)
        if lease is Lease.HELD:
            self.call.on_settled(partial(source.release_lease, key))
        return lease

    def reserved(self, effect: Admit) -> Denial | None:
        """Reserve what the call may cost in the budgets; return why it is denied, or None."""
        call = self.call
        assert call.engine.ledger is not None, "only then the plan has budgets"
        call.spending, denial = reserve(call.engine.ledger, effect, call.request, call.exchange.url, call.plan.namespace)
        return denial

    def reused(self, outcome: Reuse) -> Any:
        """Return the response made from the entry."""
        call = self.call
        call.reuse(outcome)
        response = reused_response(self.library, outcome, call.plan, call.started)
        if outcome.entry.ended_by_reader:
            response.stream.on_end = partial(call.end_part, outcome)
        return response

    def relayed(self, outcome: Relay) -> Any:
        """Return upstream's response for the caller, recording its body if the outcome says so."""
        upstream, recorder = self.upstream, outcome.recorder or outcome.meter
        if outcome.body is not None:
            upstream = with_body(self.library, upstream, outcome.body)
        stream = upstream.stream if recorder is None else self.library.recorded_body(upstream.stream, recorder, self.call.started)
        response = relayed_response(self.library, upstream, stream)
        note = StatusNote(response, self._upstream_status, with_header=self.call.plan.status_header)
        note.write(outcome.status)
        if recorder is not None:
            stream.on_end = partial(self._keep if outcome.meter is None else self._measure, note, recorder)
            stream.on_drop = self.call.abandon
        self.call.relay(outcome, upstream.status_code)
        return response

    def _keep(self, note: StatusNote, recorder: Recorder, can_wait: bool) -> None:
        note.write(self.call.keep(recorder, self._decode(recorder), can_wait=can_wait))

    def _measure(self, note: StatusNote, meter: Recorder, can_wait: bool) -> None:
        self.call.measure(meter, self._decode(meter))

    def _decode(self, recorder: Recorder) -> Decode:
        most = recorder.recording.max_body
        return partial(decoded_chunks, self.library, self.upstream, is_cut=not recorder.ended, most=most)


class SyncEffects(_Effects):
    """The effects of a sync call."""

    __slots__ = ()

    def perform(self, effect: Effect) -> Any:
        """Perform one effect."""
        match effect:
            case ReadBody():
                return self.request.read()
            case Lookup(key):
                return self.call.engine.source.look_up(key)
            case Forward() | SendBefore():
                return self._forward(effect) if isinstance(effect, Forward) else self._send_before(effect)
            case Claim(key):
                return self.call.claim(key, is_sync=True)
            case Follow(_, seconds):
                assert self.call.in_flight is not None
                return self.call.in_flight.wait(seconds)
            case AcquireLease(key):
                return self.leased(key)
            case Admit():
                return self.reserved(effect)
            case Wait(seconds):
                return time.sleep(seconds)
            case Save() | Discard() | ReadClock():
                return self.at_once(effect)
            case _:
                return perform_for_items(self, effect)

    def _forward(self, effect: Forward) -> Head:
        self.drop_upstream()
        original = self.request.headers
        self.request.headers = self.headers_to_send(effect)
        try:
            request = self.request if effect.content is None else self.request_with(effect.content)
            return self.received(self.transport.handle_request(request))
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            self.request.headers = original

    def _send_before(self, effect: SendBefore) -> Head:
        response, body = self.transport.handle_request(self.another_request(effect)), b""
        for piece in response.stream:
            body += piece
            if has_reply(body):
                break
        response.close()
        return to_head(self.library, response)

    def drop_upstream(self) -> None:
        """Read a response that is not passed on (a 304), so that its connection can serve again."""
        if self.upstream is not None:
            self.upstream.read()
            self.upstream.close()
            self.upstream = None


class AsyncEffects(_Effects):
    """The effects of an async call, under asyncio and trio."""

    __slots__ = ()

    async def perform(self, effect: Effect) -> Any:
        """Perform one effect."""
        match effect:
            case ReadBody():
                return await self.request.aread()
            case Lookup(key):
                return await self.call.engine.source.alook_up(key)
            case Forward() | SendBefore():
                return await (self._forward(effect) if isinstance(effect, Forward) else self._send_before(effect))
            case Claim(key):
                return self.call.claim(key, is_sync=False)
            case Follow(_, seconds):
                assert self.call.in_flight is not None
                return await self.call.in_flight.await_(seconds)
            case AcquireLease(key):
                from wirecache._runtime.beside_loop import run_beside_loop

                return await run_beside_loop(self.leased, key)
            case Admit():
                from wirecache._runtime.beside_loop import run_beside_loop

                return await run_beside_loop(self.reserved, effect)
            case Wait(seconds):
                from anyio import sleep

                return await sleep(seconds)
            case Save() | Discard() | ReadClock():
                return self.at_once(effect)
            case _:
                return await aperform_for_items(self, effect)

    async def _forward(self, effect: Forward) -> Head:
        await self.drop_upstream()
        original = self.request.headers
        self.request.headers = self.headers_to_send(effect)
        try:
            request = self.request if effect.content is None else self.request_with(effect.content)
            return self.received(await self.transport.handle_async_request(request))
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            self.request.headers = original

    async def _send_before(self, effect: SendBefore) -> Head:
        response, body = await self.transport.handle_async_request(self.another_request(effect)), b""
        async for piece in response.stream:
            body += piece
            if has_reply(body):
                break
        await response.aclose()
        return to_head(self.library, response)

    async def drop_upstream(self) -> None:
        """Read a response that is not passed on (a 304), so that its connection can serve again."""
        if self.upstream is not None:
            await self.upstream.aread()
            await self.upstream.aclose()
            self.upstream = None
