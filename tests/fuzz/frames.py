"""An entry comes back from its frame as it was; whatever else lies in a store is answered from upstream, or as an answer without a fault.

A frame that somebody else wrote may have a right checksum, so the second target damages one and mends the checksum.
"""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
from hypothesis import strategies as st

from tests.fuzz.target import Target
from wirecache import Cache, MemoryStore, make_key
from wirecache._core import codec
from wirecache._core.messages import Chunk, Entry, RequestSummary, Usage, pack_chunks
from wirecache._core.unset import UNSET
from wirecache.httpx import cached_client

URL = "https://api.example/v1/chat/completions"
QUESTION = b'{"messages":[{"content":"hi","role":"user"}],"model":"m"}'
KEY = make_key("POST", URL, {"content-type": "application/json"}, QUESTION)
LIVE = b'{"choices":[{"finish_reason":"stop","message":{"content":"live"}}]}'

NAMES = st.binary(max_size=8).map(lambda raw: b"x" + raw.replace(b"\0", b""))
VALUES = st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b""))
SECONDS = st.floats(allow_nan=False, allow_infinity=False)
BODIES = st.binary(max_size=40) | st.sampled_from([LIVE, b"data: {}\n\n", b"[DONE]", b"{"])
HEADERS = st.lists(
    st.tuples(NAMES, VALUES)
    | st.sampled_from([(b"content-type", b"application/json"), (b"content-type", b"text/event-stream"), (b"content-length", b"7")]).map(
        tuple
    ),
    max_size=4,
)
CODED = st.sampled_from([[], [], [(b"content-encoding", b"gzip")], [(b"Content-Encoding", b"br")], [(b"transfer-encoding", b"chunked")]])
ENTRIES = st.fixed_dictionaries(
    {
        "status": st.integers(0, 65535) | st.sampled_from([200, 204, 304, 500]),
        "headers": HEADERS,
        "body": BODIES,
        "coded": CODED,
        "stored_at": SECONDS | st.sampled_from([0.0, 1.8e9, 1e12]),
        "seconds": SECONDS | st.just(0.5),
        "http_version": st.sampled_from([b"HTTP/1.1", b"HTTP/2", b"", b"\xff\xff", b"12345678"]),
        "usage": st.none() | st.lists(st.integers(0, 2**63 - 1), min_size=7, max_size=7),
        "ttl": st.sampled_from(["unset", "never"]) | SECONDS,
        "summary": st.sampled_from(
            [
                RequestSummary("POST", URL, "chat", "m", {}).to_bytes(),
                b"",
                b"{}",
                b"[]",
                b"null",
                b"\xff",
                b'{"method":1,"url":2,"endpoint":[],"model":{},"fields":3}',
            ]
        )
        | st.binary(max_size=20),
        "request_body": st.binary(max_size=20),
        "chunks": st.lists(st.tuples(st.integers(0, 2**32 - 1) | st.integers(0, 20), SECONDS | st.floats()), max_size=3),
    }
)
DAMAGE = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "number"]), st.integers(0, 400), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)


def entry_of(case: dict[str, Any]) -> Entry:
    ttl: Any = {"unset": UNSET, "never": None}.get(case["ttl"], case["ttl"]) if isinstance(case["ttl"], str) else case["ttl"]
    return Entry(
        KEY, case["status"], tuple((name, value) for name, value in [*case["headers"], *case.get("coded", ())]), case["body"],
        case["stored_at"], case["seconds"],
        case["http_version"], Usage(*case["usage"]) if case["usage"] else None, ttl, case["summary"], case["request_body"],
        pack_chunks(Chunk(*chunk) for chunk in case["chunks"]),
    )  # fmt: skip


def check_whole(case: dict[str, Any]) -> None:
    """An entry is its frame's, and a store that has it answers all that is asked of it."""
    made = entry_of(case)
    if b"content-encoding" in [name.lower() for name, _ in made.headers]:
        return
    back = codec.decode(KEY, codec.encode(made))
    comparable = made._replace(http_version=made.http_version.rstrip(b"\0"))
    assert back._replace(request_body=bytes(back.request_body)) == comparable, f"{back} is not {comparable}"
    ask(codec.encode(made))


def check_damaged(case: dict[str, Any]) -> None:
    """A value that somebody else wrote is an entry, or none; nothing that is asked of the cache fails by it."""
    frame = bytearray(codec.encode(entry_of(case["entry"])))
    for what, at, data in case["damage"]:
        at %= len(frame) + 1
        match what:
            case "flip":
                frame[at : at + len(data)] = data[: len(frame) - at]
            case "cut":
                del frame[at:]
            case "insert":
                frame[at:at] = data
            case _:  # in the block of numbers
                at = 36 + at % 128
                frame[at : at + len(data)] = data
    value = bytes(frame)
    if case["mended"] and len(value) > 36:
        value = value[:4] + hashlib.sha256(value[36:]).digest() + value[36:]
    try:
        codec.decode(KEY, value)
    except codec.Damaged:
        pass
    ask(value)


def ask(value: bytes) -> None:
    """Ask a cache with this value in its store all that can be asked."""
    store = MemoryStore()
    store.set(KEY, value, ttl=None)
    with Cache(store, streams="record", stale_if_error="1d") as cache:
        transport = httpx.MockTransport(
            lambda request: httpx.Response(200, headers={"content-type": "application/json"}, stream=httpx.ByteStream(LIVE))
        )
        list(cache.entries())
        cache.get(KEY)
        with cached_client(cache, transport=transport) as client:
            for control in ("only-if-cached", "max-stale", "max-age=5", ""):
                response = client.post(URL, content=QUESTION, headers={"content-type": "application/json", "cache-control": control})
                assert response.extensions["wirecache"].detail != "config-error"
        cache.prune()
        str(cache.stats)


TARGETS = [
    Target("frames", ENTRIES, check_whole),
    Target("damaged-frames", st.fixed_dictionaries({"entry": ENTRIES, "damage": DAMAGE, "mended": st.booleans()}), check_damaged),
]
