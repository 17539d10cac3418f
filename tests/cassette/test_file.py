from __future__ import annotations

import json
import time
from contextlib import suppress
from difflib import unified_diff
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cassette.exchanges import CAPTURES, bodies, captured, chunked, recorded, streamed, streams
from tests.core.jsons import documents
from tests.core.play import ask, quick
from wirecache._core.event_stream import split_stream
from wirecache._core.keys.canonical import KEPT_WHOLE, parse_body
from wirecache._core.keys.keys import KeyOptions, key_of, make_key
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.messages import Entry, Usage
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette import SCHEMA_NAME, file_name, from_text, schema_text, short_key_of, to_text
from wirecache.cassette._file_model import schema
from wirecache.cassette._file_names import next_number
from wirecache.errors import CassetteError, CassetteFormatError

ANSWER = b'{"id": "chatcmpl-1", "choices": [{"message": {"content": "hi"}}]}'
captures = pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.stem)


def back(entry: Entry) -> Entry:
    """The entry, written and read; writing it again gives the same file."""
    text = to_text(entry)
    assert to_text(entry) == text
    found = from_text(text, "x.json")
    assert to_text(found.entry) == text
    assert from_text(json.dumps(json.loads(text)), "x.json").entry.key == entry.key
    return found.entry


def check_same(made: Entry, read: Entry) -> None:
    assert read.body == made.body
    assert (read.key, read.status, read.headers, read.http_version, read.usage) == (
        made.key, made.status, made.headers, made.http_version, made.usage,
    )  # fmt: skip
    assert read.request == made.request
    assert read.stored_at == pytest.approx(made.stored_at, abs=0.001)
    assert read.seconds == pytest.approx(made.seconds, abs=0.0001)


# -- byte for byte ----------------------------------------------------------------------------------------------------


@quick
@given(bodies, st.sampled_from(["application/json", "text/plain", "audio/mpeg", ""]))
def test_any_body_comes_back(body: bytes, content_type: str) -> None:
    made = recorded(body, content_type)
    check_same(made, back(made))


@quick
@given(bodies, st.sampled_from(["text/event-stream", "application/x-ndjson"]))
def test_any_body_of_a_stream_without_times_comes_back(body: bytes, content_type: str) -> None:
    made = recorded(body, content_type)
    read = back(made)
    assert read.body == body
    assert '"at"' not in to_text(made)
    assert [chunk.size for chunk in read.chunks] == list(map(len, split_stream(content_type.encode(), body) or ()))
    assert not any(chunk.seconds for chunk in read.chunks)


def test_a_binary_stream_without_times_comes_back() -> None:
    assert back(recorded(b"\0\0\0\x10", "application/vnd.amazon.eventstream")).body == b"\0\0\0\x10"


@quick
@given(streams.flatmap(lambda drawn: st.tuples(chunked(drawn[0]), st.just(drawn[1]))))
def test_any_stream_comes_back_with_its_events_and_times(drawn: tuple[list[tuple[bytes, float]], str]) -> None:
    chunks, content_type = drawn
    made = streamed(chunks, content_type)
    read = back(made)
    check_same(made, read)
    pieces = split_stream(content_type.partition(";")[0].encode(), made.body)
    if pieces is not None and made.body:
        assert [chunk.size for chunk in read.chunks] == [len(piece) for piece in pieces]
        for end, chunk in zip(accumulate(len(piece) for piece in pieces), read.chunks, strict=True):
            assert chunk.seconds == pytest.approx(arrived(made, end), abs=0.0001)
    elif made.body:
        assert [(chunk.size, pytest.approx(chunk.seconds, abs=0.0001)) for chunk in read.chunks] == list(made.chunks)


def arrived(entry: Entry, size: int) -> float:
    """When the first ``size`` bytes were there."""
    ends = accumulate(chunk.size for chunk in entry.chunks)
    return next(chunk.seconds for end, chunk in zip(ends, entry.chunks, strict=True) if end >= size)


@quick
@given(
    st.integers(100, 999),
    st.lists(st.tuples(st.binary(min_size=1, max_size=12), st.binary(max_size=20)), max_size=5).map(tuple),
    st.sampled_from([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2"]),
    st.none() | st.builds(Usage, *[st.integers(0, 2**40)] * 7),
)
def test_any_head_comes_back(status: int, headers: tuple[tuple[bytes, bytes], ...], version: bytes, usage: Usage | None) -> None:
    made = recorded(status=status, headers=headers, http_version=version, usage=usage)
    private = Redactor()
    kept = [pair for pair in headers if private.header(pair[0].decode("latin-1"), "v") is not None]
    read = back(made)
    assert read.headers == tuple(kept)
    assert (read.status, read.http_version, read.usage) == (status, version, usage)


def test_headers_keep_their_order_case_and_repeats() -> None:
    pairs = ((b"X-B", b"2"), (b"x-a", b"1"), (b"X-B", b"3"), (b"x-l", "é".encode("latin-1")))
    made = recorded()._replace(headers=pairs)
    assert back(made).headers == pairs


# -- keys -------------------------------------------------------------------------------------------------------------


@quick
@given(
    documents.map(lambda value: json.dumps(value).encode()) | bodies,
    st.sampled_from(["application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded", ""]),
    st.sampled_from(["", "team"]),
    st.integers(0, 3),
)
def test_the_key_can_be_computed_again(sent: bytes, sent_as: str, namespace: str, sample: int) -> None:
    made = recorded(sent=sent, sent_as=sent_as, namespace=namespace, sample=sample, sent_headers={"anthropic-version": "2023-06-01"})
    read = from_text(to_text(made), "x.json")
    assert read.body is not None
    assert key_of(read.request, read.body, KeyOptions(), namespace, sample) == made.key


def form(boundary: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, *part) for part in parts) + b"--" + boundary + b"--\r\n"


HEAD = b'Content-Disposition: form-data; name="%b"'


@quick
@given(
    st.lists(bodies | st.sampled_from([b"--wirecache", b"a\r\n--wirecache\r\n", b"--wirecache-2-"]), min_size=1, max_size=4),
    st.integers(10**9, 10**10),
)
def test_a_form_keeps_its_key_and_its_files(contents: list[bytes], number: int) -> None:
    boundary = b"%032d" % number
    sent = form(boundary, *[(HEAD % b"f%d" % at, content) for at, content in enumerate(contents)])
    made = recorded(sent=sent, sent_as=f"multipart/form-data; boundary={boundary.decode()}")
    text = to_text(made)
    read = from_text(text, "x.json")
    assert read.body is not None
    assert key_of(read.request, read.body) == made.key
    assert boundary.decode() not in text
    assert to_text(read.entry) == text


def test_a_form_is_written_part_by_part() -> None:
    parts = [(HEAD % b"model", b"whisper-1"), (HEAD % b"file" + b'; filename="a.mp3"\r\nContent-Type: audio/mpeg', b"\xff\xfb\x90")]
    sent = form(b"random", *parts, (HEAD % b"options", b'{"a":1}'))
    request = json.loads(to_text(recorded(sent=sent, sent_as="multipart/form-data; boundary=random")))["request"]
    assert request["content_type"] == "multipart/form-data; boundary=wirecache"
    assert request["body"]["parts"] == [
        {"headers": ['Content-Disposition: form-data; name="model"'], "text": "whisper-1"},
        {
            "headers": ['Content-Disposition: form-data; name="file"; filename="a.mp3"', "Content-Type: audio/mpeg"],
            "base64": "//uQ",
        },
        {"headers": ['Content-Disposition: form-data; name="options"'], "json": {"a": 1}},
    ]


@pytest.mark.parametrize("sent_as", ["application/json", "text/plain"])
def test_a_request_that_is_not_kept_whole_has_no_body(sent_as: str) -> None:
    sent = json.dumps({"model": "m", "image": "A" * KEPT_WHOLE}).encode()
    made = recorded(sent=sent if sent_as == "application/json" else b"A" * KEPT_WHOLE + b"B", sent_as=sent_as)
    read = from_text(to_text(made), "x.json")
    assert read.body is None
    assert read.entry.request == made.request
    assert '"whole": false' in to_text(made)


def test_the_key_under_other_options() -> None:
    made = recorded(sent=b'{"model":"m","user":"u"}')
    read = from_text(to_text(made), "x.json")
    assert read.body is not None
    options = KeyOptions(ignore_body=("/user",))
    assert key_of(read.request, read.body, options) == make_key("POST", made.request.url, {}, b'{"model": "m"}', options=options)


# -- what people see --------------------------------------------------------------------------------------------------


@captures
def test_what_a_real_server_said(path: Path) -> None:
    made = captured(path)
    read = from_text(to_text(made), path.name)
    check_same(made, read.entry)
    assert read.body is not None
    assert key_of(read.request, read.body) == made.key


@captures
def test_a_file_is_plain_utf_8_json_with_short_lines(path: Path) -> None:
    text = to_text(captured(path))
    assert text.endswith("}\n")
    assert "\r" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    file = json.loads(text)
    assert list(file) == ["$schema", "format", "wirecache", "recorded_at", "key", "request", "response"]
    assert file["recorded_at"] == "2026-11-21T02:19:01.482Z"


def test_a_stream_has_one_event_a_line() -> None:
    text = to_text(captured(CAPTURES / "anthropic-messages-stream.json"))
    lines = [line.strip() for line in text.splitlines() if '"at": ' in line]
    assert lines[0].startswith('{"at": 0.0219, "event": "message_start", "data": {"type":"message_start",')
    assert lines[-1] == '{"at": 0.298, "event": "message_stop", "data": {"type":"message_stop"}}'
    assert not [line for line in lines if '"text": "event' in line]


@pytest.mark.parametrize(
    ("stream", "content_type", "layout", "first"),
    [
        (b'data: {"a":1,"b":2}\n\n', "text/event-stream", None, {"at": 1.5, "data": {"a": 1, "b": 2}}),
        (b'data: {"a": 1, "b": 2}\n\n', "text/event-stream", "spaced", {"at": 1.5, "data": {"a": 1, "b": 2}}),
        (b'event:x\r\ndata:{"a":1}\r\n\r\n', "text/event-stream", "tight crlf", {"at": 1.5, "event": "x", "data": {"a": 1}}),
        (b'{"a":1,"done":true}\n', "application/x-ndjson", "lines", {"at": 1.5, "data": {"a": 1, "done": True}}),
        (b'{"a": 1,"b": 2}\r\n', "application/x-ndjson", "lines spaced-colons crlf", {"at": 1.5, "data": {"a": 1, "b": 2}}),
        (b": ping\n\n", "text/event-stream", None, {"at": 1.5, "text": ": ping\n\n"}),
        (b"data: \xff\n\n", "text/event-stream", None, {"at": 1.5, "base64": "ZGF0YTog/woK"}),
        (b"ID3\xff", "audio/mpeg", None, {"at": 1.5, "base64": "SUQz/w=="}),
    ],
)
def test_how_an_event_is_written(stream: bytes, content_type: str, layout: str | None, first: dict[str, Any]) -> None:
    node = json.loads(to_text(streamed([(stream, 1.5)], content_type)))["response"]["body"]
    assert node.get("layout") == layout
    assert node["events"] == [first]


@pytest.mark.parametrize(
    ("body", "node"),
    [
        (b'{"a":1}', {"json": {"a": 1}}),
        (b'{"a": 1, "b": 2}\n', {"json": {"a": 1, "b": 2}, "layout": "spaced", "after": "\n"}),
        (b'\n\n{"a":1}', {"json": {"a": 1}, "before": "\n\n"}),
        (b"1\n00:00 --> 00:01\nhi\n", {"text": ["1", "00:00 --> 00:01", "hi", ""]}),
        (b"\xff\x00", {"base64": "/wA="}),
        (b"", None),
    ],
)
def test_how_a_body_is_written(body: bytes, node: Any) -> None:
    assert json.loads(to_text(recorded(body)))["response"].get("body") == node


def test_a_changed_answer_changes_few_lines() -> None:
    first = captured(CAPTURES / "openai-chat.json")
    second = first._replace(
        body=first.body.replace(b"Red is a colour that", b"Green is next").replace(b"chatcmpl-nKe9", b"chatcmpl-x"),
        stored_at=first.stored_at + 86_400,
        seconds=1.5,
    )
    changed = [line for line in unified_diff(to_text(first).splitlines(), to_text(second).splitlines(), n=0) if line[0] == "+"]
    assert len(changed) == 5  # one is the head of the diff
    assert {line.strip("+ ").partition(":")[0] for line in changed[1:]} == {'"recorded_at"', '"seconds"', '"content"', '"id"'}


def test_non_ascii_stays_as_it_is() -> None:
    assert '"é 日本 😀"' in to_text(recorded('{"a":"é 日本 😀"}'.encode()))
    assert r'"\u00e9"' in to_text(recorded(b'{"a":"\\u00e9"}'))


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_an_edited_body_is_what_is_replayed() -> None:
    text = to_text(recorded(ANSWER)).replace('"hi"', '"good\\nday"')
    assert from_text(text, "x.json").entry.body == ANSWER.replace(b'"hi"', b'"good\\nday"')


@pytest.mark.parametrize("indent", [None, 4, "\t"])
def test_a_formatter_changes_no_body(indent: int | str | None) -> None:
    for path in CAPTURES.glob("*.json"):
        made = captured(path)
        formatted = json.dumps(json.loads(to_text(made)), indent=indent, ensure_ascii=False)
        read = from_text(formatted.replace("\n", "\r\n"), path.name).entry
        assert read.body == made.body
        assert read.chunk_times == from_text(to_text(made), path.name).entry.chunk_times


def file_with(**changes: Any) -> dict[str, Any]:
    file: dict[str, Any] = json.loads(to_text(streamed([(b'data: {"a":1}\n\n', 0.5)])))
    for pointer, value in changes.items():
        steps = pointer.split("__")
        at: Any = file
        for step in steps[:-1]:
            at = at[int(step) if step.isdigit() else step]
        at[steps[-1]] = value
    return file


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": "short"}, "x.json, at /key: "),
        ({"recorded_at": "yesterday"}, "at /recorded_at: "),
        ({"recorded_at": "2026-11-21T02:19:01"}, "at /recorded_at: "),
        ({"response__status": "200"}, "at /response/status: "),
        ({"response__status": 99}, "at /response/status: "),
        ({"response__colour": 1}, "at /response/colour: Extra inputs"),
        ({"response__body": {"json": 1, "text": "2"}}, "exactly one of json, text, base64, events, found json, text"),
        ({"response__body": {}}, "found none"),
        ({"response__body": {"base64": "AAA"}}, "at /response/body: Incorrect padding"),
        ({"response__body": {"base64": "?"}}, "at /response/body/base64"),
        ({"response__body": {"json": 1, "layout": "lines"}}, "is not a layout of a JSON document"),
        ({"response__body": {"events": [], "layout": "indent-2"}}, "is not a layout of events"),
        ({"response__body": {"text": "\ud800"}}, "at /response/body: "),
        ({"response__body__events__0__at": -1}, "at /response/body/events/0/at: "),
        ({"response__body__events__0__at": None}, "at /response/body/events/0/at: "),
        ({"response__body__events__0__text": "x"}, "at /response/body/events/0: "),
        ({"response__headers": {"x": "日本"}}, "at /response/headers: "),
        ({"response__headers": [["x"]]}, "at /response/headers"),
        ({"response__usage": {"input": -1, "output": 2}}, "at /response/usage/input: "),
        ({"request__url": 1}, "at /request/url: "),
        ({"request": None}, "at /request: "),
    ],
)
def test_a_wrong_file_says_where_and_what_to_do(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CassetteFormatError) as caught:
        from_text(json.dumps(file_with(**changes)), "x.json")
    assert words in str(caught.value)
    assert "record it again" in str(caught.value)
    assert isinstance(caught.value, CassetteError)


POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x.json is not valid JSON: Expecting value at line 1, column 1"),
        ('{\n  "format": 1,\n}', "line 3, column 1"),
        ('{"format": 1} x', "Extra data"),
        ('{"format": 1, "request": {"body" 1}}', "Expecting ':'"),
        ('{"format": 1, "request": {1}}', "Expecting"),
        ('{"format": 1, "response": {"body": {"events": [{}', "Expecting ',' or ']'"),
        ('{"format": 1 "key": 2}', "Expecting ',' or '}'"),
        ('{"format": 1, "key": NaN}', "NaN is not a JSON value"),
        ('{\n<<<<<<< HEAD\n  "format": 1', "conflict markers of a merge"),
        ("[]", 'it has no "format"'),
        ('"a"', 'it has no "format"'),
        ("{}", 'it has no "format"'),
        ('{"format": "1"}', 'it has no "format"'),
        ('{"format": 2, "wirecache": "7.0.0"}', "has format 2, written by wirecache 7.0.0; wirecache"),
        ('{"format": 2}', "Install a newer wirecache"),
        ("[" * 100_000, "not valid JSON"),
        (POINTER, "is a pointer of Git LFS, and the recording itself is not here. Run git lfs pull"),
    ],
)
def test_a_file_that_is_none_says_so(text: str, words: str) -> None:
    with pytest.raises(CassetteFormatError, match=r"x\.json") as caught:
        from_text(text, "x.json")
    assert words in str(caught.value)


@quick
@given(st.text(max_size=30), st.integers(0, 2000))
def test_a_damaged_file_is_a_format_error_or_still_one(noise: str, at: int) -> None:
    text = to_text(captured(CAPTURES / "openai-chat-stream.json"))
    with suppress(CassetteFormatError):
        from_text(text[:at] + noise + text[at + 5 :], "x.json")


# -- secrets ----------------------------------------------------------------------------------------------------------


URLENCODED = "application/x-www-form-urlencoded"
SECRET = "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0" * 3


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(recorded(f'{{"a": "{SECRET}", "n": 1e3}}'.encode()), id="an answer"),
        pytest.param(recorded(sent=f'{{"model":"m","api_key":"{SECRET}"}}'.encode()), id="a request"),
        pytest.param(
            recorded(sent=f"a=1&client_secret={SECRET[:20]}&b=2".encode(), sent_as="application/x-www-form-urlencoded"), id="a form"
        ),
        pytest.param(recorded(f"hello {SECRET}\n".encode(), "text/plain"), id="a text"),
        pytest.param(recorded(url=f"https://a.example/v1/models?key={SECRET}", method="GET", sent=b""), id="a URL"),
        pytest.param(recorded()._replace(headers=((b"x-api-key", SECRET.encode()), (b"x-other", SECRET.encode()))), id="headers"),
        pytest.param(streamed([(f'data: {{"a": "{SECRET}"}}\n\ndata: {SECRET}\n\n'.encode(), 0.5)]), id="events"),
        pytest.param(streamed([(f"one {SECRET}".encode(), 0.5), (b" two", 0.75)], "text/plain"), id="chunks"),
        pytest.param(
            recorded(
                sent=form(b"x", (HEAD % SECRET.encode(), b"1"), (HEAD % b"b", SECRET.encode())), sent_as="multipart/form-data; boundary=x"
            ),
            id="a form with files",
        ),
    ],
)
def test_no_secret_is_in_a_file(made: Entry) -> None:
    text = to_text(made)
    assert SECRET[:20] not in text
    assert "REDACTED" in text
    read = from_text(text, "x.json").entry
    assert to_text(read) == text
    assert read.body == Redactor().data(made.body)


@pytest.mark.parametrize(
    ("sent", "sent_as"),
    [
        pytest.param(f'{{"model":"m","api_key":"{SECRET}","text":"x {SECRET}"}}'.encode(), "application/json", id="JSON"),
        pytest.param(f"a=1&client_secret=abc&b=Bearer+{SECRET}&c=%73k-{SECRET[3:]}".encode(), URLENCODED, id="a form"),
        pytest.param(f"x {SECRET}".encode(), "text/plain", id="a text"),
        pytest.param(form(b"x", (HEAD % b"b", SECRET.encode())), "multipart/form-data; boundary=x", id="a form with files"),
    ],
)
def test_the_key_of_the_file_is_that_of_the_redacted_request(sent: bytes, sent_as: str) -> None:
    url = f"https://h.example/v1/chat/completions?a={SECRET}&key=abc"
    request = ask(url, headers={"content-type": sent_as})
    counted = redacted_request(request, parse_body(sent, sent_as.encode()), Redactor())
    text = to_text(recorded(url=url, sent=sent, sent_as=sent_as))
    read = from_text(text, "x.json")
    assert SECRET[5:] not in text
    assert read.body is not None
    assert key_of(read.request, read.body) == key_of(*counted)


def test_what_a_user_calls_secret_is_none_of_the_file() -> None:
    assert "secret-7" not in to_text(recorded(b'{"a":"secret-7"}'), Redactor(patterns=[r"secret-\d"]))


# -- names and schema -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "number", "name"),
    [
        ({"sent": b'{"model":"gpt-4o-mini"}'}, 1, "chat-gpt-4o-mini-{key}.json"),
        ({"sent": b'{"model":"gpt-4o-mini"}'}, 2, "chat-gpt-4o-mini-{key}-2.json"),
        ({"sent": b'{"model":"meta-llama/Llama-3.1:free"}'}, 1, "chat-meta-llama-llama-3.1-free-{key}.json"),
        ({"sent": b'{"model":"../../etc/passwd"}'}, 1, "chat-etc-passwd-{key}.json"),
        ({"sent": '{"model":"日本"}'.encode()}, 1, "chat-{key}.json"),
        ({"url": "https://h/v1/models", "method": "GET", "endpoint": "", "sent": b""}, 1, "get-models-{key}.json"),
        ({"url": "https://h/v1/batches/B_1", "method": "GET", "endpoint": "", "sent": b""}, 12, "get-batches-b_1-{key}-12.json"),
        ({"url": "https://h/", "method": "GET", "endpoint": "", "sent": b""}, 1, "get-{key}.json"),
        ({"sent": json.dumps({"model": "m" * 5000}).encode()}, 1, "chat-" + "m" * 75 + "-{key}.json"),
    ],
)
def test_a_file_is_called_after_what_was_asked(changes: dict[str, Any], number: int, name: str) -> None:
    entry = recorded(**changes)
    assert file_name(entry, number) == name.format(key=entry.key[:12])
    assert short_key_of(file_name(entry, number)) == (entry.key[:12], number)


@pytest.mark.parametrize("name", [SCHEMA_NAME, "README.md", "chat-abc.json", "chat-1a2b3c4d5e6f-1.json", "chat-1a2b3c4d5e6f.json.tmp", ""])
def test_other_files_are_no_cassettes(name: str) -> None:
    assert short_key_of(name) is None


@pytest.mark.parametrize("name", ["chat-aaaaaaaaaaaa-bbbbbbbbbbbb.json", "aaaaaaaaaaaa-bbbbbbbbbbbb-3.json"])
def test_a_model_may_look_like_a_key(name: str) -> None:
    assert short_key_of(name) == ("bbbbbbbbbbbb", 3 if "-3" in name else 1)


def test_the_next_of_a_sequence_comes_after_all_that_are_left_of_it() -> None:
    assert [next_number(names) for names in ([], ["a-0123456789ab.json"], ["a-0123456789ab-4.json"])] == [1, 2, 5]


def test_the_shipped_schema_is_the_model_s() -> None:
    assert json.loads(schema_text()) == schema()
    assert schema_text().endswith("}\n")


def test_a_file_says_where_its_schema_is() -> None:
    assert json.loads(to_text(recorded()))["$schema"] == f"./{SCHEMA_NAME}"
    assert json.loads(to_text(recorded(), schema="../s.json"))["$schema"] == "../s.json"


@pytest.mark.usefixtures("only_new_garbage")
def test_reading_takes_no_time() -> None:
    text = to_text(captured(CAPTURES / "openai-chat.json"))
    started = time.thread_time()
    for _ in range(1000):
        from_text(text, "x.json")
    assert time.thread_time() - started < 5  # of the processor; measured: 0.11 s
