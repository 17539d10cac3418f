"""What an MCP client sends over streamable HTTP, on a cassette: it closes at the reply, listens as long as it lives, and says goodbye."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from tests.faces.ask import Gate, stops_early
from tests.faces.face import Client, Face
from tests.provider import Answer, Provider, ReceivedRequest
from tests.provider_events import SSE
from wirecache import Cache, Cassette, options

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


async def send(client: Client, url: str, id: Any, method: str = "tools/call", **headers: str) -> bytes:
    """Return all of the answer to a message; what comes before a connection breaks, too."""
    got = b""
    body = {"jsonrpc": "2.0", "id": id, "method": method}
    try:
        async with client.stream("POST", url, json=body, headers={**HEADERS, **headers}) as reply, reply.over("iter_bytes") as pieces:
            async for piece in pieces:
                got += piece
    except (httpx.TransportError, httpx2.TransportError):
        got += b"(cut)"
    return got


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_has_the_id_of_the_request_that_it_answers(face: Face, provider: Provider, tmp_path: Path, streams: bool) -> None:
    url = provider.url + "/mcp"

    def answer(request: ReceivedRequest) -> Answer:
        reply = {"jsonrpc": "2.0", "id": request.json["id"], "result": {"calls": provider.calls}}
        return Answer(200, {"content-type": SSE}, [event(reply)]) if streams else Answer.of(reply)

    provider.script = answer
    async with face.client(Cassette(tmp_path, "once")) as client:
        live = [await send(client, url, id) for id in (1, 2)]
    async with face.client(Cassette(tmp_path, "none")) as client:
        replayed = [await send(client, url, id) for id in ("one", 12345)]
    assert [text.replace(b'"one"', b"1").replace(b"12345", b"2") for text in replayed] == live
    assert live[0] != live[1]


async def resume(client: Client, url: str, event_id: str) -> bytes:
    reply = await client.request("GET", url, headers={**LISTEN, "last-event-id": event_id})
    return reply.content


async def test_a_call_whose_connection_broke_is_resumed(face: Face, provider: Provider, tmp_path: Path) -> None:
    """Under another id, too: the request that resumes has none, but its event links it with the call."""
    url, progress = provider.url + "/mcp", b"id: e1\n" + event({"method": "notifications/progress", "params": {}})

    def answer(request: ReceivedRequest) -> Answer:
        if request.method == "POST":
            return Answer(200, {"content-type": SSE}, [progress + b"id: e2\ndata: {"], cut=True)
        after = dict(request.headers)["last-event-id"]
        reply = event({"id": 7, "result": {"after": after}})
        return Answer(200, {"content-type": SSE}, [b"id: e3\ndata:\n\n" if after == "e1" else reply])

    provider.script = answer
    got = []
    for mode, id in (("once", 7), ("none", 8)):
        cassette = Cassette(tmp_path, mode, miss="raise")  # type: ignore[arg-type]
        async with face.client(cassette) as client:
            got.append([await send(client, url, id), await resume(client, url, "e1"), await resume(client, url, "e3")])
        cassette.close()
        assert (cassette.report().missing, cassette.report().unused) == ((), ())
    assert got[0][0] == got[1][0] + b"(cut)"
    assert got[0][1] == got[1][1] == b"id: e3\ndata:\n\n"
    assert got[0][2] == got[1][2].replace(b'"id": 8', b'"id": 7') != got[1][2]
    assert provider.calls == 3


async def test_what_breaks_and_cannot_be_resumed_is_not_recorded(face: Face, provider: Provider, tmp_path: Path) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, [event({"method": "notifications/progress"})], cut=True)
    async with face.client(Cassette(tmp_path, "once")) as client:
        assert (await send(client, provider.url + "/mcp", 1)).endswith(b"(cut)")
    assert [name for name in os.listdir(tmp_path) if name.startswith("post-")] == []


async def test_an_end_of_a_session_that_was_not_recorded_is_no_miss(face: Face, provider: Provider, tmp_path: Path) -> None:
    cassette = Cassette(tmp_path, "none", miss="raise")
    async with face.client(cassette) as client:
        assert (await client.request("DELETE", provider.url + "/mcp", headers=HEADERS)).status_code == 405
    assert (provider.calls, cassette.report().missing) == (0, ())


async def test_outside_a_cassette_no_message_is_stored(face: Face, provider: Provider) -> None:
    """Neither by its path: one that ends as an endpoint of a model does is no reason."""
    provider.script = lambda request: Answer.of({"jsonrpc": "2.0", "id": 1, "result": {}})
    with Cache("memory://", streams="record") as cache:
        async with face.client(cache) as client:
            for path in ("/mcp", "/v1/messages", "/v1/responses"):
                for _ in range(2):
                    assert b"result" in await send(client, provider.url + path, 1)
            with options(mode="offline"):
                assert b"a message of JSON-RPC" in await send(client, provider.url + "/v1/messages", 1)
        assert (cache.stats.hits, cache.stats.stored, cache.stats.bypassed) == (0, 0, 6)
        assert cache.stats.bypassed_for == {"no-rule": 2, "json-rpc": 4}


@pytest.fixture
def strict(provider: Provider) -> Provider:
    """An MCP server that refuses what is in no session of its own."""
    sessions: list[str] = []

    def answer(request: ReceivedRequest) -> Answer:
        session = request.header("mcp-session-id")
        if request.method == "DELETE":
            return Answer(200 if session in sessions else 404, {}, [], length=0)
        if request.json["method"] == "initialize":
            assert session is None
            sessions.append(f"session-{len(sessions)}-of-the-server")
        elif session not in sessions:
            return Answer.of({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Session not found"}}, 404)
        if "id" not in request.json:
            return Answer(202, {}, [], length=0)
        reply = event({"id": request.json["id"], "result": {"calls": provider.calls}})
        return Answer(200, {"content-type": SSE, "mcp-session-id": sessions[-1]}, [reply])

    provider.script = answer
    return provider


async def run(face: Face, url: str, cassette: Cassette) -> list[int]:
    async with face.client(cassette) as client:
        body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
        begun = await client.post(url, json=body, headers={"accept": HEADERS["accept"]})
        headers = {**HEADERS, "mcp-session-id": begun.headers["mcp-session-id"]}
        replies = [await send(client, url, id, **headers) for id in (1, 2, 3)]
        statuses = [(await client.request("GET", url, headers={**LISTEN, **headers})).status_code] if cassette.child else []
        statuses.append((await client.request("DELETE", url, headers=headers)).status_code)
    cassette.close()
    assert all(b'"result"' in reply for reply in replies)
    return statuses


@stops_early
async def test_what_a_fork_sends_is_in_a_session_that_the_server_knows(face: Face, strict: Provider, tmp_path: Path) -> None:
    """Its client has the id of a recording: the handshake is sent anew, once, and is none of the steps."""
    url = strict.url + "/mcp"
    assert await run(face, url, Cassette(tmp_path / "a", "once")) == [200]
    before = strict.calls
    fork = Cassette(tmp_path / "a", "fork", from_step=3)
    assert await run(face, url, fork) == [405, 200]
    sent = [request.json.get("method") if request.body else request.method for request in strict.requests[before:]]
    assert sent == ["initialize", "notifications/initialized", "tools/call", "tools/call", "DELETE"]
    assert (fork.report().replayed, fork.report().recorded) == (2, 3)
    assert fork.child is not None
    before = strict.calls
    assert await run(face, url, Cassette(fork.child, "none")) == [200]
    assert strict.calls == before
    assert await run(face, url, Cassette(tmp_path / "a", "fork", from_step=5)) == [405, 405], "there is no session to end"
    assert strict.calls == before
