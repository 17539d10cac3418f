"""Stores and cassettes to look at: what an application of some days has, of several providers, made up and the same in each run."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wirecache import DiskStore, make_key
from wirecache._core import codec
from wirecache._core.llm.usage import usage_of
from wirecache._core.messages import Chunk, Entry, RequestSummary, Usage, pack_chunks
from wirecache._core.unset import UNSET
from wirecache.cassette._directory import Directory

NOW = 1_795_000_000.0  # seconds; all ages count from here unless a test says otherwise
OPENAI = "https://api.openai.com/v1/chat/completions"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
RESPONSES = "https://api.openai.com/v1/responses"
EMBEDDINGS = "https://api.openai.com/v1/embeddings"

ENDPOINTS = {OPENAI: "chat", ANTHROPIC: "messages", GEMINI: "generate-content", RESPONSES: "responses", EMBEDDINGS: "embeddings"}


def exchange(
    url: str, body: dict[str, Any], answer: Any, *, age: float = 0, now: float = NOW, seconds: float = 1.2, **changes: Any
) -> Entry:
    """Return the entry of a call. ``answer``: JSON, or bytes for anything else."""
    raw = json.dumps(body).encode()
    model = body.get("model") or url.rpartition("/models/")[2].partition(":")[0] or None
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    entry = Entry(
        key=make_key("POST", url, {}, raw),
        status=200,
        headers=((b"content-type", b"application/json"), (b"x-request-id", b"req_8f2c")),
        body=content,
        stored_at=now - age,
        seconds=seconds,
        http_version=b"HTTP/1.1",
        usage=None if isinstance(answer, bytes) else usage_of(answer),
        ttl=UNSET,
        summary=RequestSummary("POST", url, ENDPOINTS.get(url, "chat"), model, {}).to_bytes(),
        request_body=raw,
    )
    return entry._replace(**changes)


def chat(
    prompt: str, text: str, *, model: str = "gpt-4o", system: str = "You are a careful assistant.", tokens: int = 40, **changes: Any
) -> Entry:
    """Return the entry of an OpenAI chat."""
    body = {"model": model, "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}]}
    return exchange(OPENAI, body, chat_answer(text, tokens + len(prompt) // 4, len(text) // 4), **changes)


def chat_answer(text: str, read: int, wrote: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "chatcmpl-1", "choices": [choice], "usage": {"prompt_tokens": read, "completion_tokens": wrote}}


def stream(prompt: str, words: Iterable[str], *, pace: float = 0.04, model: str = "gpt-4o-mini", **changes: Any) -> Entry:
    """Return the entry of a streamed chat: an event for each word, ``pace`` seconds apart, with a pause in the middle."""
    pieces = [_event({"choices": [{"index": 0, "delta": {"content": word}}]}) for word in words]
    pieces.append(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    pieces.append(b"data: [DONE]\n\n")
    chunks = [Chunk(len(piece), 0.42 + pace * at + (0.6 if at > len(pieces) // 2 else 0)) for at, piece in enumerate(pieces)]
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = ((b"content-type", b"text/event-stream"),)
    more: dict[str, Any] = {"headers": headers, "chunk_times": pack_chunks(chunks), "usage": Usage(18, len(pieces))}
    return exchange(OPENAI, body, b"".join(pieces), seconds=chunks[-1].seconds, **{**more, **changes})


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


ANSWER = """The cache answers a repeated call **before** it reaches the network:

1. The request becomes a key (method, path, canonical body).
2. An entry under that key that is still fresh is replayed, byte for byte.
3. Anything else goes upstream, and its answer is stored once it is whole.

```python
from wirecache import cached_client

client = OpenAI(http_client=cached_client())
```

| call | goes out | takes |
|---|---|---|
| first | yes | 1,240 ms |
| second | no | 1 ms |

See [RFC 9111](https://www.rfc-editor.org/rfc/rfc9111) for the words that are used."""


def weather_run(now: float = NOW, age: float = 7200) -> Iterator[Entry]:
    """Yield the calls of an agent that uses tools, each beginning with the messages of the one before."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Should I take an umbrella to Lisbon or to Bergen tomorrow?"}]
    cities = [("Lisbon", {"rain": 0.05, "high": 24}), ("Bergen", {"rain": 0.92, "high": 9, "wind": "strong, south-west"})]
    for number, (city, report) in enumerate(cities):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "get_weather", "input": {"city": city, "day": "tomorrow"}}
        thought = {"type": "thinking", "thinking": f"I need the forecast for {city} before I can say anything.", "signature": "c2ln"}
        yield _claude(messages, [thought, call], "tool_use", now=now, age=age - 20 * number)
        messages = [*messages, {"role": "assistant", "content": [thought, call]}]
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": json.dumps(report)}
        messages = [*messages, {"role": "user", "content": [result]}]
    text = "Take it to **Bergen**: rain is nearly certain there (92 %), with strong wind. Lisbon stays dry at 24 degrees."
    yield _claude(messages, [{"type": "text", "text": text}], "end_turn", now=now, age=age - 45)


def _claude(messages: list[dict[str, Any]], content: list[Any], reason: str, **changes: Any) -> Entry:
    tool = {"name": "get_weather", "description": "The forecast of a city", "input_schema": {"type": "object"}}
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "system": "You give short advice.", "tools": [tool], "messages": messages}
    read = 380 + 60 * len(messages)
    usage = {"input_tokens": read, "output_tokens": 74, "cache_read_input_tokens": 256}
    return exchange(ANTHROPIC, body, {"type": "message", "content": content, "stop_reason": reason, "usage": usage}, seconds=2.3, **changes)


def picture(width: int = 96, height: int = 64) -> bytes:
    """Return a PNG: a gradient."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (60 + x, 90 + y, 200 - x)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def entries(now: float = NOW) -> Iterator[Entry]:
    """Yield what the sample store holds."""
    yield chat("How does the cache decide whether a call goes out?", ANSWER, now=now, age=300, seconds=1.24)
    yield from weather_run(now)
    yield stream(
        "Write a haiku about a slow network.",
        ["Packets", " in", " the", " rain,", " wait", " at", " a", " crowded", " crossing.", " Dawn.", " One", " ack", " returns."],
        now=now,
        age=5400,
    )
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    parts = [{"type": "text", "text": "What is in this picture?"}, {"type": "image_url", "image_url": {"url": url}}]
    image = {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}
    yield exchange(OPENAI, image, chat_answer("A smooth gradient from dark blue to rose; no objects.", 310, 14), now=now, age=9000)
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Give me three names for a grey cat, as JSON."}]}]}
    names = json.dumps({"names": [{"name": "Ash", "why": "the colour"}, {"name": "Fog"}, {"name": "Pebble"}]})
    part = {"content": {"role": "model", "parts": [{"text": names}]}, "finishReason": "STOP"}
    counts = {"promptTokenCount": 12, "candidatesTokenCount": 41}
    yield exchange(GEMINI, gemini, {"candidates": [part], "usageMetadata": counts}, now=now, age=20_000, seconds=0.8)
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Compare both sums first."}]}
    output = [thought, _written("The second offer is cheaper by 14 euros a year.")]
    first = {"id": "resp_1", "output": output, "usage": {"input_tokens": 92, "output_tokens": 51}}
    yield exchange(
        RESPONSES, {"model": "gpt-5-mini", "input": "Which of these two offers is cheaper over a year?"}, first, now=now, age=30_000
    )
    second = {"model": "gpt-5-mini", "input": "And over three years?", "previous_response_id": "resp_1"}
    more = [_written("Still the second, by 42 euros.")]
    yield exchange(
        RESPONSES, second, {"id": "resp_2", "output": more, "usage": {"input_tokens": 150, "output_tokens": 12}}, now=now, age=29_900
    )
    vectors = {"data": [{"index": 0, "embedding": [0.01, -0.2, 0.33]}], "usage": {"prompt_tokens": 9, "total_tokens": 9}}
    yield exchange(
        EMBEDDINGS, {"model": "text-embedding-3-small", "input": "a sentence to be found again"}, vectors, now=now, age=40_000, seconds=0.2
    )
    yield chat("What is the capital of Australia?", "Canberra.", now=now, age=700_000, seconds=0.6)
    yield chat("Summarise the release notes of 2026-11-21.", "Faster start, two fixes, one new command.", now=now, age=50_000, seconds=1.9)
    yield chat("Summarise the release notes of 2026-11-28.", "One new page, and a faster search.", now=now, age=600, seconds=1.7)


def _written(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def write_store(folder: Path, found: Iterable[Entry], history: bool = False, now: float = NOW) -> Path:
    """Write a disk store with these entries, in one transaction; with ``history``, with statistics of two weeks, too."""
    store = DiskStore(folder)
    store.get("0" * 64)
    cache: Any = store._breaker.current
    written = list(found)
    with cache.connection.lock, cache.transact():
        for one in written:
            cache.set(one.key, codec.encode(one), expire=None)
    if history:
        store.add_history(_statistics(int(now) // 86_400))
        store.add_hits({one.key: 3 * number % 23 for number, one in enumerate(written)})
    store.close()
    return folder


def _statistics(today: int) -> Iterator[tuple[object, ...]]:
    labels = (
        ("api.openai.com", "chat", "gpt-4o", 1.0),
        ("api.anthropic.com", "messages", "claude-sonnet-4-5", 0.6),
        ("localhost", "chat", "local-7b", 0.2),
    )
    for back in range(14):
        for host, endpoint, model, share in labels:
            calls = round((90 - 5 * back + 17 * (back % 3)) * share)
            hits = round(calls * (0.75 - 0.03 * back))
            missed = calls - hits
            amounts = {
                "hits": hits, "misses": missed, "stored": missed, "bypassed:stream": calls // 9, "seconds_saved": 1.4 * hits,
                "seconds_spent": 1.5 * missed, "saved": hits, "saved.input": 900 * hits, "saved.output": 210 * hits, "billed": missed,
                "billed.input": 900 * missed, "billed.output": 210 * missed,
            }  # fmt: skip
            for name, amount in amounts.items():
                yield today - back, host, endpoint, model, "", 0, name, amount


def write_cassettes(root: Path, now: float = NOW) -> Path:
    """Write the cassettes of three tests, one of them old."""
    run = list(weather_run(now, age=100_000))
    for name, found in {
        "test_agent/test_umbrella": run,
        "test_agent/test_capital": [chat("What is the capital of Australia?", "Canberra.", now=now, age=200 * 86_400)],
        "test_chat/test_greeting": [chat("Say hello.", "Hello! How can I help?", now=now, age=3000)],
    }.items():
        directory = Directory(root / name)
        for entry in found:
            directory.add(entry)
    return root


def hostile_entries(now: float = NOW) -> Iterator[Entry]:
    """Yield exchanges whose texts attack the page that shows them."""
    script = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"><svg onload=\"document.title='taken'\">"
    yield chat(
        f"{script} </textarea></pre></code>{{{{ 7*7 }}}}",
        f"{script}\n\n[a](javascript:document.title='taken') ![p](https://evil.example/p.png)",
        now=now,
    )
    yield chat(
        "\u202egnp.exe \x1b[31mred\x1b[0m \x00\x07",
        "\u202ereversed\u202c \x1b]0;title\x07 \u2066iso\u2069 \u05e9\u05dc\u05d5\u05dd",
        now=now,
        age=10,
    )
    yield chat("A large answer", "word " * 1_000_000, now=now, age=20)
    yield chat("Huge base64", "QUJD" * 500_000, now=now, age=30)
    yield stream("Ten thousand events", [f"w{number} " for number in range(10_000)], pace=0.001, now=now, age=40)
    yield exchange(
        OPENAI, {"model": "\ud800<b>m</b>", "messages": [{"role": "<i>r</i>", "content": "\ud800"}]}, b"\xff\xfe\x00\x01", now=now, age=50
    )
    nested: Any = "x"
    for _ in range(400):
        nested = [nested]
    yield exchange(
        OPENAI,
        {"model": "deep", "messages": [{"role": "user", "content": nested}], "input": nested},
        chat_answer("> " * 3000, 1, 1),
        now=now,
        age=60,
    )
    svg = "data:image/svg+xml;base64," + base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
    parts = [
        {"type": "image_url", "image_url": {"url": svg}},
        {"type": "image_url", "image_url": {"url": "https://evil.example/track.png"}},
    ]
    yield exchange(OPENAI, {"model": "svg", "messages": [{"role": "user", "content": parts}]}, chat_answer("**ok**", 1, 1), now=now, age=70)
