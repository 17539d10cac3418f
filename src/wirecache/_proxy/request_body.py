"""The body of a request on its way upstream, and the detection of the client's disconnect, which share one reader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
from starlette.types import Receive

__all__ = ["ClientDisconnected", "RequestBody", "limited_request"]


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete."""


class RequestBody:
    """The body of a request, chunk by chunk as it arrives: the next one is read when the last one has been forwarded."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._over = anyio.Event()
        self.size = 0  # bytes so far

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self._over.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            piece: bytes = message.get("body", b"")
            if not message.get("more_body", False):
                self._over.set()
            self.size += len(piece)
            if piece:
                yield piece

    async def wait_for_disconnect(self) -> None:
        """Return when the client has disconnected. The rest of the body is not read here, but by upstream's request."""
        await self._over.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class _Rest:
    """A body whose first chunks have been read already."""

    def __init__(self, pieces: list[bytes], rest: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._pieces:
            yield self._pieces.pop(0)
        async for piece in self._rest:
            yield piece

    async def aclose(self) -> None:
        self._pieces.clear()


def limited_request(http: Any, limit: int) -> type[Any]:
    """Return the library's request class, modified to read no more than ``limit`` bytes of the body into memory.

    ``http``: httpx or httpx2. A longer body of undeclared length is read until it exceeds the limit; what was read is then sent before
    the rest.
    """

    class _Stream(_Rest, http.AsyncByteStream):  # type: ignore[misc]
        pass

    class _LimitedRequest(http.Request):  # type: ignore[misc]
        stream: Any

        async def aread(self) -> bytes:
            if hasattr(self, "_content"):
                return await super().aread()  # type: ignore[no-any-return]
            pieces: list[bytes] = []
            size, stream = 0, aiter(self.stream)
            async for piece in stream:
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    self.stream = _Stream(pieces, stream)
                    return b"".join(pieces)
            self._content = b"".join(pieces)
            self.stream = http.ByteStream(self._content)
            return self._content

    return _LimitedRequest
