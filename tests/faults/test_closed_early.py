"""A caller stops at each point of a body, in each way of reading it: a fragment is never kept, and the next call gets the whole."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.faces.ask import CHAT_PATH, body_of, chat, stops_early
from tests.faces.face import FACES, Face
from tests.faults.seeds import IS_LONG
from tests.provider import CHAT_EVENTS, Answer, Provider, ReceivedRequest
from wirecache import Cache

WAYS: tuple[tuple[Any, ...], ...] = (("iter_raw",), ("iter_bytes",), ("iter_bytes", 16), ("iter_text",), ("iter_lines",))
PIECES = 6


def pieces(data: bytes) -> list[bytes]:
    size = -(-len(data) // PIECES)
    return [data[at : at + size] for at in range(0, len(data), size)]


def answer(request: ReceivedRequest) -> Answer:
    prompt = request.json["messages"][0]["content"]
    if request.json.get("stream"):
        events = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in CHAT_EVENTS]
        return Answer(200, {"content-type": "text/event-stream"}, [*events, b"data: [DONE]\n\n"])
    body = json.dumps(chat(prompt), indent=1).encode()
    if prompt.startswith("coded"):
        return Answer(200, {"content-type": "application/json", "content-encoding": "gzip"}, pieces(gzip.compress(body)))
    return Answer(200, {"content-type": "application/json"}, pieces(body), length=len(body) if prompt.startswith("sized") else None)


@stops_early
async def test_at_each_point(face: Face, provider: Provider, tmp_path: Path) -> None:
    """In one of the ways for each face, or by ``make faults`` in all."""
    provider.script = answer
    ways = WAYS if IS_LONG else [WAYS[FACES.index(face) % len(WAYS)]]
    with Cache(tmp_path, streams="record") as cache:
        async with face.client(cache) as client, face.plain_client() as plain:
            for way in ways:
                for kind in ("sized", "chunked", "coded", "stream"):
                    for point in range(PIECES + 2):
                        body = body_of(f"{kind} {way} {point}", **({"stream": True} if kind == "stream" else {}))
                        whole = (await plain.post(provider.url + CHAT_PATH, json=body)).content
                        async with client.stream("POST", provider.url + CHAT_PATH, json=body) as reply, reply.over(*way) as read:
                            for _ in range(point):
                                await anext(read, None)
                        for _ in range(2):
                            assert (await client.post(provider.url + CHAT_PATH, json=body)).content == whole, (way, kind, point)
                        assert [entry.body for entry in cache.entries()] == [whole], (way, kind, point)
                        cache.clear()
