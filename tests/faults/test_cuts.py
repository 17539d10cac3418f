"""A body that is cut at any byte, in any framing and coding, is never stored; a whole one always is."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import brotli
import pytest
import zstandard

from tests import provider_events as samples
from tests.faces.ask import body_of
from tests.faces.face import FACES, Client, Face
from tests.provider import CHAT, GEMINI, MESSAGE, RESPONSE, Answer, Provider
from wirecache import Cache, CacheStatus

SEED, CUTS = 12, 60  # for each face


@dataclass(frozen=True)
class Body:
    """What a provider sends. ``end``: what a stored stream holds at least, after which only [DONE] or the usage is missing; None: all.

    ``shows_end``: nothing but the body itself is needed to see that it is whole.
    """

    path: str
    kind: str
    data: bytes
    end: bytes | None = None
    stream: bool = False
    shows_end: bool = True


def frame(payload: bytes, event: bytes = b"chunk") -> bytes:
    """A message of Amazon's event stream."""
    header = b"\x0b:event-type\x07" + len(event).to_bytes(2, "big") + event
    prelude = (16 + len(header) + len(payload)).to_bytes(4, "big") + len(header).to_bytes(4, "big")
    start = prelude + crc32(prelude).to_bytes(4, "big") + header + payload
    return start + crc32(start).to_bytes(4, "big")


def events(name: str, end: bytes) -> Body:
    stream = samples.STREAMS[name]
    return Body(stream.path, stream.kind, b"".join(stream.events), end, stream=True, shows_end=not stream.needs_end)


def answer(path: str, value: Any) -> Body:
    return Body(path, "application/json", json.dumps(value, indent=1).encode())


BODIES = {
    "chat": answer("/v1/chat/completions", CHAT),
    "message": answer("/v1/messages", MESSAGE),
    "response": answer("/v1/responses", RESPONSE),
    "gemini": answer("/v1beta/models/m:generateContent", GEMINI),
    "gemini array": answer("/v1beta/models/m:streamGenerateContent", [GEMINI, GEMINI]),
    "embeddings": answer("/v1/embeddings", {"data": [{"index": 0, "embedding": [0.5] * 40}], "usage": {"total_tokens": 1}}),
    "speech": Body("/v1/audio/speech", "audio/mpeg", random.Random(1).randbytes(900), shows_end=False),
    "transcript": Body("/v1/audio/transcriptions", "text/plain", b"hello there " * 40, shows_end=False),
    "frames": Body(
        "/model/m/invoke-with-response-stream",
        "application/vnd.amazon.eventstream",
        b"".join(frame(b"{}" * at) for at in range(9)),
        stream=True,
        shows_end=False,
    ),
    "openai-chat": events("openai-chat", b'"finish_reason": "stop"'),
    "openai-completions": events("openai-completions", b'"finish_reason": "stop"'),
    "openai-responses": events("openai-responses", b"response.completed"),
    "anthropic": events("anthropic", b'"type": "message_stop"}'),
    "gemini-events": events("gemini", b'"finishReason": "STOP"'),
    "cohere": events("cohere", b"message-end"),
    "ollama": events("ollama", b'"done": true'),
    "tgi": events("tgi", b'"finish_reason": "length"'),
}


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "deflate": deflated,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
FRAMINGS = ("length", "chunked", "close", "consistent")


def on_the_wire(body: Body, coding: str, framing: str, cut: float | None) -> bytes:
    """Return the whole response; with ``cut`` (0 to 1) only so much of what follows its head.

    ``consistent``: the body was cut before it was framed, so that HTTP sees nothing of it.
    """
    data, head = CODINGS[coding](body.data), f"HTTP/1.1 200 OK\r\ncontent-type: {body.kind}\r\nconnection: close\r\n"
    if coding != "identity":
        head += f"content-encoding: {coding}\r\n"
    if framing == "consistent" and cut is not None:
        data, cut = data[: int(cut * len(data))], None
    if framing in ("length", "consistent"):
        head += f"content-length: {len(data)}\r\n"
    elif framing == "chunked":
        head += "transfer-encoding: chunked\r\n"
        pieces = [data[at : at + 100] for at in range(0, len(data), 100)]
        data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return head.encode() + b"\r\n" + (data if cut is None else data[: int(cut * len(data))])


def cases(seed: int, count: int) -> Iterator[tuple[str, str, str, float]]:
    """Yield bodies, codings, framings and places, of which HTTP or the body itself shows that it is cut."""
    draw = random.Random(seed)
    while count:
        name, coding, framing = draw.choice(list(BODIES)), draw.choice(list(CODINGS)), draw.choice(FRAMINGS)
        if coding == "identity" and framing == "consistent" and not BODIES[name].shows_end:
            continue
        yield name, coding, framing, draw.random()
        count -= 1


async def send(face: Face, client: Client, provider: Provider, body: Body, text: str) -> CacheStatus | None:
    """Return what the cache says of the exchange; None where the HTTP library has seen the cut."""
    payload = body_of(text, **({"stream": True} if body.stream else {}))
    try:
        return (await client.post(provider.url + body.path, json=payload)).cache_status
    except (face.http.RemoteProtocolError, face.http.ReadError, face.http.DecodingError):
        return None


async def test_a_cut_body_is_never_stored(face: Face, provider: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path, streams="record") as cache:
        async with face.client(cache) as client:
            for number, (name, coding, framing, cut) in enumerate(cases(SEED + crc32(str(face).encode()), CUTS)):
                raw = on_the_wire(BODIES[name], coding, framing, cut)
                provider.script = lambda _, raw=raw: Answer(raw=raw)  # type: ignore[misc]
                await send(face, client, provider, BODIES[name], f"{name} {number}")
                cache.flush()
                for entry in cache.entries():
                    assert (BODIES[name].end or BODIES[name].data) in entry.body, (name, coding, framing, cut)
                cache.clear()


def a_third_of_the_bodies(turn: int) -> list[tuple[str, Body]]:
    """Each turn has others, so that two faces have each body in each coding and framing, and each face has each body."""
    return list(BODIES.items())[turn % 3 :: 3]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("coding", CODINGS)
async def test_a_whole_body_is_always_stored(face: Face, provider: Provider, tmp_path: Path, coding: str, framing: str) -> None:
    with Cache(tmp_path, streams="record") as cache:
        async with face.client(cache) as client:
            for name, body in a_third_of_the_bodies(FACES.index(face) + list(CODINGS).index(coding) + FRAMINGS.index(framing)):
                raw = on_the_wire(body, coding, framing, None)
                provider.script = lambda _, raw=raw: Answer(raw=raw)  # type: ignore[misc]
                status = await send(face, client, provider, body, name)
                shown = body.shows_end or framing != "close" or coding != "identity"
                assert (status is not None and status.stored) is shown, (name, status)
