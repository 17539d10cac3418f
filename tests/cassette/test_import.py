from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.core.play import entry
from tests.provider import CHAT, CHAT_EVENTS, EMBEDDINGS
from wirecache import make_key
from wirecache._caches.cassette import Cassette
from wirecache._core.messages import Entry, Usage
from wirecache._core.privacy.redaction import DEFAULT
from wirecache.cassette import from_text, to_text
from wirecache.cassette._content_encoding import decoded
from wirecache.cassette._directory import Directory
from wirecache.cassette._importers.detect import read_any
from wirecache.errors import CassetteFormatError
from wirecache.httpx2 import cached_client

# Made by the tools themselves: vcrpy 9.4.2, pytest-recording 0.14.1, cassetter 0.16.1.
MADE = Path(__file__).parent / "made"
FILES = ["vcr.yaml", "vcr.json", "vcr-parsed.yaml", "pytest-recording.yaml", "cassetter.yaml", "cassetter.toml"]
CODED = {**CHAT, "note": "é 日本"}
HELLO = {"messages": [{"role": "user", "content": "Say hello, é 日本."}], "model": "gpt-4o-mini"}
full = pytest.mark.parametrize("name", ["vcr.yaml", "cassetter.yaml", "cassetter.toml"])
each = pytest.mark.parametrize("name", FILES)


def entries(name: str) -> list[Entry]:
    return list(read_any(MADE / name))


def path_of(entry: Entry) -> str:
    """Return the path of the request, below ``/v1/``."""
    return f"{entry.request.method} {entry.request.url.partition('/v1/')[2]}"


# -- what the tools made ----------------------------------------------------------------------------------------------


@each
def test_a_chat_and_a_stream_come_over(name: str) -> None:
    chat, stream = entries(name)[:2]
    assert chat.json() == CHAT
    assert chat.usage == Usage(5, 7)
    assert chat.key == make_key("POST", chat.request.url, {"content-type": "application/json"}, json.dumps(HELLO))
    assert (chat.request.endpoint, chat.request.model) == ("chat", "gpt-4o-mini")
    events = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
    assert events == CHAT_EVENTS
    assert stream.body.endswith(b"data: [DONE]\n\n")
    assert len(stream.chunks) == 4


@full
def test_all_come_over_in_the_order_in_which_they_were_recorded(name: str) -> None:
    found = entries(name)
    assert [path_of(one) for one in found] == [
        "POST chat/completions", "POST chat/completions", "POST embeddings", "GET models", "POST chat/completions",
        "POST audio/transcriptions", "POST audio/speech",
        *(f"POST coded/{coding}/chat/completions?key=REDACTED" for coding in ("gzip", "deflate", "br", "zstd")),
        "GET jobs/1", "GET jobs/1", "GET jobs/1", "POST ndjson", "POST form", "POST raw", "DELETE empty",
    ]  # fmt: skip
    assert [one.status for one in found] == [200] * 4 + [400] + [200] * 12 + [204]
    assert [one.json()["status"] for one in found[11:14]] == ["queued", "running", "done"]
    assert sorted(found, key=lambda one: one.stored_at) == found


@full
def test_bodies_are_decoded(name: str) -> None:
    for one in entries(name)[7:11]:
        assert one.json() == CODED
        assert not {b"content-encoding", b"content-length", b"set-cookie", b"openai-organization"} & dict(one.headers).keys()


def test_vcrpy_s_bodies_come_over_byte_for_byte() -> None:
    found = entries("vcr.yaml")
    assert [one.body for one in found[7:11]] == [json.dumps(CODED, ensure_ascii=False).encode()] * 4
    assert found[2].body == json.dumps(EMBEDDINGS).encode()


@full
def test_bytes_that_are_no_text_come_over(name: str) -> None:
    found = entries(name)
    assert found[6].body == bytes(range(256))
    assert bytes(found[16].request_body) == b"\xff\xfe\x00raw"
    assert b"ID3\xff\x00" in bytes(found[5].request_body)
    assert found[5].request.model == "whisper-1"


def test_ndjson_comes_line_by_line() -> None:
    lines = entries("vcr.yaml")[14]
    assert [chunk.size for chunk in lines.chunks] == [len(line) for line in lines.body.splitlines(keepends=True)]


@each
def test_no_secret_gets_into_a_file(name: str) -> None:
    assert re.search("no-real-key|not-a-real-key", (MADE / name).read_text("utf-8")) or name.startswith("cassetter")
    for one in entries(name):
        text = to_text(one)
        assert not re.search("no-real-key|not-a-real-key|org-x|shhh|a=b", text)
        assert from_text(text, "x.json").entry.body == one.body


@each
def test_what_was_imported_is_replayed_to_the_sdk(name: str, tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    imported = list(read_any(MADE / name, redactor=DEFAULT))
    for one in imported:
        directory.add(one)
    base = imported[0].request.url.partition("/chat")[0]
    with Cassette(tmp_path) as cassette, OpenAI(api_key="another", base_url=base, http_client=cached_client(cassette)) as client:
        messages: Any = HELLO["messages"]
        assert client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content == "hi"
        stream = client.chat.completions.create(model="gpt-4o-mini", stream=True, messages=[{"role": "user", "content": "Stream."}])
        assert [event.choices[0].delta.content for event in stream] == ["one ", "two ", "three"]
        if len(imported) > 2:
            assert client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"ID3\xff\x00")).text == "hi"
            with pytest.raises(BadRequestError):
                client.chat.completions.create(model="bad", messages=[{"role": "user", "content": "bad"}])
            jobs = [client.get("/jobs/1", cast_to=object) for _ in range(3)]
            assert [job["status"] for job in jobs] == ["queued", "running", "done"]  # type: ignore[index]


# -- other forms that vcrpy has written, or that hooks make -------------------------------------------------------------


def vcr(folder: Path, text: str, name: str = "c.yaml") -> list[Entry]:
    path = folder / name
    path.write_text(text, "utf-8")
    return list(read_any(path))


REQUEST = "{method: POST, uri: 'https://h/v1/chat/completions', headers: {}, body: %s}"
RESPONSE = "{status: {code: 200, message: OK}, headers: {%s}, body: {string: %s}}"


def interaction(sent: str = "''", body: str = "''", headers: str = "") -> str:
    return f"interactions:\n- request: {REQUEST % sent}\n  response: {RESPONSE % (headers, body)}\nversion: 1\n"


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("null", b""),
        ("'hé'", "hé".encode()),
        ("!!binary aGn/", b"hi\xff"),
        ("!!python/unicode 'hi'", b"hi"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary aGn/, 0, null]}", b"hi\xff"),
        ("!!python/object/apply:builtins.iter {args: [[!!binary aGk=, 'ho']]}", b"hiho"),
        ("!!python/object/apply:builtins.iter {args: []}", b""),
    ],
)
def test_every_way_to_write_a_body(written: str, body: bytes, tmp_path: Path) -> None:
    assert bytes(vcr(tmp_path, interaction(sent=written))[0].request_body) == body


@pytest.mark.parametrize("written", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system ''", "!!set {a}"])
def test_nothing_in_a_file_is_executed(written: str, tmp_path: Path) -> None:
    with pytest.raises(CassetteFormatError, match=r"c\.yaml"):
        vcr(tmp_path, interaction(sent=written))


def test_old_answers_of_httpx(tmp_path: Path) -> None:
    old = "{status_code: 200, http_version: HTTP/1.1, headers: {content-type: [text/plain]}, content: hello}"
    assert vcr(tmp_path, f"interactions:\n- request: {REQUEST % 'null'}\n  response: {old}\n")[0].body == b"hello"


def test_a_value_may_stand_alone(tmp_path: Path) -> None:
    assert vcr(tmp_path, interaction(headers="X-N: 5, x-b: [1e5]"))[0].headers == ((b"x-n", b"5"), (b"x-b", b"1e5"))


def test_when_it_was_recorded(tmp_path: Path) -> None:
    dated, undated, wrong = (interaction(headers=text) for text in ("Date: ['Sat, 21 Nov 2026 09:39:18 GMT']", "", "date: [soon]"))
    assert vcr(tmp_path, dated)[0].stored_at == 1795253958.0
    assert vcr(tmp_path, undated)[0].stored_at == (tmp_path / "c.yaml").stat().st_mtime
    assert vcr(tmp_path, wrong)[0].stored_at == (tmp_path / "c.yaml").stat().st_mtime


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "GZIP", "identity"])
def test_a_body_that_was_decoded_already_stays_as_it_is(coding: str, tmp_path: Path) -> None:
    assert vcr(tmp_path, interaction(body="'{\"a\": 1}'", headers=f"content-encoding: [{coding}]"))[0].body == b'{"a": 1}'


def test_codings_are_undone_in_turn() -> None:
    import gzip
    import zlib

    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert decoded(gzip.compress(raw.compress(b"hi") + raw.flush()), "deflate, gzip") == b"hi"


# -- wrong files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            interaction(body="!!binary //8=", headers="content-encoding: [gzip]"),
            "/interactions/0: a body is not valid 'gzip'",
        ),
        (interaction(headers="content-encoding: [rot13]", body="x"), "'rot13' is unknown"),
        (interaction(sent="{a: b}"), "at /interactions/0: a body must be a string, bytes or a list of them, got dict"),
        (interaction().replace("'https://h/v1/chat/completions'", "5"), "at /interactions/0"),
        (interaction().replace("https://h/", "https://h:port/"), "at /interactions/0"),
        (interaction().replace("code: 200", "code: many"), "at /interactions/0"),
        (interaction().replace("method: POST, ", ""), "at /interactions/0: "),
        ("a: [", "cannot be read: while parsing"),
        ("{", "cannot be read: "),
        ("a: b", "is not a cassette. Only cassettes of wirecache (JSON), of vcrpy and pytest-recording (YAML, JSON)"),
        ("interactions: 5", "is not a cassette"),
        ("interactions: [5]", "is not a cassette"),
        ("", "is not a cassette"),
        ("[" * 10_000, "cannot be read"),
    ],
)
def test_a_wrong_file_says_where_and_what(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CassetteFormatError) as caught:
        vcr(tmp_path, text)
    assert words in str(caught.value)
    assert "c.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("type: json", "type: xml", "the type of a body must be none, json, text or binary, got 'xml'"),
        ("status: 200", "status: fine", "at /interactions/"),
        ("recorded_at: 2026", "recorded_at: once 2026", "at /interactions/"),
        ("000102", "0x0102", "at /interactions/"),
    ],
)
def test_a_wrong_file_of_cassetter_says_where_and_what(old: str, new: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text((MADE / "cassetter.yaml").read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(CassetteFormatError, match=r"c\.yaml") as caught:
        list(read_any(path))
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["a: b", "", "a", "[]", "{}", "a: &a [*a]\n", "{"])
def test_a_file_of_somebody_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(CassetteFormatError):
        list(read_any(path))


def test_a_pointer_of_git_lfs_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(CassetteFormatError, match=r"chat\.yaml is a pointer of Git LFS.*Run git lfs pull"):
        list(read_any(tmp_path / "chat.yaml"))


def test_bytes_that_are_no_text_are_no_cassette(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CassetteFormatError, match="utf-8"):
        list(read_any(path))


def test_what_is_not_http_is_skipped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("version: 1\ninteractions: []\nws_interactions:\n- uri: wss://h/\n", "utf-8")
    with caplog.at_level(logging.WARNING, "wirecache"):
        assert list(read_any(path)) == []
    assert "1 WebSockets are skipped" in caplog.text


# -- detect -----------------------------------------------------------------------------------------------------------


def test_our_own_file_is_read_under_its_key(tmp_path: Path) -> None:
    one = entry()
    name = Directory(tmp_path).add(one)
    assert [read.key for read in read_any(tmp_path / name)] == [one.key]


def test_a_file_s_ending_says_only_that_it_is_toml(tmp_path: Path) -> None:
    shutil.copy(MADE / "vcr.yaml", tmp_path / "c.yml")
    shutil.copy(MADE / "vcr.json", tmp_path / "c.txt")
    assert all(list(read_any(tmp_path / name)) for name in ("c.yml", "c.txt"))
