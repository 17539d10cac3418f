"""Entries to write: of any bytes, of one answer, and of what a real model server sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.core.jsons import values
from tests.core.play import CHAT, ask, head
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import KeyOptions, key_of
from wirecache._core.messages import Chunk, Entry, Usage, pack_chunks

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
WHEN = 1795227541.482


def recorded(
    body: bytes = b'{"a":1}',
    content_type: str = "application/json",
    *,
    url: str = CHAT,
    method: str = "POST",
    sent: bytes = b'{"model":"m"}',
    sent_as: str = "application/json",
    sent_headers: dict[str, str] | None = None,
    endpoint: str = "chat",
    namespace: str = "",
    sample: int = 0,
    **changes: Any,
) -> Entry:
    """Return the entry that a recorder makes of this exchange."""
    request = ask(url, method, {**({"content-type": sent_as} if sent_as else {}), **(sent_headers or {})})
    body_sent = parse_body(sent, request.fields.get(b"content-type", b""))
    answered = head(200, {"content-type": content_type} if content_type else {})
    key = key_of(request, body_sent, KeyOptions(), namespace, sample)
    made = Recording(
        key, answered, request, endpoint, body_sent.members.get("model"), body_sent, 1 << 26, namespace=namespace, sample=sample
    )
    recorder = Recorder(made._replace(inference=True))
    recorder.end()
    return recorder.entry(WHEN, 0.25)._replace(body=body, **changes)


def streamed(chunks: list[tuple[bytes, float]], content_type: str = "text/event-stream", **changes: Any) -> Entry:
    """Return the entry of a stream whose chunks came at these seconds."""
    body = b"".join(data for data, _ in chunks)
    return recorded(body, content_type, chunk_times=pack_chunks(Chunk(len(data), at) for data, at in chunks), **changes)


def captured(path: Path) -> Entry:
    """Return the exchange of a capture, chunk by chunk as it came from a real server."""
    exchange = json.loads(path.read_text("utf-8"))
    request, response = exchange["request"], exchange["response"]
    sent = json.dumps(request["body"]).encode() if request["body"] is not None else b""
    chunks = [(chunk["text"].encode(), chunk["seconds"]) for chunk in response["chunks"]]
    content_type = dict(response["headers"])["Content-Type"]
    make: Callable[..., Entry] = streamed if "stream" in path.stem else lambda parts, kind, **more: recorded(parts[0][0], kind, **more)
    return make(chunks, content_type, url=f"http://127.0.0.1:8080{request['path']}", method=request["method"], sent=sent)._replace(
        status=response["status"], usage=Usage(3, 4)
    )


def _in_layout(value: Any, layout: int) -> str:
    ways: list[dict[str, Any]] = [{"separators": (",", ":")}, {}, {"indent": 2}, {"indent": "\t"}, {"ensure_ascii": False}]
    return json.dumps(value, **ways[layout])


json_texts = st.builds(_in_layout, values, st.integers(0, 4))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
encoded = st.builds(
    lambda text, encoding: text.encode(encoding, "replace"),
    json_texts | texts,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
)
bodies = encoded | st.binary(max_size=60) | st.binary(min_size=200, max_size=300)

gaps = st.sampled_from([" ", " ", ""])
ends = st.sampled_from(["\n", "\n", "\r\n", "\r"])
names = st.sampled_from([None, None, "message_stop", "content_block_delta", " x", ""])
odd = st.sampled_from(
    [": ping\n\n", "data: [DONE]\n\n", "data: a\ndata: b\n\n", "id: 1\ndata: {}\n\n", "retry: 3\n\n", "\n", "\ufeff", "data:"]
)


def _event(name: str | None, gap: str, end: str, data: str) -> str:
    return (f"event:{gap}{name}{end}" if name is not None else "") + f"data:{gap}{data}{end}{end}"


events = st.builds(_event, names, gaps, ends, json_texts | texts) | odd
sse = st.lists(events.map(str.encode) | st.binary(max_size=8), max_size=6).map(b"".join)
ndjson = st.lists(st.builds(lambda text, end: (text + end).encode(), json_texts, ends), max_size=6).map(b"".join)
streams = (
    st.tuples(sse, st.just("text/event-stream; charset=utf-8"))
    | st.tuples(ndjson, st.just("application/x-ndjson"))
    | st.tuples(bodies, st.sampled_from(["audio/mpeg", "application/vnd.amazon.eventstream", "application/json", ""]))
)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> list[tuple[bytes, float]]:
    """The body in chunks, at rising times."""
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=6)))
    gaps = draw(st.lists(st.floats(0, 10), min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return [(piece, sum(gaps[: at + 1])) for at, piece in enumerate(pieces)]
