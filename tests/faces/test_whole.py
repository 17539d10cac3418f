"""Only what is whole and good is stored; what upstream does wrong reaches the caller unchanged."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, chat, stops_early
from tests.faces.face import Client, Face
from tests.provider import CHAT, RESPONSE, Answer, Provider
from wirecache import Cache

JSON = {"content-type": "application/json"}
BODY = json.dumps(CHAT).encode()
HALF = len(BODY) // 2


async def assert_stored_nothing(client: Client, provider: Provider, cache: Cache) -> None:
    """The next call goes upstream, and gets a good answer."""
    assert not list(cache.entries())
    provider.script = None
    assert not (await ask(client, provider)).cache_status.hit


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, JSON, [BODY], length=len(BODY) + 10, cut=True), id="declared-too-long"),
        pytest.param(Answer(200, JSON, [BODY], cut=True), id="chunked-without-end"),
        pytest.param(Answer(200, JSON, [BODY[:HALF]], length=len(BODY), cut=True), id="half"),
        pytest.param(Answer(200, JSON, [], length=len(BODY), cut=True), id="nothing"),
    ],
)
async def test_a_truncated_body(face: Face, provider: Provider, cache: Cache, answer: Answer) -> None:
    provider.script = lambda _: answer
    async with face.client(cache) as client:
        with pytest.raises(face.http.RemoteProtocolError) as caught:
            await ask(client, provider)
        assert str(caught.value.request.url).endswith(CHAT_PATH)
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            with pytest.raises(face.http.RemoteProtocolError):
                await reply.read()
        assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "truncated")
        await assert_stored_nothing(client, provider, cache)
    assert cache.stats.reasons["truncated"] == 2


async def test_a_body_that_ends_with_the_connection_is_whole(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" + BODY)
    async with face.client(cache) as client:
        assert (await ask(client, provider)).cache_status.stored
        assert (await ask(client, provider)).content == BODY
    assert provider.calls == 1


async def test_a_text_that_ends_with_the_connection_may_be_cut(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nhello")
    async with face.client(cache) as client:
        reply = await ask(client, provider)
        assert (reply.content, reply.cache_status.detail) == (b"hello", "no-end")
        await assert_stored_nothing(client, provider, cache)


async def test_half_a_body_that_ends_with_the_connection(face: Face, provider: Provider, cache: Cache) -> None:
    """HTTP cannot tell; the JSON does."""
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" + BODY[:HALF]
    provider.script = lambda _: Answer(raw=raw)
    async with face.client(cache) as client:
        reply = await ask(client, provider)
        assert (reply.content, reply.cache_status.detail) == (BODY[:HALF], "malformed")
        await assert_stored_nothing(client, provider, cache)


@stops_early
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
@pytest.mark.parametrize("chunks", [0, 1])
async def test_a_consumer_that_stops_early(face: Face, provider: Provider, cache: Cache, chunked: bool, chunks: int) -> None:
    gate = Gate()

    def pieces() -> Any:
        yield BODY[:HALF]
        gate.wait()
        yield BODY[HALF:]

    provider.script = lambda _: Answer(200, JSON, pieces(), length=None if chunked else len(BODY))
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply, reply.over("iter_raw") as read:
            for _ in range(chunks):
                assert await anext(read)
        gate.open()
        assert reply.is_closed
        assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "abandoned")
        await assert_stored_nothing(client, provider, cache)
    assert cache.stats.reasons["abandoned"] == 1


@stops_early
async def test_a_consumer_that_stops_after_some_bytes(face: Face, provider: Provider, cache: Cache) -> None:
    body = json.dumps(chat("x" * 300_000)).encode()
    provider.script = lambda _: Answer.of(chat("x" * 300_000))
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply, reply.over("iter_bytes", 10) as chunks:
            assert await anext(chunks) == body[:10]
        assert reply.cache_status.detail == "abandoned"
        await assert_stored_nothing(client, provider, cache)


@stops_early
async def test_a_consumer_whose_own_code_fails(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, JSON, [BODY[:HALF], BODY[HALF:]])
    async with face.client(cache) as client:

        async def failing() -> None:
            url = provider.url + CHAT_PATH
            async with client.stream("POST", url, json=body_of()) as reply, reply.over("iter_bytes") as chunks:
                async for _ in chunks:
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await failing()
        await assert_stored_nothing(client, provider, cache)


@stops_early
async def test_closing_after_the_declared_length_counts_as_whole(face: Face, provider: Provider, cache: Cache) -> None:
    """Some SDKs stop reading when they have what they want, so the iterator's end never comes."""
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            got = b""
            async with reply.over("iter_raw") as chunks:
                while len(got) < len(BODY):
                    got += await anext(chunks)
        assert reply.cache_status.stored
        hit = await ask(client, provider)
    assert (hit.cache_status.hit, hit.content, got) == (True, BODY, BODY)


async def test_a_connect_error(face: Face, cache: Cache) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}{CHAT_PATH}"
        async with face.client(cache) as client:
            with pytest.raises(face.http.ConnectError) as caught:
                await client.post(url, json=body_of())
    assert caught.type is face.http.ConnectError
    assert caught.value.request.url == url
    assert not list(cache.entries())


async def test_a_read_timeout_before_the_head(face: Face, provider: Provider, cache: Cache) -> None:
    gate = Gate()
    provider.script = lambda _: gate.wait() and None
    async with face.client(cache) as client:
        with pytest.raises(face.http.ReadTimeout) as caught:
            await client.post(provider.url + CHAT_PATH, json=body_of(), timeout=face.http.Timeout(5, read=0.05))
        gate.open()
        assert caught.type is face.http.ReadTimeout
        await assert_stored_nothing(client, provider, cache)


async def test_a_read_timeout_in_the_body(face: Face, provider: Provider, cache: Cache) -> None:
    gate = Gate()

    def pieces() -> Any:
        yield BODY[:HALF]
        gate.wait()

    provider.script = lambda _: Answer(200, JSON, pieces())
    async with face.client(cache) as client:
        with pytest.raises(face.http.ReadTimeout) as caught:
            await client.post(provider.url + CHAT_PATH, json=body_of(), timeout=face.http.Timeout(5, read=0.05))
        gate.open()
        assert caught.type is face.http.ReadTimeout
        await assert_stored_nothing(client, provider, cache)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"], ids=["nothing", "half-a-head", "no-http"])
async def test_an_answer_that_is_no_http(face: Face, provider: Provider, cache: Cache, raw: bytes) -> None:
    provider.script = lambda _: Answer(raw=raw)
    async with face.client(cache) as client:
        with pytest.raises(face.http.RemoteProtocolError):
            await ask(client, provider)
        await assert_stored_nothing(client, provider, cache)


NEVER_STORED = {
    "500": (Answer.of({"error": {"message": "down"}}, status=500), "status-500"),
    "503": (Answer.of({}, status=503, retry_after="1"), "status-503"),
    "429": (Answer.of({"error": {"message": "slow"}}, status=429), "status-429"),
    "404": (Answer.of({"error": {"message": "no model"}}, status=404), "status-404"),
    "401": (Answer.of({"error": {"message": "no key"}}, status=401), "status-401"),
    "202": (Answer.of(CHAT, status=202), "status-202"),
    "no-answer-in-it": (Answer.of({"detail": "Internal error"}), "no-answer"),
    "206": (Answer.of(CHAT, status=206), "status-206"),
    "200-with-error": (Answer.of({"error": {"message": "overloaded"}}), "error"),
    "failed": (Answer.of({**RESPONSE, "status": "failed"}), "status-failed"),
    "queued": (Answer.of({**RESPONSE, "status": "queued"}), "status-queued"),
    "in-progress": (Answer.of({**RESPONSE, "status": "in_progress"}), "status-in_progress"),
    "content-filter": (Answer.of(chat("", finish_reason="content_filter")), "content-filter"),
    "empty-choices": (Answer.of({**CHAT, "choices": []}), "no-answer"),
    "malformed-json": (Answer(200, JSON, [b'{"choices": [']), "malformed"),
    "no-body": (Answer(200, JSON, [], length=0), "empty"),
    "html": (Answer(200, {"content-type": "text/html"}, [b"<html>captive portal</html>"]), "html"),
}


async def test_never_stored(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for name, (answer, reason) in NEVER_STORED.items():
            provider.script = lambda _, answer=answer: answer  # type: ignore[misc]
            for _ in range(2):
                reply = await ask(client, provider, name)
                assert (reply.status_code, reply.content) == (answer.status, b"".join(answer.chunks)), name
                status = reply.cache_status
                assert (status.hit, status.fwd, status.stored, status.detail) == (False, "miss", False, reason), name
    assert provider.calls == 2 * len(NEVER_STORED)
    assert not list(cache.entries())


async def test_stored_although_it_looks_odd(face: Face, provider: Provider, cache: Cache) -> None:
    odd = {
        "length": chat("cut", finish_reason="length"),
        "error-null": {**CHAT, "error": None},
        "completed": RESPONSE,
        "tool-calls": chat("", finish_reason="tool_calls"),
    }
    async with face.client(cache) as client:
        for name, value in odd.items():
            provider.script = lambda _, value=value: Answer.of(value)  # type: ignore[misc]
            await ask(client, provider, name)
            assert (await ask(client, provider, name)).json() == value, name
    assert provider.calls == len(odd)


async def test_another_answer_than_json_is_stored(face: Face, provider: Provider, cache: Cache) -> None:
    audio = bytes(range(256)) * 64
    provider.script = lambda _: Answer(200, {"content-type": "audio/mpeg"}, [audio[:100], audio[100:]])
    async with face.client(cache) as client:
        for hit in (False, True):
            reply = await client.post(provider.url + "/v1/audio/speech", json={"model": "tts", "input": "hi"})
            assert (reply.content, reply.cache_status.hit) == (audio, hit)


@stops_early
async def test_a_second_pass_goes_on_where_the_first_stopped(face: Face, provider: Provider, cache: Cache) -> None:
    """openai's async client iterates ``response.stream`` again after it saw the last event."""
    provider.script = lambda _: Answer(200, JSON, [BODY[:HALF], BODY[HALF:]])
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            stream = reply.native.stream
            parts = []
            for _ in range(3):
                if face.is_async:
                    iterator = aiter(stream)
                    parts.append(await anext(iterator, None))
                    await iterator.aclose()
                else:
                    iterator = iter(stream)
                    parts.append(next(iterator, None))
                    iterator.close()
        assert parts == [BODY[:HALF], BODY[HALF:], None]
        assert reply.cache_status.stored
        assert (await ask(client, provider)).content == BODY


async def test_a_body_above_the_limit_passes_unstored(face: Face, provider: Provider, cache: Cache) -> None:
    cache.engine.plan = replace(cache.plan, max_body=1_000_000)
    large = chat("x" * 1_200_000)
    provider.script = lambda _: Answer.of(large)
    async with face.client(cache) as client:
        for _ in range(2):
            reply = await ask(client, provider)
            assert (reply.json(), reply.cache_status.stored, reply.cache_status.detail) == (large, False, "too-large")
        reply = await ask(client, provider, "y" * 1_200_000)
        assert (reply.cache_status.fwd, reply.cache_status.detail) == ("bypass", "body-size")
    assert not list(cache.entries())
