"""A coding agent runs again, in another directory: the recorded answer names that one, from a store and from a cassette."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faces.face import Face
from tests.provider import Answer, Provider
from tests.provider_events import SSE
from wirecache import Cache, Cassette, KeyOptions

OPTIONS = KeyOptions(normalize="coding-agent")
CUTS = ("/tmp/claude-", "one/out", ".txt in /tmp", "/claude-one")
Open = Callable[[Path, bool, KeyOptions], Any]


def a_store(folder: Path, first: bool, options: KeyOptions) -> Any:
    return Cache(folder, streams="record", key=options)


def a_cassette(folder: Path, first: bool, options: KeyOptions) -> Any:
    return Cassette(folder, "once" if first else "none", match=options)


def request(place: str, *, stream: bool, more: str = "") -> dict[str, Any]:
    message = {"role": "user", "content": f"<cwd>{place}</cwd> Write to a file.{more}"}
    return {"model": "m", "max_tokens": 9, "stream": stream, "messages": [message]}


def answer(*, stream: bool) -> Answer:
    """A call of a tool, which names the directory of the first run; as a stream, in pieces."""
    text = json.dumps({"path": "".join(CUTS)})
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 1}}
    if not stream:
        block = {"type": "tool_use", "id": "t", "name": "write", "input": json.loads(text)}
        body = json.dumps({**message, "content": [block], "stop_reason": "tool_use"}).encode()
        return Answer(200, {"content-type": "application/json", "etag": '"1"'}, [body])
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    events += [{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "write", "input": {}}}]
    for piece in ('{"path": "', *CUTS, '"}'):
        delta = {"type": "input_json_delta", "partial_json": piece}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    events += [{"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}]
    events.append({"type": "message_stop"})
    body = b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
    return Answer(200, {"content-type": SSE}, [body[at : at + 100] for at in range(0, len(body), 100)])


async def ask(face: Face, cache: Any, url: str, body: dict[str, Any]) -> tuple[bytes, Any]:
    async with face.client(cache) as client:
        reply = await client.post(url + "/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
        assert reply.headers.get("content-length") in (None, str(len(reply.content)))
        return reply.content, reply.cache_status


def path_in(body: bytes) -> str:
    if body.startswith(b"{"):
        path: str = json.loads(body)["content"][0]["input"]["path"]
        return path
    events = [json.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data:")]
    text: str = json.loads("".join(event["delta"].get("partial_json", "") for event in events if "delta" in event))["path"]
    return text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("open_", [a_store, a_cassette])
async def test_the_directory_of_this_run(face: Face, provider: Provider, tmp_path: Path, open_: Open, stream: bool) -> None:
    provider.script = lambda _: answer(stream=stream)
    got = []
    places = ("/tmp/claude-one", "/tmp/claude-two-2", "/tmp/claude-one")
    for place in places:
        with open_(tmp_path / "kept", not got, OPTIONS) as cache:
            got.append(await ask(face, cache, provider.url, request(place, stream=stream)))
    assert provider.calls == 1
    assert [path_in(body) for body, _ in got] == [
        f"{place}/out.txt in {place}" for place in ("/tmp/claude-one", "/tmp/claude-two-2", "/tmp/claude-one")
    ]
    assert got[2][0] == got[0][0]  # what is stored is not changed
    assert [status.detail for _, status in got[1:]] == ["rebound", None]


@pytest.mark.parametrize("open_", [a_store, a_cassette])
async def test_of_a_large_request_too(face: Face, provider: Provider, tmp_path: Path, open_: Open) -> None:
    provider.script = lambda _: answer(stream=True)
    got = []
    for place in ("/tmp/claude-one", "/tmp/claude-two-2"):
        with open_(tmp_path / "kept", not got, OPTIONS) as cache:
            got.append(await ask(face, cache, provider.url, request(place, stream=True, more=" word" * 60_000)))
    assert provider.calls == 1
    assert path_in(got[1][0]) == "/tmp/claude-two-2/out.txt in /tmp/claude-two-2"


@pytest.mark.parametrize("options", [KeyOptions(), KeyOptions(normalize=lambda body: {"model": body["model"]})])
async def test_only_who_asks_for_it(face: Face, provider: Provider, tmp_path: Path, options: KeyOptions) -> None:
    provider.script = lambda _: answer(stream=False)
    got = []
    for place in ("/tmp/claude-one", "/tmp/claude-two-2"):
        with Cache(tmp_path, key=options) as cache:
            got.append((await ask(face, cache, provider.url, request(place, stream=False)))[0])
    assert got[0] == got[1]


async def test_who_follows_an_equal_call(face: Face, provider: Provider, tmp_path: Path) -> None:
    """A call from another directory waits for the first one, and gets its answer."""
    provider.script = lambda _: answer(stream=False)
    with Cache(tmp_path, key=OPTIONS) as cache:
        got = {}

        def asking(place: str) -> Callable[[], Any]:
            async def body() -> None:
                got[place] = path_in((await ask(face, cache, provider.url, request(place, stream=False)))[0])

            return body

        await face.together(asking("/tmp/claude-one"), asking("/tmp/claude-two-2"))
    assert provider.calls == 1
    leader = "/tmp/claude-one" if provider.requests[0].body.count(b"claude-one") else "/tmp/claude-two-2"
    follower = "/tmp/claude-two-2" if leader == "/tmp/claude-one" else "/tmp/claude-one"
    expected = f"{follower}/out.txt in {follower}" if leader == "/tmp/claude-one" else "/tmp/claude-one/out.txt in /tmp/claude-one"
    assert got[follower] == expected
