"""A provider without a network, the same for all: chat, a stream of 100 events, or embeddings of 200 KB."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from tests.benchmarks.transport import HEADERS
from tests.provider import CHAT

TEXT = json.dumps({"text": "An answer that is long enough. " * 55})  # also what a response model of instructor reads
ANSWER = json.dumps({**CHAT, "choices": [{**CHAT["choices"][0], "message": {"role": "assistant", "content": TEXT}}]}).encode()  # type: ignore[index]
EMBEDDINGS = json.dumps(
    {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": at, "embedding": base64.b64encode(bytes(6144)).decode()} for at in range(25)],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
).encode()
MODEL = json.dumps({"id": "m", "object": "model", "created": 1, "owned_by": "o"}).encode()


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: %b\n\n" % json.dumps({**CHAT, "object": "chat.completion.chunk", "choices": choices, "usage": None}).encode()


class Sent:
    """How many requests the canned providers have got."""

    count = 0


EVENTS = [*(_event({"content": "word "}) for _ in range(98)), _event({}, "stop"), b"data: [DONE]\n\n"]


def _answer(path: str, content: bytes) -> tuple[str, list[bytes]]:
    """Return media type and chunks of the answer."""
    Sent.count += 1
    if path.endswith("/embeddings"):
        return "application/json", [EMBEDDINGS]
    if "/models/" in path:
        return "application/json", [MODEL]
    return ("text/event-stream", EVENTS) if b'"stream":true' in content[-200:] + content[:200] else ("application/json", [ANSWER])


def canned(library: ModuleType) -> Any:
    """Return a transport of this library, sync and async, that answers at once.

    A class of its own: recorders patch ``HTTPTransport`` and ``MockTransport`` for the whole process.
    """

    class Chunks(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, chunks: list[bytes]) -> None:
            self.chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.chunks)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                yield chunk

    class Canned(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            kind, chunks = _answer(request.url.path, request.content)
            return library.Response(200, headers=[("content-type", kind), *HEADERS[1:]], stream=Chunks(chunks))

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    return Canned()
