"""Record and replay with real files, on every face: what comes back is what came, and nothing is sent that may not be."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.faces.ask import ask, body_of, chat
from tests.faces.face import FACES, Face, Reply
from tests.provider import CHAT, CHAT_EVENTS, Answer, Provider, ReceivedRequest
from tests.sdk.wire import no_sockets
from wirecache import Cassette, ConfigError, KeyOptions, options
from wirecache.cassette import SCHEMA_NAME

Open = Callable[..., Cassette]
JSON = {"content-type": "application/json"}
BODY = json.dumps(CHAT).encode()


def files(folder: Path) -> list[Path]:
    """The recordings, by name."""
    return sorted(path for path in folder.glob("*.json") if path.name != SCHEMA_NAME)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in files(folder)}


def content_of(reply: Reply) -> str:
    """Return the text of the reply."""
    return str(reply.json()["choices"][0]["message"]["content"])


def counting(request: ReceivedRequest) -> Answer:
    """An answer that names the prompt and the number of the call."""
    counting.calls += 1  # type: ignore[attr-defined]
    return Answer.of(chat(f"{request.json['messages'][0]['content']} {counting.calls}"))  # type: ignore[attr-defined]


@pytest.fixture
def counted(provider: Provider) -> Provider:
    """A provider whose answers are numbered."""
    counting.calls = 0  # type: ignore[attr-defined]
    provider.script = counting
    return provider


# -- any method, any status -------------------------------------------------------------------------------------------

TEXT = "eins\nzwei\u00fc\n\ndrei".encode()
EXCHANGES: dict[str, tuple[str, str, dict[str, Any], Answer]] = {
    "chat": ("POST", "/v1/chat/completions", {"json": body_of()}, Answer.of(CHAT, x_request_id="req_1")),
    "not found": ("GET", "/v1/models/x", {}, Answer.of({"error": {"message": "no such model"}}, 404)),
    "too many": ("POST", "/v1/messages", {"json": {}}, Answer.of({"error": {"type": "rate_limit_error"}}, 429, retry_after="1")),
    "server error": ("POST", "/v1/messages", {"json": {}}, Answer(500, {"content-type": "text/html"}, [b"<h1>oh</h1>"], length=11)),
    "bad request": ("POST", "/v1/embeddings", {"json": {"input": ""}}, Answer.of({"error": {"message": "empty"}}, 400)),
    "no content": ("DELETE", "/v1/files/f", {}, Answer(204)),
    "delete": ("DELETE", "/v1/files/f?really=1", {}, Answer.of({"deleted": True})),
    "head": ("HEAD", "/v1/models", {}, Answer(200, JSON, length=1234)),
    "put": ("PUT", "/v1/x", {"content": b"\x00\xff"}, Answer(201, {}, [b""], length=0)),
    "patch": ("PATCH", "/v1/x", {"json": [1]}, Answer.of({"a": None})),
    "query": ("GET", "/v1/models?limit=2&after=a%20b", {}, Answer.of({"data": []})),
    "form": ("POST", "/oauth/x", {"data": {"a": "1", "b": "\u00fc &="}}, Answer.of({"ok": True})),
    "upload": (
        "POST",
        "/v1/files",
        {"files": {"file": ("a.jsonl", b'{"a": 1}\n{"a": 2}\n')}, "data": {"purpose": "batch"}},
        Answer.of({"id": "file_1"}),
    ),
    "upload of bytes": ("POST", "/v1/audio/transcriptions", {"files": {"file": ("a.wav", bytes(range(256)))}}, Answer.of({"text": "hi"})),
    "large upload": ("POST", "/v1/files", {"files": {"file": ("a.bin", bytes(range(256)) * 2000)}}, Answer.of({"id": "file_2"})),
    "audio": ("POST", "/v1/audio/speech", {"json": {"input": "hi"}}, Answer(200, {"content-type": "audio/mpeg"}, [bytes(range(256)) * 9])),
    "text": ("GET", "/v1/files/f/content", {}, Answer(200, {"content-type": "text/plain; charset=utf-8"}, [TEXT[:7], TEXT[7:]])),
    "gzip": ("POST", "/v1/a", {"json": {}}, Answer(200, {**JSON, "content-encoding": "gzip"}, [gzip.compress(BODY)])),
    "brotli": ("POST", "/v1/a", {"json": {}}, Answer(200, {**JSON, "content-encoding": "br"}, [brotli.compress(BODY)])),
    "empty": ("POST", "/v1/a", {"json": {}}, Answer(200, JSON, [], length=0)),
    "indented": ("GET", "/v1/a", {}, Answer(200, JSON, [json.dumps(CHAT, indent=3).encode() + b"\r\n"])),
    "no JSON at all": ("GET", "/v1/a", {}, Answer(200, JSON, [b'{"cut": '])),
    "two headers of a name": ("GET", "/v1/a", {}, Answer(200, [("x-a", "1"), ("x-a", "2"), ("content-type", "text/plain")], [b"x"])),
    "lists": ("POST", "/v1/embeddings", {"json": {"input": "x"}}, Answer.of({"data": [{"embedding": [0.1 * n for n in range(99)]}]})),
}


@pytest.mark.parametrize("name", EXCHANGES)
async def test_any_exchange(face: Face, provider: Provider, cassette: Open, folder: Path, name: str) -> None:
    method, path, more, answer = EXCHANGES[name]
    provider.script = lambda _: answer
    async with face.client(cassette("once")) as client:
        live = await client.request(method, provider.url + path, **more)
    provider.close()
    assert len(files(folder)) == 1
    with no_sockets() as opened:
        async with face.client(cassette()) as client:
            replayed = await client.request(method, provider.url + path, **more)
    assert opened == []
    assert (live.cache_status.hit, replayed.cache_status.hit, provider.calls) == (False, True, 1)
    assert (replayed.status_code, replayed.content, replayed.text) == (live.status_code, live.content, live.text)
    for field in ("content-type", "x-request-id", "x-a"):
        assert replayed.headers.get_list(field) == live.headers.get_list(field)
    assert replayed.reason_phrase == live.reason_phrase


async def test_redirects(face: Face, provider: Provider, cassette: Open) -> None:
    def script(request: ReceivedRequest) -> Answer | None:
        return Answer(307, {"location": "/v1/new"}, [b"moved"], length=5) if request.path == "/v1/old" else None

    provider.script = script
    for mode in ("once", "none"):
        async with face.client(cassette(mode), follow_redirects=True) as client:
            reply = await client.post(provider.url + "/v1/old", json={"a": 1})
        assert [one.status_code for one in (*reply.history, reply.native)] == [307, 200]
    assert provider.calls == 2


async def test_streams(face: Face, provider: Provider, cassette: Open) -> None:
    """A replay has one piece for each event; it comes at the recorded times if that is requested."""
    sse = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in CHAT_EVENTS] + [b"data: [DONE]\n\n"]
    lines = [json.dumps({"message": {"content": word}, "done": word == "b"}).encode() + b"\n" for word in "ab"]
    for path, kind, chunks in (("/v1/chat/completions", "text/event-stream", sse), ("/api/chat", "application/x-ndjson", lines)):
        provider.script = lambda _, kind=kind, chunks=chunks: Answer(200, {"content-type": kind}, chunks, pause=0.02)
        seen = []
        for mode, speed in (("new_episodes", 0), ("none", 0), ("none", 1.0)):
            tape = cassette(mode, replay_speed=speed)
            async with (
                face.client(tape) as client,
                client.stream("POST", provider.url + path, json=body_of(stream=True)) as reply,
                reply.over("iter_raw") as pieces,
            ):
                seen.append([piece async for piece in pieces])
        assert seen == [chunks, chunks, chunks]
        (entry,) = [entry for entry in cassette().entries() if entry.request.url.endswith(path)]
        times = [chunk.seconds for chunk in entry.chunks]
        assert times == sorted(times)
        assert times[-1] >= 0.02 * len(chunks)
        assert len(set(times)) > 1
        assert reply.elapsed.total_seconds() >= times[-1]
    assert provider.calls == 2


async def test_an_error_in_a_stream_is_recorded_too(face: Face, provider: Provider, cassette: Open) -> None:
    bad = [b'data: {"choices":[]}\n\n', b'event: error\ndata: {"error":{"message":"overloaded"}}\n\n']
    provider.script = lambda _: Answer(200, {"content-type": "text/event-stream"}, bad)
    contents = []
    for mode in ("once", "none"):
        async with face.client(cassette(mode)) as client:
            contents.append((await ask(client, provider, stream=True)).content)
    assert contents == [b"".join(bad)] * 2
    assert provider.calls == 1


async def test_a_stream_that_was_cut_is_not_recorded_and_that_is_told(
    face: Face, provider: Provider, cassette: Open, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "text/event-stream"}, [b'data: {"choices":[]}\n\n'], cut=True)
    tape = cassette("once")
    async with face.client(tape) as client:
        with pytest.raises(face.http.RemoteProtocolError):
            await ask(client, provider, stream=True)
    assert files(folder) == []
    assert tape.report().live == 1
    assert any("was not recorded" in message and str(folder) in message for message in caplog.messages)


# -- the modes --------------------------------------------------------------------------------------------------------


async def replies(face: Face, tape: Cassette, provider: Provider, *prompts: str) -> list[str | int]:
    """Return the text of the reply to each prompt; its status if it was an error."""
    found: list[str | int] = []
    async with face.client(tape) as client:
        for text in prompts:
            reply = await ask(client, provider, text)
            found.append(content_of(reply) if reply.status_code == 200 else reply.status_code)
    return found


@pytest.mark.parametrize(
    ("mode", "new", "existed"),
    [
        pytest.param("none", [424, 424], ["a 1", 424], id="none"),
        pytest.param("once", ["a 1", "b 2"], ["a 1", 424], id="once"),
        pytest.param("new_episodes", ["a 1", "b 2"], ["a 1", "b 2"], id="new_episodes"),
        pytest.param("all", ["a 1", "b 2"], ["a 2", "b 3"], id="all"),
        pytest.param("rewrite", ["a 1", "b 2"], ["a 2", "b 3"], id="rewrite"),
    ],
)
async def test_modes(
    face: Face, counted: Provider, cassette: Open, folder: Path, mode: str, new: list[str | int], existed: list[str | int]
) -> None:
    """``a`` and ``b``, on a new cassette; then on one on which ``a`` was recorded."""
    tape = cassette(mode)
    assert await replies(face, tape, counted, "a", "b") == new
    tape.close()
    assert len(files(folder)) == len([reply for reply in new if reply != 424])
    Cassette(folder).clear()
    counting.calls = 0  # type: ignore[attr-defined]
    await replies(face, cassette("once"), counted, "a")
    tape = cassette(mode)
    assert await replies(face, tape, counted, "a", "b") == existed
    tape.close()
    recorded = [reply for reply in existed if reply != 424]
    assert (await replies(face, cassette(), counted, "a", "b"))[: len(recorded)] == recorded


async def test_nothing_is_sent_in_mode_none(face: Face, counted: Provider, cassette: Open, caplog: pytest.LogCaptureFixture) -> None:
    await replies(face, cassette("once"), counted, "a")
    calls = counted.calls
    tape = cassette()
    with no_sockets() as opened:
        async with face.client(tape) as client:
            assert content_of(await ask(client, counted, "a")) == "a 1"
            for mode in ("auto", "refresh", "offline"):
                with options(mode=mode, ttl=0):  # type: ignore[arg-type]
                    assert content_of(await ask(client, counted, "a")) == "a 1"
                    missed = await client.post(counted.url + "/v1/embeddings", json={"input": mode})
                assert missed.status_code == 424
                assert (missed.cache_status.fwd, missed.cache_status.detail) == ("miss", "only-if-cached")
            for method, path in (("GET", "/v1/models"), ("DELETE", "/v1/files/x"), ("POST", "/v1/files"), ("HEAD", "/")):
                assert (await client.request(method, counted.url + path)).status_code == 424
            upgrade = await client.get(counted.url + "/v1/realtime", headers={"upgrade": "websocket", "connection": "upgrade"})
            assert upgrade.status_code == 424
    assert opened == []
    assert counted.calls == calls
    report = tape.report()
    assert (report.replayed, report.recorded, report.live, len(report.missing)) == (4, 0, 0, 8)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 8


def _left_alone(way: str, provider: Provider) -> tuple[dict[str, Any], dict[str, str], str | None]:
    """Return the cassette's options, the headers and the mode of a call that is left alone."""
    host, port = provider.url.removeprefix("http://").split(":")
    return {
        "host": ({"ignore_hosts": host}, {}, None),
        "glob": ({"ignore_hosts": ("other.example", f"*:{port}")}, {}, None),
        "localhost": ({"ignore_localhost": True}, {}, None),
        "no-store": ({}, {"cache-control": "no-store"}, None),
        "off": ({}, {}, "off"),
    }[way]


@pytest.mark.parametrize("mode", ["none", "new_episodes", "rewrite"])
@pytest.mark.parametrize("way", ["host", "glob", "localhost", "no-store", "off"])
async def test_what_is_left_alone_is_live_and_unrecorded(
    face: Face, counted: Provider, cassette: Open, folder: Path, way: str, mode: str
) -> None:
    await replies(face, cassette("once"), counted, "a", "b")
    before = texts(folder)
    left_alone, headers, call_mode = _left_alone(way, counted)
    tape = cassette(mode, miss="raise", **left_alone)
    async with face.client(tape) as client:
        for number in (3, 4):
            with options(mode=call_mode):  # type: ignore[arg-type]
                reply = await client.post(counted.url + "/v1/chat/completions", json=body_of("a"), headers=headers)
            assert content_of(reply) == f"a {number}"
            assert reply.cache_status.fwd == "bypass"
    tape.close()
    report = tape.report()
    assert (report.replayed, report.recorded, report.live, report.missing) == (0, 0, 2, ())
    assert texts(folder) == ({} if mode == "rewrite" else before)  # a host that is left alone keeps nothing of the others


async def test_offline_leaves_nothing_alone(face: Face, counted: Provider, cassette: Open) -> None:
    await replies(face, cassette("once"), counted, "a")
    with options(mode="offline"):
        assert await replies(face, cassette(ignore_localhost=True), counted, "a", "b") == ["a 1", 424]
    assert counted.calls == 1


async def test_a_mode_of_the_environment_lets_nothing_out(
    face: Face, counted: Provider, cassette: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRECACHE_MODE", "off")
    assert await replies(face, cassette(), counted, "a") == [424]
    assert counted.calls == 0


async def test_a_request_for_events_is_recorded_whatever_its_library_says(face: Face, counted: Provider, cassette: Open) -> None:
    """httpx2's ``sse()`` sends no-store with each request."""
    headers = {"accept": "text/event-stream", "cache-control": "no-store"}
    for mode in ("once", "none"):
        async with face.client(cassette(mode)) as client:
            assert content_of(await client.post(counted.url + "/v1/chat/completions", json=body_of("a"), headers=headers)) == "a 1"
    assert counted.calls == 1


async def test_all_replaces_only_what_is_asked_for(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    await replies(face, cassette("once"), counted, "a", "b")
    before = texts(folder)
    tape = cassette("all")
    assert await replies(face, tape, counted, "a") == ["a 3"]
    tape.close()
    after = texts(folder)
    assert before.keys() == after.keys()
    assert len([name for name in before if before[name] != after[name]]) == 1
    assert await replies(face, cassette(), counted, "a", "b") == ["a 3", "b 2"]


async def test_rewrite_removes_the_rest_when_it_is_closed(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    await replies(face, cassette("once"), counted, "a", "b")
    tape = cassette("rewrite")
    await replies(face, tape, counted, "b", "c")
    assert len(files(folder)) == 3
    tape.close()
    assert await replies(face, cassette(), counted, "a", "b", "c") == [424, "b 3", "c 4"]
    assert len(files(folder)) == 2


@pytest.mark.parametrize("mode", ["all", "rewrite"])
async def test_what_cannot_be_recorded_again_stays(face: Face, counted: Provider, cassette: Open, folder: Path, mode: str) -> None:
    """A provider that is down takes no recording with it."""
    await replies(face, cassette("once"), counted, "a", "b")
    before = texts(folder)
    counted.close()
    with cassette(mode) as tape:
        async with face.client(tape) as client:
            with pytest.raises(face.http.ConnectError):
                await ask(client, counted, "a")
    assert texts(folder) == before


async def test_a_rewrite_that_is_broken_off_removes_nothing(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    await replies(face, cassette("once"), counted, "a", "b")
    with suppress(ZeroDivisionError), cassette("rewrite") as tape:
        await replies(face, tape, counted, "a")
        raise ZeroDivisionError
    assert await replies(face, cassette(), counted, "a", "b") == ["a 3", "b 2"]


async def test_a_sequence_that_is_shorter_now(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    await replies(face, cassette("once"), counted, "a", "a", "a")
    assert len(files(folder)) == 3
    with cassette("all") as tape:
        assert await replies(face, tape, counted, "a") == ["a 4"]
        assert len(files(folder)) == 3
    assert [name for name in texts(folder)] == [files(folder)[0].name]
    assert await replies(face, cassette(), counted, "a", "a") == ["a 4", "a 4"]


# -- sequences --------------------------------------------------------------------------------------------------------


async def test_polling_is_replayed_in_its_order(face: Face, provider: Provider, cassette: Open) -> None:
    states = iter(["queued", "running", "completed"])
    provider.script = lambda _: Answer.of({"status": next(states)})

    async def polled(tape: Cassette, times: int) -> list[str | int]:
        async with face.client(tape) as client:
            answers = [await client.get(provider.url + "/v1/batches/b") for _ in range(times)]
        return [reply.json()["status"] if reply.status_code == 200 else reply.status_code for reply in answers]

    assert await polled(cassette("once"), 3) == ["queued", "running", "completed"]
    provider.close()
    for _ in range(2):  # each cassette that is opened begins anew
        assert await polled(cassette(), 5) == ["queued", "running", "completed", "completed", "completed"]
    assert await polled(cassette(sequence_end="fail"), 5) == ["queued", "running", "completed", 424, 424]


@pytest.mark.parametrize(
    ("answers", "kept"), [("AAAA", "A"), ("AAB", "AAB"), ("ABB", "AB"), ("ABA", "ABA"), ("AABAA", "AABA")], ids=lambda value: str(value)
)
async def test_equal_answers_at_the_end_are_one(
    face: Face, provider: Provider, cassette: Open, folder: Path, answers: str, kept: str
) -> None:
    texts = iter(answers)
    provider.script = lambda _: Answer.of(chat(next(texts)))
    assert await replies(face, cassette("once"), provider, *["x"] * len(answers)) == list(answers)
    assert len(files(folder)) == len(kept)
    assert await replies(face, cassette(), provider, *["x"] * len(answers)) == list(answers)


async def test_where_a_sequence_must_not_repeat_its_end_nothing_is_folded(face: Face, provider: Provider, cassette: Open) -> None:
    await replies(face, cassette("once", sequence_end="fail"), provider, "x", "x")
    assert await replies(face, cassette(sequence_end="fail"), provider, "x", "x", "x") == ["hi", "hi", 424]


async def test_a_sequence_goes_on_with_new_episodes(face: Face, counted: Provider, cassette: Open) -> None:
    await replies(face, cassette("once", sequence_end="fail"), counted, "x")
    assert await replies(face, cassette("new_episodes", sequence_end="fail"), counted, "x", "x") == ["x 1", "x 2"]
    assert await replies(face, cassette(sequence_end="fail"), counted, "x", "x") == ["x 1", "x 2"]


async def test_calls_at_once(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    got: dict[str, list[str]] = {"record": [], "replay": []}
    for what, mode in (("record", "once"), ("replay", "none")):
        async with face.client(cassette(mode)) as client:

            async def one(text: str, what: str = what, client: Any = client) -> None:
                got[what].append(content_of(await ask(client, counted, text)))

            await face.together(*(lambda text=f"{n % 6}": one(text) for n in range(12)))  # type: ignore[misc]
    assert len(files(folder)) == 12
    assert sorted(got["record"]) == sorted(got["replay"])


# -- finding it again -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", FACES[::3], ids=str)
def test_recorded_on_one_face_and_replayed_on_another(writer: Face, provider: Provider, cassette: Open) -> None:
    async def once(face: Face, tape: Cassette) -> tuple[bytes, bytes]:
        async with face.client(tape) as client:
            streamed = await ask(client, provider, stream=True)
            return (await ask(client, provider)).content, streamed.content

    live = writer.run(lambda: once(writer, cassette("once")))
    provider.close()
    for reader in FACES:
        assert reader.run(lambda reader=reader: once(reader, cassette())) == live


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


async def test_what_was_edited_by_hand_is_found_and_served(face: Face, counted: Provider, cassette: Open, folder: Path) -> None:
    await replies(face, cassette("once"), counted, "a")
    (path,) = files(folder)
    edited(path, '"content": "a 1"', '"content": "edited"')
    assert await replies(face, cassette(), counted, "a") == ["edited"]
    edited(path, '"content": "a"', '"content": "another question"')
    assert await replies(face, cassette(), counted, "a", "another question") == [424, "edited"]
    path.rename(folder / f"my-{path.name[-17:]}")
    assert await replies(face, cassette(), counted, "another question") == ["edited"]


MATCHES: dict[str, tuple[KeyOptions, dict[str, Any]]] = {
    "ignore_body": (KeyOptions(ignore_body=("/user", "/metadata/*")), {"json": body_of(user="b", metadata={"run": 2})}),
    "ignore_query": (KeyOptions(ignore_query=("run",)), {"params": {"run": "2"}}),
    "normalize": (
        KeyOptions(normalize=lambda body: {**body, "user": body["user"].lower()}),
        {"json": body_of(user="A", metadata={"run": 1})},
    ),
    "no host": (KeyOptions(host=False), {}),
}


@pytest.mark.parametrize("name", MATCHES)
async def test_matched_otherwise_than_recorded(face: Face, provider: Provider, cassette: Open, name: str) -> None:
    match, other = MATCHES[name]
    first: dict[str, Any] = {"json": body_of(user="a", metadata={"run": 1}), "params": {"run": "1"}}
    url = provider.url + "/v1/chat/completions"
    async with face.client(cassette("once")) as client:
        await client.post(url, **first)
    moved = url.replace("127.0.0.1", "localhost") if name == "no host" else url
    async with face.client(cassette()) as client:
        assert (await client.post(moved, **{**first, **other})).status_code == 424
    async with face.client(cassette(match=match)) as client:
        assert (await client.post(moved, **{**first, **other})).status_code == 200
        assert (await client.post(url, json=body_of("something else"))).status_code == 424


async def test_recordings_that_a_match_makes_one_request_are_a_sequence(face: Face, counted: Provider, cassette: Open) -> None:
    """Whatever is left out, and whether it was there at all."""
    bodies: list[dict[str, Any]] = [{}, {"user": "b"}, {"user": "c"}]

    async def all_of(tape: Cassette, requests: list[dict[str, Any]]) -> list[str]:
        async with face.client(tape) as client:
            return [content_of(await ask(client, counted, "x", **more)) for more in requests]

    recorded = await all_of(cassette("once"), bodies)
    for order in (bodies, bodies[::-1], [{"user": "new"}] * 3):
        assert await all_of(cassette(match=KeyOptions(ignore_body=("/user",))), order) == recorded


async def test_headers_that_count(face: Face, counted: Provider, cassette: Open) -> None:
    match = KeyOptions(headers=("x-tenant",))
    for mode in ("once", "none"):
        got = []
        async with face.client(cassette(mode, match=match)) as client:
            for tenant in ("one", "two"):
                reply = await client.post(counted.url + "/v1/chat/completions", json=body_of("x"), headers={"x-tenant": tenant})
                got.append(content_of(reply))
        assert got == ["x 1", "x 2"]
    assert await replies(face, cassette(match=match), counted, "x") == [424]


@pytest.mark.parametrize("name", ["openai-organization", "authorization", "x-api-key"])
def test_a_header_that_is_not_kept_cannot_count(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Cassette(folder, match=KeyOptions(headers=(name,)))


async def test_namespace_and_sample(face: Face, counted: Provider, cassette: Open) -> None:
    for mode in ("once", "none"):
        got = []
        async with face.client(cassette(mode)) as client:
            for more in ({"sample": 0}, {"sample": 1}, {"namespace": "other"}):
                with options(**more):  # type: ignore[arg-type]
                    got.append(content_of(await ask(client, counted, "x")))
        assert got == ["x 1", "x 2", "x 3"]
    with options(sample=7):
        assert await replies(face, cassette(), counted, "x") == [424]


async def test_the_event_loop_goes_on_while_all_recordings_are_read(face: Face, counted: Provider, cassette: Open) -> None:
    """A key that no file's name tells is looked for in all of them: in a thread, and found."""
    await replies(face, cassette("once"), counted, "a", "b", "c")
    tape = cassette(match=KeyOptions(ignore_body=("/user",)))
    async with face.client(tape) as client:
        assert content_of(await ask(client, counted, "b", user="someone")) == "b 2"
        assert content_of(await ask(client, counted, "c", user="someone else")) == "c 3"
