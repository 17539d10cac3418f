"""The events of a stream are those that a second opinion sees, and a stream is judged alike however it was cut into chunks."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.core.play import ask, head
from tests.fuzz.event_reference import amazon_message, server_sent_events
from tests.fuzz.target import Target
from tests.provider_events import STREAMS
from wirecache._core.event_stream import events_in, split_stream
from wirecache._core.flows.completeness import judge_stream
from wirecache._core.flows.recorder import Decoded, Recorder, Recording
from wirecache._core.keys.canonical import parse_body
from wirecache._core.messages import Chunk
from wirecache._core.privacy.redaction import DEFAULT
from wirecache.cassette._bodies import stream_body, stream_node
from wirecache.cassette._json_reader import Raw, read_json
from wirecache.cassette._json_writer import document_text

SSE, NDJSON, AMAZON = b"text/event-stream", b"application/x-ndjson", b"application/vnd.amazon.eventstream"
LINES = st.sampled_from(
    [
        b"data: a", b"data:a", b"data:  a", b"data", b"data:", b": ping", b":", b"event: x", b"event:y", b"event", b"id: 1", b"retry: 5",
        b"Data: a",
        b"data: [DONE]", b"data:[DONE]", b"data: {}", b'data: {"choices":[{"index":0,"finish_reason":"stop"}]}',
        b'data: {"a":1, "b": [1,2]}',
        b'data: {"type":"message_stop"}', b"event: error", b'data: {"error":{"message":"x"}}', b"\xef\xbb\xbf", b"", b"", b" ",
        b"data : a", b"dat",
        b"\x0b", b"\x0cdata: a", b"data: \x1c", b"data: \xff", b"data: \x85a", b"data: \xe2\x80\xa8b", b'{"done":true}',
        b'{"done":false}', b"{}", b"[1]",
    ]
)  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])
SPELLED = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda lines: b"".join(line + end for line, end in lines))
PROVIDERS = st.sampled_from([b"".join(stream.events) for stream in STREAMS.values()])
HEADS = st.lists(
    st.tuples(st.sampled_from([b":message-type", b":event-type"]), st.sampled_from([b"event", b"exception", b"error", b"chunk", b""])),
    max_size=2,
)
MESSAGES = st.lists(st.tuples(HEADS, st.binary(max_size=8)), max_size=4).map(
    lambda found: b"".join(amazon_message(*message) for message in found)
)


@st.composite
def streams(draw: st.DrawFn) -> dict[str, Any]:
    """A body, whole or not, its declared type, and where it is cut into chunks."""
    body = draw(SPELLED | SPELLED | PROVIDERS | MESSAGES | st.binary(max_size=20))
    if draw(st.booleans()):
        body = body[: draw(st.integers(0, len(body)))]
    if body and not draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + draw(st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"{", b"\xff", b" "])) + body[at + draw(st.integers(0, 1)) :]
    cuts = draw(st.lists(st.integers(0, len(body)), max_size=5).map(sorted)) if draw(st.booleans()) else list(range(len(body)))[:200]
    kind = draw(st.sampled_from([SSE, NDJSON, AMAZON, b"application/stream+json", b"application/json", b"text/plain"]))
    return {
        "kind": kind,
        "body": body,
        "cuts": cuts,
        "ended": draw(st.booleans()),
        "requested": draw(st.booleans()),
        "everything": draw(st.booleans()),
    }


def check_events(case: dict[str, Any]) -> None:
    body, kind = case["body"], case["kind"]
    assert [tuple(event) for event in events_in(SSE, body)] == server_sent_events(body)
    lines = [line.strip() for line in body.split(b"\n")]
    assert [event.data for event in events_in(NDJSON, body)] == [line for line in lines if line]
    for each in (SSE, NDJSON):
        pieces = split_stream(each, body)
        assert pieces is not None
        assert b"".join(pieces) == body
        assert all(pieces)
    for ended in (True, False):
        judge_stream(kind, body, ended)
    whole, cut = recorded(case, [body]), recorded(case, chunks_of(case))
    assert whole == cut, f"in one piece {whole}, in chunks {cut}"


def chunks_of(case: dict[str, Any]) -> list[bytes]:
    ends = [*case["cuts"], len(case["body"])]
    return [case["body"][start:end] for start, end in zip([0, *ends], ends, strict=False)]


def recorded(case: dict[str, Any], chunks: list[bytes]) -> Any:
    """What a recorder makes of these chunks: the reason why not, the usage, and the body that it keeps."""
    declared = {"content-type": case["kind"].decode()}
    body = parse_body(json.dumps({"model": "m", "stream": case["requested"]}).encode(), b"application/json")
    recorder = Recorder(
        Recording(
            "ab" * 32, head(headers=declared), ask(), "chat", "m", body, 10**6, stream=case["kind"] in (SSE, NDJSON, AMAZON),
            is_stream_requested=case["requested"], everything=case["everything"],
        )
    )  # fmt: skip
    for at, chunk in enumerate(chunks):
        recorder.feed_at(chunk, at / 8)
    if case["ended"]:
        recorder.end()
    reason = recorder.refusal_reason(lambda chunks: Decoded(chunks))
    entry = recorder.entry(1000.0, 0.5)
    assert sum(chunk.size for chunk in entry.chunks) in (0, len(case["body"]))
    return reason, recorder.usage, entry.body, entry.ended_by_reader


def check_layout(case: dict[str, Any]) -> None:
    """A stream comes back from its place in a cassette byte for byte, with the times of its events."""
    chunks = [Chunk(len(chunk), round(at / 8, 4)) for at, chunk in enumerate(chunks_of(case)) if chunk]
    if not chunks or DEFAULT.data(case["body"]) != case["body"]:
        return
    node = stream_node(case["body"], case["kind"], chunks, DEFAULT)
    text = document_text({"body": node})
    members = read_json(text, {"body": {"json": Raw, "events": [{"data": Raw}]}})["body"]
    body, back = stream_body(members)
    assert body == case["body"], f"{body!r} from {text}"
    assert sum(chunk.size for chunk in back) == len(body)
    assert [chunk.seconds for chunk in back] == sorted(chunk.seconds for chunk in back)


TARGETS = [Target("events", streams(), check_events), Target("event-layout", streams(), check_layout)]
