"""Relays an answer to the client, chunk by chunk as it arrives and no faster than the client reads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
from starlette.types import Send

from wirecache._core.headers import HeaderPairs, content_media_type
from wirecache._proxy.headers import response_headers

__all__ = ["Relay"]

PING = b": ping\n\n"  # a comment, which clients of event streams ignore (WHATWG HTML, section 9.2.6)
_BOUNDARIES = (b"\n\n", b"\r\n\r\n", b"\r\r")


class Relay:
    """Sends one answer. ``extra``: headers to add after upstream's. ``ping_seconds``: how long an event stream may be silent.

    ``bytes_sent``: bytes of the body, without pings. ``is_over``: the whole answer was sent.
    """

    def __init__(self, send: Send, extra: HeaderPairs, ping_seconds: float) -> None:
        self._send = send
        self._extra = extra
        self._ping_seconds = ping_seconds
        self._lock = anyio.Lock()
        self._sent_at = 0.0
        self._tail = b""
        self.bytes_sent = 0
        self.has_begun = False
        self.is_over = False

    async def send(self, response: Any, library: Any) -> None:
        """Send the answer of the cache or of upstream: the HTTP library's response, whose body is still unread."""
        if isinstance(response.stream, library.byte_stream):
            await self._send_whole(response, await response.aread())
            return
        pieces = aiter(response.stream)
        length = int(response.headers.get("content-length", -1))
        piece = await anext(pieces, b"") if length > 0 else b""
        if len(piece) == length:  # the whole body: its outcome is known before the head is sent
            async for _ in pieces:
                pass
            await self._send_whole(response, piece)
            return
        await self._begin(response)
        await self._pass(piece, pieces, pings=self._is_pinged(response))

    async def _send_whole(self, response: Any, body: bytes) -> None:
        if "content-length" not in response.headers and body:
            response.headers["content-length"] = str(len(body))
        await self._begin(response)
        await self._end(body)

    async def _begin(self, response: Any) -> None:
        fields = {name.lower(): value for name, value in response.headers.raw}
        headers = [*response_headers(response.headers.raw, fields), *self._extra]
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})

    async def _pass(self, first: bytes, pieces: AsyncIterator[bytes], *, pings: bool) -> None:
        error: Exception | None = None
        async with anyio.create_task_group() as group:
            if pings:
                group.start_soon(self._ping)
            try:
                await self._piece(first)
                async for piece in pieces:
                    await self._piece(piece)
            except Exception as raised:  # raised below, since here it would be wrapped in an exception group
                error = raised
            group.cancel_scope.cancel()
        if error is not None:
            raise error
        await self._end()

    async def _piece(self, piece: bytes) -> None:
        if not piece:
            return
        async with self._lock:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            self.bytes_sent += len(piece)
            self._tail = (self._tail + piece[-4:])[-4:]
            self._sent_at = time.monotonic()

    async def _end(self, piece: bytes = b"") -> None:
        self.is_over = True  # before the last piece, since servers report a disconnect right after it
        self.bytes_sent += len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": False})

    def _is_pinged(self, response: Any) -> bool:
        fields = {name.lower(): value for name, value in response.headers.raw}
        is_coded = fields.get(b"content-encoding", b"identity").strip().lower() != b"identity"
        has_length = b"content-length" in fields
        return self._ping_seconds > 0 and content_media_type(fields) == b"text/event-stream" and not (is_coded or has_length)

    async def _ping(self) -> None:
        """Send a comment between two events whenever nothing was sent for ``ping_seconds``."""
        self._sent_at = time.monotonic()
        while True:
            await anyio.sleep(max(0.0, self._sent_at + self._ping_seconds - time.monotonic()))
            async with self._lock:
                if time.monotonic() < self._sent_at + self._ping_seconds:
                    continue
                if not self._tail or self._tail.endswith(_BOUNDARIES):
                    await self._send({"type": "http.response.body", "body": PING, "more_body": True})
                self._sent_at = time.monotonic()
