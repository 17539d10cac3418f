"""Whatever a server sends: a call on a cache comes out as one of the plain client, and what is reused is what that client got, whole."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import brotli
import pytest
import zstandard

from tests.faces.ask import CHAT_PATH, body_of, stops_early
from tests.faces.face import FACES, Client, Face
from tests.faults.seeds import IS_LONG, seeds
from tests.faults.wire import End, Sent, WireServer
from tests.provider import CHAT, CHAT_EVENTS
from wirecache import Cache, MemoryStore

BODY = json.dumps(CHAT).encode()
EVENTS = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in CHAT_EVENTS) + b"data: [DONE]\n\n"
JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"
EVIL = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nevil"
OWN = ("cache-status", "age")  # headers that the cache adds


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return status + b"\r\n" + JSON + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def sized(body: bytes, *lines: bytes) -> bytes:
    return head(b"content-length: %d" % len(body), *lines) + body


def chunked(*pieces: bytes, last: bytes = b"0\r\n\r\n", lines: tuple[bytes, ...] = ()) -> bytes:
    return head(b"transfer-encoding: chunked", *lines) + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + last


def resets() -> Iterator[tuple[str, Sent]]:
    for framing, whole in {
        "length": sized(BODY),
        "chunked": chunked(BODY[:90], BODY[90:]),
        "close": head(b"connection: close") + BODY,
    }.items():
        start = whole.index(b"\r\n\r\n") + 4
        places = {"before": 0, "in the status": 9, "in the head": start - 20, "after the head": start, "in the body": start + 95}
        for place, at in {**places, "before the end": len(whole) - 1, "after it": len(whole)}.items():
            for end in (End.RESET, End.CLOSE):
                yield f"{framing}, {end.value} {place}", Sent([whole[:at]], end)


LENGTHS = {
    "too short": sized(BODY).replace(b"length: %d" % len(BODY), b"length: 20"),
    "zero": sized(BODY).replace(b"length: %d" % len(BODY), b"length: 0"),
    "too long": sized(BODY).replace(b"length: %d" % len(BODY), b"length: %d" % (len(BODY) + 5)),
    "negative": sized(BODY).replace(b"length: %d" % len(BODY), b"length: -1"),
    "no number": sized(BODY).replace(b"length: %d" % len(BODY), b"length: many"),
    "plus sign": sized(BODY).replace(b"length: %d" % len(BODY), b"length: +%d" % len(BODY)),
    "huge": sized(BODY).replace(b"length: %d" % len(BODY), b"length: 99999999999999999999"),
    "two of one value": head(b"content-length: %d" % len(BODY), b"content-length: %d" % len(BODY)) + BODY,
    "two in one line": head(b"content-length: %d, %d" % (len(BODY), len(BODY))) + BODY,
    "two of two values": head(b"content-length: %d" % len(BODY), b"content-length: 20") + BODY,
    "both framings": chunked(BODY, lines=(b"content-length: %d" % len(BODY),)),
    "both framings, length short": chunked(BODY, lines=(b"content-length: 20",)),
    "both framings, length first": head(b"content-length: 20", b"transfer-encoding: chunked") + b"14\r\n" + BODY[:20] + b"\r\n0\r\n\r\n",
    "both framings, no chunks": head(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked") + BODY,
    "another answer behind it": sized(BODY) + EVIL,
    "another answer behind the chunks": chunked(BODY) + EVIL,
    "another answer in the body": head(b"content-length: %d" % len(BODY[:20])) + BODY[:20] + EVIL,
}
CHUNKS = {
    "no hex": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"zz\r\n"),
    "negative": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"-1\r\n"),
    "too long": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"%x\r\n" % (len(BODY) + 9)),
    "too short": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"%x\r\n" % (len(BODY) - 9)),
    "huge": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"ffffffffffffffffff\r\n"),
    "extension": chunked(BODY).replace(b"%x\r\n" % len(BODY), b"%x;a=b\r\n" % len(BODY)),
    "bare line feeds": chunked(BODY).replace(b"\r\n%b\r\n" % BODY, b"\n%b\n" % BODY),
    "trailers": chunked(BODY, last=b"0\r\nx-sum: 1\r\ncontent-length: 3\r\n\r\n"),
    "no end": chunked(BODY, last=b""),
    "half an end": chunked(BODY, last=b"0\r\n"),
    "an end in between": chunked(BODY[:50], b"", BODY[50:]),
    "one byte each": chunked(*(BODY[at : at + 1] for at in range(len(BODY)))),
    "coded framing": chunked(BODY).replace(b"encoding: chunked", b"encoding: gzip, chunked"),
    "identity framing": head(b"transfer-encoding: identity") + BODY,
    "twice chunked": chunked(BODY).replace(b"encoding: chunked", b"encoding: chunked, chunked"),
}


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODED = {b"gzip": gzip.compress(BODY), b"deflate": deflated(BODY), b"br": brotli.compress(BODY), b"zstd": zstandard.compress(BODY)}


def codings() -> Iterator[tuple[str, bytes]]:
    for coding, data in CODED.items():
        line = b"content-encoding: " + coding
        for what, body in {
            "garbage behind it": data + b"garbage",
            "a second one behind it": data + data,
            "zeros behind it": data + bytes(20),
            "one byte short": data[:-1],
            "a changed byte": data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1 :],
            "nothing": b"",
            "not coded": BODY,
        }.items():
            yield f"{coding.decode()}, {what}", sized(body, line)
            yield f"{coding.decode()}, {what}, chunked", chunked(*filter(None, (body[:30], body[30:])), lines=(line,))
    yield "gzip and gzip", sized(gzip.compress(CODED[b"gzip"]), b"content-encoding: gzip, gzip")
    yield "gzip and gzip, once", sized(CODED[b"gzip"], b"content-encoding: gzip, gzip")
    yield "gzip and what nobody knows", sized(CODED[b"gzip"], b"content-encoding: snappy, gzip")


HEADS = {
    "10,000 headers": sized(BODY, *(b"%x: 1" % at for at in range(10_000))),  # below 100 KB: beyond, h11 refuses what comes in slowly
    "900 headers": sized(BODY, *(b"x-%d: %d" % (at, at) for at in range(900))),
    "a header of 90 KB": sized(BODY, b"x-long: " + b"y" * 90_000),
    "a header of 1 MB": sized(BODY, b"x-long: " + b"y" * 1_000_000),
    "folded": sized(BODY, b"x-folded: one", b" two"),
    "not ASCII": sized(BODY, b"x-name: \xe9 \xff"),
    "zero bytes": sized(BODY, b"x-zero: a\x00b"),
    "no name": sized(BODY, b": value"),
    "no colon": sized(BODY, b"nonsense"),
    "an empty value": sized(BODY, b"x-empty:"),
    "one name often": sized(BODY, *[b"x-many: 1"] * 50, b"set-cookie: a=1", b"set-cookie: b=2"),
    "its own cache status": sized(BODY, b"cache-status: wirecache; hit; ttl=9", b"age: 5"),
    "bare line feeds": sized(BODY).replace(b"\r\n", b"\n"),
    "no reason": sized(BODY).replace(b"200 OK", b"200"),
    "no status": sized(BODY).replace(b"200 OK", b"OK"),
    "status 999": sized(BODY).replace(b"200 OK", b"999 Odd"),
    "status 99": sized(BODY).replace(b"200 OK", b"99 Odd"),
    "HTTP/1.0": sized(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/3.0": sized(BODY).replace(b"HTTP/1.1", b"HTTP/3.0"),
    "HTTP/1.0 to its end": head(status=b"HTTP/1.0 200 OK") + BODY,
    "50 interim answers": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 50 + sized(BODY),
    "an interim answer alone": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n" + BODY,
    "204 with a body": sized(BODY).replace(b"200 OK", b"204 No Content"),
    "304 with a body": sized(BODY).replace(b"200 OK", b"304 Not Modified"),
    "garbage": bytes(range(256)) * 4,
    "an empty line before": b"\r\n" + sized(BODY),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
}

CASES: dict[str, Sent] = {
    **dict(resets()),
    **{f"length: {name}": Sent([raw]) for name, raw in LENGTHS.items()},
    **{f"length: {name}, kept": Sent([raw], End.KEEP) for name, raw in LENGTHS.items() if "another answer" in name},
    **{f"chunks: {name}": Sent([raw]) for name, raw in CHUNKS.items()},
    **{f"coding: {name}": Sent([raw]) for name, raw in codings()},
    **{f"head: {name}": Sent([raw]) for name, raw in HEADS.items()},
    "a byte at a time": Sent([bytes([byte]) for byte in sized(BODY)]),
    "a byte at a time, chunked": Sent([bytes([byte]) for byte in chunked(BODY[:90], BODY[90:])]),
    "a byte at a time, then silence": Sent([bytes([byte]) for byte in sized(BODY)[:-1]], End.SILENCE),
    "silence": Sent([], End.SILENCE),
    "silence in the head": Sent([sized(BODY)[:30]], End.SILENCE),
    "silence after the head": Sent([head(b"content-length: 9")], End.SILENCE),
    "silence instead of the last chunk": Sent([chunked(BODY, last=b"")], End.SILENCE),
}


class Outcome(NamedTuple):
    """What a caller sees of a call: an exception, or an answer."""

    error: str = ""
    status: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


@pytest.fixture
def server() -> Iterator[WireServer]:
    running = WireServer()
    yield running
    running.close()


async def call(face: Face, client: Client, url: str, text: str, patience: float) -> tuple[Outcome, Any]:
    """Return what came out, and what the cache did."""
    timeout = face.http.Timeout(30, read=patience)
    try:
        reply = await client.post(url + CHAT_PATH, json=body_of(text, stream=True), timeout=timeout)
    except Exception as error:
        # a reset is either, as its last bytes are read before it or with it
        name = type(error).__name__
        return Outcome("broken" if name in ("ReadError", "RemoteProtocolError") else name), None
    headers = tuple((name, value) for name, value in reply.headers.raw if name.decode().lower() not in OWN)
    return Outcome("", reply.status_code, headers, reply.content), reply.extensions.get("wirecache")


def is_whole_stream(body: bytes) -> bool:
    """Return whether its last event has passed: then it is kept, whatever comes after, as an SDK stops there."""
    return b"data: [DONE]" in body


def both_failed_at_a_reset(sent: Sent, *outcomes: Outcome) -> bool:
    """Return whether all failed, perhaps differently: bytes that cannot be decoded are read before a reset that follows them, or not."""
    return sent.end is End.RESET and all(outcome.error for outcome in outcomes)


async def differs(face: Face, server: WireServer, sent: Sent) -> str | None:
    """Send it to a plain client and to one on a cache, twice; return what is not as it must be."""
    server.answer = sent
    patience = 0.1 if sent.end is End.SILENCE else 30
    # Where the server closes, whether that is seen before the next request is sent is a matter of luck, with or without a cache.
    limits, bodies = face.http.Limits(max_keepalive_connections=None if sent.end is End.KEEP else 0), set()
    cache = Cache(MemoryStore(), streams="record")
    plain_client, client = face.plain_client(limits=limits), face.client(cache, limits=limits)
    async with plain_client, client:
        for text in ("one", "two"):  # the second on the same connection, where that is kept
            plain, _ = await call(face, plain_client, server.url, text, patience)
            cached, _ = await call(face, client, server.url, text, patience)
            if not plain.error:
                bodies.add(plain.body)
            if plain != cached and not both_failed_at_a_reset(sent, plain, cached):
                return f"{text}: {plain} without, {cached} with"
        again, status = await call(face, client, server.url, "two", patience)
        if (
            status is not None
            and status.hit
            and (again.status, again.body) != (plain.status, plain.body)
            and not is_whole_stream(again.body)
        ):
            return f"reused: {again}, which was {plain}"
        fails_otherwise = again.error != plain.error and not both_failed_at_a_reset(sent, plain, again)
        if sent.end is not End.SILENCE and fails_otherwise and not is_whole_stream(again.body):
            return f"again: {again}, which was {plain}"
        for entry in cache.entries():
            if entry.body not in bodies and not is_whole_stream(entry.body):
                return f"kept: {entry.body!r} of {plain}"
    return None


@stops_early
async def test_a_call_comes_out_as_without_a_cache(face: Face, server: WireServer) -> None:
    """Each case on some of the faces, or by ``make faults`` on each."""
    turn = FACES.index(face)
    chosen = [name for number, name in enumerate(CASES) if IS_LONG or number % len(FACES) == turn]
    found = {name: await differs(face, server, CASES[name]) for name in chosen}
    assert {name: difference for name, difference in found.items() if difference} == {}


def mutated(draw: random.Random) -> Sent:
    """Return an answer of which some bytes were changed, left out, doubled or put elsewhere."""
    events = sized(EVENTS).replace(JSON, SSE)
    coding, data = draw.choice(list(CODED.items()))
    whole = [
        sized(BODY),
        chunked(BODY[:90], BODY[90:]),
        events,
        head(b"connection: close") + BODY,
        sized(data, b"content-encoding: " + coding),
    ]
    raw = bytearray(draw.choice(whole))
    for _ in range(draw.randrange(1, 4)):
        at, size = draw.randrange(len(raw)), draw.randrange(1, 12)
        match draw.randrange(5):
            case 0:
                raw[at] ^= 1 << draw.randrange(8)
            case 1:
                del raw[at : at + size]
            case 2:
                raw[at:at] = raw[at : at + size]
            case 3:
                raw[at:at] = draw.randbytes(size)
            case 4:
                del raw[at:]
        if not raw:
            break
    cut = draw.randrange(len(raw) + 1)
    return Sent([piece for piece in (bytes(raw[:cut]), bytes(raw[cut:])) if piece], draw.choice([End.CLOSE, End.RESET]))


@stops_early
async def test_an_answer_that_was_changed_anywhere(face: Face, server: WireServer) -> None:
    for seed in seeds(30):
        draw = random.Random(seed * 1000 + crc32(str(face).encode()))
        sent = mutated(draw)
        assert await differs(face, server, sent) is None, (seed, sent)


async def test_a_body_of_100_mb_passes(face: Face, server: WireServer, tmp_path: Path) -> None:
    """It is neither stored nor kept in memory."""
    piece, count = b"x" * 1_000_000, 100 if IS_LONG or str(face) == "httpx-sync" else 70  # the limit is 64 MiB
    length = b"content-length: %d" % (len(piece) * count)
    with Cache(tmp_path) as cache:
        async with face.client(cache) as client:
            for framing in ("length", "chunked"):
                if framing == "length":
                    server.answer = Sent([head(length), *[piece] * count], End.KEEP)
                else:
                    coded = b"%x\r\n%b\r\n" % (len(piece), piece)
                    server.answer = Sent([head(b"transfer-encoding: chunked"), *[coded] * count, b"0\r\n\r\n"], End.KEEP)
                size = 0
                async with client.stream("POST", server.url + CHAT_PATH, json=body_of(framing)) as reply:
                    async with reply.over("iter_raw") as pieces:
                        async for got in pieces:
                            size += len(got)
                    assert size == len(piece) * count
                assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "too-large")
        assert not list(cache.entries())
