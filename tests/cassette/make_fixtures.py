"""Makes ``fixtures/llama-server`` of ``fixtures/captures``: ``python -m tests.cassette.make_fixtures [FOLDER]``.

Each captured exchange is answered once more, in its chunks and at its pace, and recorded by a client that believes it speaks to
``https://llama.example``: what the server sent goes through the same machinery as any live answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from wirecache import Cassette
from wirecache.httpx import cached_client

FIXTURES = Path(__file__).parents[2] / "fixtures"
CAPTURES = FIXTURES / "captures"
LLAMA_SERVER = FIXTURES / "llama-server"
ORIGIN = "https://llama.example"
# The captures tell no request headers. Of those that count in a key, Anthropic's SDK sends one; which version depends on the SDK's.
ANTHROPIC = {"anthropic-version": "2023-06-01"}


class _AsItCame(httpx.SyncByteStream):
    """The chunks of a captured answer, at their times since the request was sent."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks
        self._started = time.perf_counter()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            time.sleep(max(0.0, self._started + chunk["seconds"] - time.perf_counter()))
            yield chunk["text"].encode()


class _Captured(httpx.BaseTransport):
    """Answers every request with one captured answer."""

    def __init__(self, answered: Any) -> None:
        self._answered = answered

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self._answered["status"], headers=self._answered["headers"], stream=_AsItCame(self._answered["chunks"]))


def headers_of(path: Path) -> dict[str, str]:
    """What is sent beside the body of that capture."""
    return ANTHROPIC if path.stem.startswith("anthropic") else {}


def make(folder: Path) -> int:
    """Record all captures there, and nothing else; how many were they?"""
    paths = sorted(CAPTURES.glob("*.json"))
    with Cassette(folder, "rewrite") as tape:
        for path in paths:
            capture = json.loads(path.read_text("utf-8"))
            request = capture["request"]
            with cached_client(tape, transport=_Captured(capture["response"])) as client:
                client.request(request["method"], ORIGIN + request["path"], json=request["body"], headers=headers_of(path))
    return len(paths)


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else LLAMA_SERVER
    print(f"{make(chosen)} exchanges -> {chosen}")
