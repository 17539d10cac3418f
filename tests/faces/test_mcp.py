"""What an MCP client sends over streamable HTTP, on a cassette: it closes at the reply, listens as long as it lives, and says goodbye."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faces.ask import Gate, stops_early
from tests.faces.face import Client, Face
from tests.provider import Answer, Provider, ReceivedRequest
from tests.provider_events import SSE
from wirecache import Cassette

HEADERS = {"accept": "application/json, text/event-stream", "mcp-session-id": "s1", "mcp-protocol-version": "2025-11-25"}
LISTEN = {**HEADERS, "cache-control": "no-store"}  # as httpx-sse and httpx2 send it


def event(message: dict[str, Any]) -> bytes:
    return b"event: message\r\ndata: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\r\n\r\n"


@pytest.fixture
def server(provider: Provider) -> Iterator[Provider]:
    """An MCP server whose streams stay open after the reply."""
    gate = Gate()

    def chunks(*messages: dict[str, Any]) -> Iterator[bytes]:
        yield from map(event, messages)
        gate.wait()

    def answer(request: ReceivedRequest) -> Answer:
        if request.method == "GET":
            return Answer(200, {"content-type": SSE}, chunks({"method": "notifications/message"}))
        if request.method == "DELETE":
            return Answer(200, {}, [], length=0)
        reply = {"id": request.json["id"], "result": {"text": request.json["method"]}}
        return Answer(200, {"content-type": SSE, "mcp-session-id": "s1"}, chunks({"method": "notifications/progress"}, reply))

    provider.script = answer
    yield provider
    gate.open()


async def call(client: Client, url: str, number: int, method: str) -> bytes:
    """Return what was read until the reply, where the client closes."""
    got = b""
    body = {"jsonrpc": "2.0", "id": number, "method": method}
    async with client.stream("POST", url, json=body, headers=HEADERS) as reply, reply.over("iter_raw") as pieces:
        async for piece in pieces:
            got += piece
            if b'"result"' in got:
                break
    return got


@stops_early
async def test_a_session(face: Face, server: Provider, tmp_path: Path) -> None:
    url, statuses, got = server.url + "/mcp", [], []
    for mode in ("once", "none"):
        cassette = Cassette(tmp_path / "tape", mode, miss="raise")  # type: ignore[arg-type]
        async with face.client(cassette) as client:
            got.append([await call(client, url, number, method) for number, method in enumerate(("initialize", "tools/list"))])
            async with client.stream("GET", url, headers=LISTEN) as listening:
                statuses.append(listening.status_code)
            statuses.append((await client.request("DELETE", url, headers=HEADERS)).status_code)
        cassette.close()
        assert cassette.report().missing == ()
    assert got[0] == got[1]
    assert statuses == [200, 200, 405, 200]
    assert "ended" not in "".join(path.read_text() for path in (tmp_path / "tape").glob("post*.json"))
    assert [request.method for request in server.requests] == ["POST", "POST", "GET", "DELETE"]
    assert cassette.report().replayed == 3
