from __future__ import annotations

import json
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from tests.provider_events import STREAMS, Streamed
from wirecache._core.event_stream import Event, ends_with_done, events_in, split_lines, split_stream, stream_kind

SSE, NDJSON = b"text/event-stream", b"application/x-ndjson"
ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=9).map(str.encode)
streams = pytest.mark.parametrize("stream", [pytest.param(stream, id=name) for name, stream in STREAMS.items()])


def seen(body: bytes, kind: bytes = SSE) -> list[tuple[bytes, bytes]]:
    return [tuple(event) for event in events_in(kind, body)]


@quick
@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: a", b"data", b":", b"event: x", b"\xef\xbb\xbf", b"\x00", b"{}"]), max_size=12)
)
def test_pieces_join_to_the_body(parts: list[bytes]) -> None:
    body = b"".join(parts)
    for kind in (SSE, NDJSON):
        pieces = split_stream(kind, body)
        assert pieces is not None
        assert b"".join(pieces) == body
        assert all(pieces)


@quick
@given(st.binary(max_size=40), st.sampled_from([SSE, NDJSON, b"application/jsonl", b"application/stream+json"]))
def test_any_bytes_are_split_and_read(body: bytes, kind: bytes) -> None:
    assert b"".join(split_stream(kind, body) or []) == body
    list(events_in(kind, body))


@st.composite
def spelled_streams(draw: st.DrawFn) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A stream in one of its many spellings, and its events."""
    body, events = b"", []
    for _ in range(draw(st.integers(0, 4))):
        name, data = draw(texts), draw(st.lists(texts, max_size=3))
        lines = [draw(st.sampled_from([b"data: ", b"data:"])) + part if not part.startswith(b" ") else b"data: " + part for part in data]
        if name and not name.startswith(b" "):
            lines.insert(draw(st.integers(0, len(lines))), b"event:" + name)
        else:
            name = b""
        for noise in draw(st.lists(st.sampled_from([b": ping", b":", b"id: 1", b"retry: 5", b"other", b"dat: x"]), max_size=2)):
            lines.insert(draw(st.integers(0, len(lines))), noise)
        if lines:
            body += b"".join(line + draw(ends) for line in lines)
            body += draw(ends.filter(lambda end: end != b"\n")) if body.endswith(b"\r") else draw(ends)  # "\r" and "\n" are one line end
        if data:
            events.append((name, b"\n".join(data)))
    return body, events


@quick
@given(spelled_streams())
def test_events_are_those_that_were_written(case: tuple[bytes, list[tuple[bytes, bytes]]]) -> None:
    body, events = case
    assert seen(body) == events
    assert seen(b"\xef\xbb\xbf" + body) == events


def test_an_event_is_one_piece() -> None:
    assert split_stream(SSE, b"data: 1\n\nevent: x\ndata: 2\r\n\r\n: ping\r\rdata: 3") == [
        b"data: 1\n\n",
        b"event: x\ndata: 2\r\n\r\n",
        b": ping\r\r",
        b"data: 3",
    ]


@streams
def test_the_pieces_of_a_providers_stream_are_its_events(stream: Streamed) -> None:
    assert split_stream(stream.kind.encode(), b"".join(stream.events)) == stream.events


def test_a_line_is_one_piece() -> None:
    assert split_stream(NDJSON, b'{"a": "\\n"}\r\n\n{"b": 1}') == [b'{"a": "\\n"}\r\n', b"\n", b'{"b": 1}']
    assert seen(b'{"a": 1}\r\n\n {"b": 1}', NDJSON) == [(b"", b'{"a": 1}'), (b"", b'{"b": 1}')]


@pytest.mark.parametrize("kind", [b"application/json", b"", b"text/plain", b"application/vnd.amazon.eventstream"])
def test_what_has_no_parts(kind: bytes) -> None:
    assert split_stream(kind, b"data: 1\n\ndata: 2\n\n") is None
    assert seen(b"data: 1\n\n", kind) == []


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(b"data: 1\n\n", [(b"", b"1")], id="plain"),
        pytest.param(b"data:1\n\n", [(b"", b"1")], id="no space"),
        pytest.param(b"data:  1\n\n", [(b"", b" 1")], id="one space is dropped"),
        pytest.param(b"data\n\n", [(b"", b"")], id="a field without a colon"),
        pytest.param(b"data: a\ndata: b\n\n", [(b"", b"a\nb")], id="two lines"),
        pytest.param(b"event: x\n\n", [], id="no data, no event"),
        pytest.param(b"event: x\nevent: y\ndata: 1\n\n", [(b"y", b"1")], id="the last name counts"),
        pytest.param(b": data: 1\n\n", [], id="a comment"),
        pytest.param(b"\n\n\ndata: 1\n\n\n\n", [(b"", b"1")], id="more blank lines"),
        pytest.param(b"data: 1\r\n\r\ndata: 2\n\ndata: 3\r\r", [(b"", b"1"), (b"", b"2"), (b"", b"3")], id="line ends mixed"),
        pytest.param(b"data: 1\n\ndata: 2", [(b"", b"1")], id="cut off in its data"),
        pytest.param(b"data: 1\n\ndata: 2\r\n", [(b"", b"1")], id="cut off before its blank line"),
        pytest.param(b"data: 1\n\ndata: [DONE", [(b"", b"1")], id="cut off within the last line"),
        pytest.param(b"data: 1\n\ndata: [DONE]", [(b"", b"1"), (b"", b"[DONE]")], id="the last line of all needs no line end"),
        pytest.param(b"data: 1\n\ndata: [DONE]\n", [(b"", b"1"), (b"", b"[DONE]")], id="the last line of all needs no blank one"),
        pytest.param(b"data: 1\n\nevent: x\ndata: [DONE]\r", [(b"", b"1"), (b"x", b"[DONE]")], id="nor with another line end"),
        pytest.param(b"Data: 1\n\n", [], id="field names are in lower case"),
    ],
)
def test_what_is_an_event(body: bytes, events: list[tuple[bytes, bytes]]) -> None:
    assert seen(body) == events


@quick
@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_a_stream_that_was_cut_has_the_events_before_the_cut(name: str, data: st.DataObject) -> None:
    stream = STREAMS[name]
    body = b"".join(stream.events)
    at = data.draw(st.integers(0, len(body) - 1))
    kind = stream.kind.encode()
    whole = list(events_in(kind, body))
    before = [event for event in events_in(kind, body[:at]) if _is_json(event)]
    assert before == whole[: len(before)]


def _is_json(event: Event) -> bool:
    try:
        json.loads(event.data)
    except ValueError:
        return event.data == b"[DONE]"
    return True


@pytest.mark.parametrize(
    ("chunk", "ends"),
    [
        pytest.param(b"data: [DONE]\n\n", True, id="alone"),
        pytest.param(b"data:[DONE]\r\n\r\n", True, id="no space, CRLF"),
        pytest.param(b"data: {}\n\ndata: [DONE]\n\n", True, id="after another event"),
        pytest.param(b"data: [DONE]\n", False, id="without its blank line"),
        pytest.param(b"data: say data: [DONE]\n\n", False, id="within another event's data"),
        pytest.param(b"data: [DONE]\n\ndata: {}\n\n", False, id="before another event"),
        pytest.param(b"", False, id="empty"),
    ],
)
def test_a_chunk_that_ends_with_the_last_event_of_a_chat(chunk: bytes, ends: bool) -> None:
    assert ends_with_done(chunk) is ends


def test_lines_keep_their_ends_and_end_as_the_standard_s_do() -> None:
    lines = [b"a\r\n", b"b\n", b"c\r", b"\x0b\x0c\xe2\x80\xa8d"]
    assert split_lines(b"".join(lines)) == lines


SSE, LINES, FRAMES, TEXT, BYTES, JSON = (
    b"text/event-stream", b"application/x-ndjson", b"application/vnd.amazon.eventstream", b"text/plain", b"application/octet-stream",
    b"application/json",
)  # fmt: skip
PRELUDE = b"\0\0\0\x20\0\0\0\x08"
MESSAGE = PRELUDE + crc32(PRELUDE).to_bytes(4, "big") + bytes(20)
TWO_LINES = b'{"done": false}\n{"done": true}\n'


@pytest.mark.parametrize(
    ("declared", "body", "is_requested", "kind"),
    [
        *(pytest.param(declared, b"data: 1\n\n", requested, SSE, id=f"events as {declared!r}, {requested}")
          for declared in (SSE, LINES, TEXT, BYTES, JSON, b"") for requested in (True, False)),
        pytest.param(TEXT, b"event: x\ndata: 1\n\n", False, SSE, id="a named event first"),
        pytest.param(TEXT, b"\xef\xbb\xbfdata: 1\n\n", False, SSE, id="a byte order mark first"),
        pytest.param(TEXT, b": OPENROUTER PROCESSING\n\ndata: 1\n\n", True, SSE, id="a comment first"),
        pytest.param(TEXT, b": a text", False, None, id="a text that begins with a colon"),
        pytest.param(TEXT, b"dat", True, SSE, id="cut at once"),
        pytest.param(TEXT, b"Hello", True, None, id="a text where a stream was requested"),
        pytest.param(b"audio/mpeg", b"ID3\x04", True, None, id="audio where a stream was requested"),
        pytest.param(TEXT, TWO_LINES, True, LINES, id="lines as text"),
        pytest.param(JSON, TWO_LINES, True, LINES, id="lines as JSON"),
        pytest.param(SSE, TWO_LINES, False, LINES, id="lines as events"),
        pytest.param(TEXT, TWO_LINES, False, None, id="lines that nobody requested"),
        pytest.param(JSON, b'{\n  "a": {\n    "b": 1\n  }\n}', True, None, id="one document where a stream was requested"),
        pytest.param(JSON, b'[{\n"candidates": []}\n,\n{}]', True, None, id="Gemini's array"),
        pytest.param(LINES, b'{"a": 1}', False, LINES, id="one line"),
        pytest.param(SSE, b"", False, SSE, id="nothing"),
        pytest.param(FRAMES, b"", False, FRAMES, id="no frame"),
        pytest.param(BYTES, MESSAGE, True, FRAMES, id="frames as bytes"),
        pytest.param(BYTES, MESSAGE, False, None, id="frames that nobody requested"),
    ],
)  # fmt: skip
def test_which_stream_a_body_is(declared: bytes, body: bytes, is_requested: bool, kind: bytes | None) -> None:
    assert stream_kind(declared, body, is_requested=is_requested) == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b":", b"application/x-ndjson"),
        (b": processing\n", b"application/x-ndjson"),
        (b": processing\n\ndata: {}\n\n", b"text/event-stream"),
    ],
)
def test_a_comment_is_a_stream_of_events_under_another_type_only_with_an_event(body: bytes, kind: bytes) -> None:
    assert stream_kind(b"application/x-ndjson", body, is_requested=True) == kind
    assert stream_kind(b"text/plain", body, is_requested=True) == b"text/event-stream"
