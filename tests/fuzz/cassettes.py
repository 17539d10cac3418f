"""A recording comes back from its file byte for byte; a file that is damaged or edited is read, or named as what is wrong with it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.core.jsons import documents
from tests.fuzz.events import PROVIDERS, SPELLED
from tests.fuzz.keys import PARTS, forms_with_files
from tests.fuzz.target import Target
from wirecache._core.messages import Chunk, Entry, RequestSummary, Usage, pack_chunks
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.unset import UNSET
from wirecache.cassette._file_reader import from_text
from wirecache.cassette._file_writer import to_text
from wirecache.errors import CassetteFormatError

SPACES = st.sampled_from(["", "", " ", "\n", "\r\n", "\t", "\ufeff", "\x0b"])
LAYOUTS = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": 1},
        {"separators": (",", ":")},
        {"separators": (", ", ":")},
        {"ensure_ascii": False},
        {"sort_keys": True},
    ]
)
JSON_TEXTS = st.builds(
    lambda before, value, layout, after: (before + json.dumps(value, **layout) + after).encode("utf-8", "surrogatepass"),
    SPACES,
    documents,
    LAYOUTS,
    SPACES,
)
ODD_JSON = st.sampled_from(
    [
        b"1.0", b'{"a":1.0}', b'{"a":1e2}', b'{"a":-0}', b'{"a":1,"a":2}', b'{"a":NaN}', b'"\\u0041"', b'{"\\u0041":"\\/"}', b"[1,\n2]",
        b"{}", b"[ ]", b'{ }', b"null",
        b"123456789012345678901234567890", b'{"a": 0.10000000000000000001}', b'"\\ud800"', b'"\xe2\x80\xa8"', b"[" * 200 + b"]" * 200,
        b'{"a":"\x7f"}', b"\x00",
    ]
)  # fmt: skip
BODIES = (
    JSON_TEXTS
    | ODD_JSON
    | SPELLED
    | PROVIDERS
    | st.binary(max_size=20)
    | st.text(max_size=10).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.just(b"")
)
HEADER_NAMES = st.sampled_from([b"x-a", b"x-a", b"x-b", b"content-language", b"etag", b"vary"])
HEADER_VALUES = st.sampled_from([b"", b"a", b"\xe9", b"a, b", b' "a"', b"\xff\xfe", b"\x85"])
TYPES = st.sampled_from(
    ["application/json", "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream", "text/plain", "audio/mpeg", ""]
)
FORMS = st.tuples(PARTS, st.integers(0, 9)).flatmap(lambda drawn: forms_with_files(drawn[0]))
ENTRIES = st.fixed_dictionaries(
    {
        "status": st.sampled_from([200, 201, 204, 404, 429, 500, 599]),
        "type": TYPES,
        "headers": st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=3),
        "body": BODIES,
        "cuts": st.none() | st.lists(st.integers(0, 200), max_size=4),
        "stored_at": st.sampled_from([0.0, 1.8e9, 1800000000.1234, 253402300799.0]),
        "usage": st.none() | st.lists(st.integers(0, 99), min_size=7, max_size=7),
        "request": st.tuples(st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", ""]), BODIES) | FORMS,
        "method": st.sampled_from(["POST", "GET", "DELETE"]),
        "url": st.sampled_from(
            ["https://api.example/v1/chat/completions", "http://127.0.0.1:8080/", "https://h/a%20b?x=1&x=2", "https://[::1]/x"]
        ),
        "model": st.none() | st.sampled_from(["m", "a/b", "é", "\ud800", ""]),
        "ended": st.booleans(),
    }
)


def entry_of(case: dict[str, Any]) -> Entry:
    body = case["body"]
    content_type, request_body = case["request"]
    summary = RequestSummary(
        case["method"], case["url"], "chat", case["model"], {}, content_type="" if content_type == "application/json" else content_type
    )
    chunks: list[Chunk] = []
    if case["cuts"] is not None and body:
        ends = [*sorted({cut % len(body) for cut in case["cuts"]} - {0}), len(body)]
        chunks = [Chunk(end - start, index / 8) for index, (start, end) in enumerate(zip([0, *ends], ends, strict=False))]
    headers = [(b"content-type", case["type"].encode())] if case["type"] else []
    return Entry(
        "ab" * 32, case["status"], tuple([*headers, *((name, value) for name, value in case["headers"])]), body, case["stored_at"], 0.5,
        b"HTTP/1.1",
        Usage(*case["usage"]) if case["usage"] else None, UNSET, summary.to_bytes(), request_body, pack_chunks(chunks), case["ended"],
    )  # fmt: skip


def check_file(case: dict[str, Any]) -> None:
    """What was recorded is read again, and written again as it was."""
    made = entry_of(case)
    text = to_text(made)
    back = from_text(text, "f.json").entry
    if back.stream_kind == made.stream_kind:  # that it has chunks tells a reader that a stream was wanted
        assert to_text(back) == text
    assert back.status == made.status
    assert back.ended_by_reader == made.ended_by_reader
    assert back.usage == made.usage
    assert back.request.model == made.request.model
    assert abs(back.stored_at - made.stored_at) < 0.001
    if DEFAULT.data(made.body) == made.body:
        assert back.body == made.body, text
        assert sum(chunk.size for chunk in back.chunks) == (
            len(made.body) if made.chunk_times else sum(chunk.size for chunk in back.chunks)
        )
    if all(DEFAULT.header(name.decode("latin-1"), value.decode("latin-1")) == value.decode("latin-1") for name, value in made.headers):
        assert back.headers == made.headers
    is_form = made.request.content_type.startswith(("multipart", "application/x-www"))
    if not is_form and DEFAULT.data(bytes(made.request_body)) == made.request_body:
        assert back.request_body == made.request_body


EDITS = st.lists(
    st.tuples(st.sampled_from(["replace", "cut", "insert", "line", "swap"]), st.integers(0, 3000), st.integers(0, 3000), st.sampled_from(
        ["", "0", "-1", "null", "true", '""', "{}", "[]", '"x"', "1e999", "NaN", "9" * 40, "\\", '"', ",", ":", "}", "]", "\n", "\ufeff",
        "\ud800", "<<<<<<< HEAD\n", "lines tight", "2"]
    )),
    min_size=1, max_size=3,
)  # fmt: skip
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "lines tight crlf",
        [],
        {},
        [[]],
        [1],
        {"a": 1},
        ["a"],
        [["a", "b"]],
        [["a"]],
        "2026-01-01",
        1e999,
        "9" * 5000,
    ]
)
CHANGES = st.lists(
    st.tuples(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.just("drop") | VALUES.map(lambda value: [value])),
    min_size=1,
    max_size=3,
)


def check_edited(case: dict[str, Any]) -> None:
    """A file that somebody edited is a recording, which can be written again, or it is named as what is wrong with it."""
    text = to_text(entry_of(case["entry"]))
    if case["changes"] is not None:
        document = json.loads(text)
        for path, change in case["changes"]:
            change_in(document, path, change)
        text = json.dumps(document)
    for what, at, to, piece in case["edits"] if case["changes"] is None else ():
        at, to = sorted((at % (len(text) + 1), to % (len(text) + 1)))
        match what:
            case "replace":
                text = text[:at] + piece + text[at + 1 :]
            case "cut":
                text = text[:at] + text[min(to, at + 40) :]
            case "insert":
                text = text[:at] + piece + text[at:]
            case "line":
                lines = text.split("\n")
                del lines[at % len(lines)]
                text = "\n".join(lines)
            case _:
                text = text[:at] + text[to:] + text[at:to]
    read_and_written(text)


def change_in(document: Any, path: list[int], change: Any) -> None:
    """Change or drop the member to which the path leads, by its place among the others."""
    for step in path[:-1]:
        names = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not names or not isinstance(inner := document[names[step % len(names)]], dict | list):
            break
        document = inner
    names = list(document) if isinstance(document, dict) else list(range(len(document)))
    if names:
        name = names[path[-1] % len(names)]
        if change == "drop":
            del document[name]
        else:
            document[name] = deepcopy(change[0])


def read_and_written(text: str) -> None:
    message = ""
    try:
        entry = from_text(text, "f.json").entry
    except CassetteFormatError as error:
        message = str(error)
    if message:
        assert "f.json" in message
        return
    assert entry.request.method
    assert entry.answer
    to_text(entry)
    assert sum(chunk.size for chunk in entry.chunks) in (0, len(entry.body))


TARGETS = [
    Target("cassette-files", ENTRIES, check_file),
    Target("edited-cassettes", st.fixed_dictionaries({"entry": ENTRIES, "changes": st.none() | CHANGES, "edits": EDITS}), check_edited),
]
