"""Where an answer quotes a value: in JSON, in JSON within JSON, and in the pieces of a stream, however they are cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import entry, quick
from wirecache._core.event_stream import events_in
from wirecache._core.llm.quotations import quotes, requoted
from wirecache._core.messages import Chunk, Entry, pack_chunks

OLD, NEW = "/tmp/claude-abc", "/tmp/claude-longer-1"
VALUES = {OLD: NEW, "/tmp/b": "/tmp/claude-abc", r"C:\Users\me\Temp\x1": r"D:\Temp\é2"}


def after(body: bytes, kind: str = "application/json", **changes: Any) -> bytes:
    return requoted(entry(body=body, headers=((b"content-type", kind.encode()),), **changes), VALUES).body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"cd {OLD}/x && ls", f"cd {NEW}/x && ls"),
        (f"It is {OLD}.", f"It is {NEW}."),
        (f"{OLD}, (file://{OLD}) `{OLD}`", f"{NEW}, (file://{NEW}) `{NEW}`"),
        ("/tmp/b and " + OLD, f"{OLD} and {NEW}"),  # at the same time, not one after the other
        (f"{OLD}d {OLD}-d {OLD}.d /home{OLD} ~{OLD}", None),  # others
        (r"in C:\Users\me\Temp\x1\a.txt", r"in D:\Temp\é2\a.txt"),
        (json.dumps({"path": OLD, "command": f"ls\n{OLD}"}), json.dumps({"path": NEW, "command": f"ls\n{NEW}"})),
        (json.dumps({"path": "C:\\Users\\me\\Temp\\x1"}), json.dumps({"path": "D:\\Temp\\é2"}, ensure_ascii=False)),
        ("nothing", None),
    ],
)
def test_what_a_text_quotes(text: str, expected: str | None) -> None:
    body = json.dumps({"a": [{"text": text}], "b": "\u00e9 \ud83d"}, indent=1).encode()
    made = after(body)
    if expected is None:
        assert made == body
    else:
        assert json.loads(made) == {"a": [{"text": expected}], "b": "\u00e9 \ud83d"}
        assert made.startswith(b'{\n "a": [\n  {\n   "text": ')
        assert made.isascii()


def test_every_other_byte_stays() -> None:
    body = b'{"a":"\\/tmp\\/claude-abc","b" : 1.0e2 , "\\/tmp\\/b": "\\u00e9 \\/"}\n'
    assert after(body) == b'{"a":"/tmp/claude-longer-1","b" : 1.0e2 , "/tmp/claude-abc": "\\u00e9 \\/"}\n'
    assert after('{"a":"é /tmp/b"}'.encode()) == '{"a":"é /tmp/claude-abc"}'.encode()
    assert json.loads(after('{"a":"é \\ud83d /tmp/b"}'.encode())) == {"a": "é \ud83d /tmp/claude-abc"}


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"see /tmp/b.\n", "text/plain", b"see /tmp/claude-abc.\n"),
        (b"see /tmp/c.\n", "text/plain", b"see /tmp/c.\n"),
        (b"see /tmp/b \xff", "text/plain", b"see /tmp/b \xff"),
        (b"see /tmp/b", "audio/mpeg", b"see /tmp/b"),
        (b'{"cut": "/tmp/b', "application/json", b'{"cut": "/tmp/b'),
        (b"", "application/json", b""),
    ],
)
def test_what_is_no_json(body: bytes, kind: str, expected: bytes) -> None:
    assert after(body, kind) == expected


def test_digests_of_what_came_are_dropped() -> None:
    headers = ((b"content-type", b"application/json"), (b"etag", b'"1"'), (b"repr-digest", b"sha-256=:x:"), (b"request-id", b"r"))
    assert [name for name, _ in requoted(entry(body=b'"/tmp/b"', headers=headers), VALUES).headers] == [b"content-type", b"request-id"]
    assert requoted(found := entry(body=b'"/tmp/c"', headers=headers), VALUES) is found


def test_which_values_a_text_quotes() -> None:
    assert quotes(VALUES, f"{OLD}/x /tmp/bb") == {OLD}


# -- streams ----------------------------------------------------------------------------------------------------------


def chat(text: str, index: int = 0) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": {"content": text}}]}


def tool(text: str, index: int = 0, **first: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, **first, "function": {"arguments": text}}]}}]}


def block(text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": text}}


def output(text: str, item: str = "i") -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item, "output_index": 0, "content_index": 0, "delta": text}


def gemini(text: str, index: int = 0) -> dict[str, Any]:
    return {"candidates": [{"index": index, "content": {"parts": [{"text": text}]}}]}


def ollama(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}, "done": False}


def stream(events: list[dict[str, Any]], kind: str) -> bytes:
    if kind == "application/x-ndjson":
        return b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return b"".join(b"event: e\r\ndata: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events) + b"data: [DONE]\n\n"


def replay(events: list[dict[str, Any]], kind: str = "text/event-stream") -> list[dict[str, Any]]:
    body = stream(events, kind)
    made = after(body, kind, chunk_times=pack_chunks([Chunk(10, 0.0), Chunk(len(body) - 10, 1.0)]))
    return [json.loads(event.data) for event in events_in(kind.encode(), made) if event.data != b"[DONE]"]


PIECES = [f"cat {OLD[:7]}", OLD[7:10], "", f"{OLD[10:]}/x ", "/tmp/b"]
WANTED = [f"cat {NEW[:7]}", NEW[7:10], "", f"{NEW[10:]}/x ", OLD]


@pytest.mark.parametrize("make", [chat, tool, block, output, gemini, ollama])
def test_a_value_that_is_cut(make: Any) -> None:
    kind = "application/x-ndjson" if make is ollama else "text/event-stream"
    assert replay([make(piece) for piece in PIECES], kind) == [make(piece) for piece in WANTED]


@pytest.mark.parametrize("make", [chat, tool, block, gemini])
def test_texts_that_come_by_turns_are_not_mixed(make: Any) -> None:
    events = [make(piece, index) for piece in PIECES for index in (0, 1)]
    assert replay(events) == [make(piece, index) for piece in WANTED for index in (0, 1)]
    halves = [make("/tmp/", 0), make("b", 1)]
    assert replay(halves) == halves


def test_the_first_piece_of_a_call_may_say_more() -> None:
    assert replay([tool("/tm", id="t", type="function"), tool("p/b")]) == [tool("/tm", id="t", type="function"), tool("p/claude-abc")]


def test_events_of_other_kinds_are_not_joined() -> None:
    events = [output("/tmp/"), {"type": "response.output_text.done", "delta": "b"}, output("b"), {"type": "x", "text": "/tmp/b"}]
    assert [event.get("delta") or event["text"] for event in replay(events)] == ["/tmp/", "b", "claude-abc", OLD]


def test_an_event_over_several_lines() -> None:
    body = b'data: {"a":\rdata:"/tmp/b",\ndata: "c": 1}\r\n\r\ndata: {"a": "/tmp/b", "a": "/tmp/b"}\n\n: /tmp/b\n\ndata: /tmp/b\n\n'
    expected = (
        b'data: {"a":\rdata:"/tmp/claude-abc",\ndata: "c": 1}\r\n\r\ndata: {"a": "/tmp/claude-abc", "a": "/tmp/claude-abc"}\n\n'
        b": /tmp/b\n\ndata: /tmp/b\n\n"
    )
    assert after(body, "text/event-stream") == expected


def test_binary_messages_are_left_alone() -> None:
    body = b'\0\0\0\1{"a": "/tmp/b"}'
    assert after(body, "application/vnd.amazon.eventstream") == body


@quick
@given(
    st.lists(st.sampled_from([OLD, "/tmp/b", " ", "/tmp/", "x", "é", "\n", "\\", '"'])).map("".join),
    st.lists(st.integers(0, 60)),
    st.lists(st.integers(1, 200)),
)
def test_it_makes_no_difference_how_a_text_is_cut(text: str, cuts: list[int], sizes: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)] or [text]
    body = stream([chat(piece) for piece in pieces], "text/event-stream")
    found = entry(body=body, headers=((b"content-type", b"text/event-stream"),), chunk_times=_chunked(body, sizes))
    made = requoted(found, VALUES)
    whole = json.loads(requoted(entry(body=json.dumps(text).encode()), VALUES).body)
    assert "".join(_texts(made)) == whole
    assert sum(chunk.size for chunk in made.chunks) == len(made.body)
    assert all(chunk.size >= 0 for chunk in made.chunks)
    assert (made is found) is (whole == text)


def _chunked(body: bytes, sizes: list[int]) -> bytes:
    chunks = []
    for size in [*sizes, len(body)]:
        if taken := min(size, len(body)):
            chunks.append(Chunk(taken, 0.0))
            body = body[taken:]
    return pack_chunks(chunks)


def _texts(made: Entry) -> list[str]:
    events = [event.data for event in events_in(b"text/event-stream", made.body) if event.data != b"[DONE]"]
    return [json.loads(event)["choices"][0]["delta"]["content"] for event in events]
