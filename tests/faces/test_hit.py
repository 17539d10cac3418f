"""A repeated request is answered from the store, and the answer behaves as a live one, however it is read."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of, chat
from tests.faces.face import Face, Reply
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache

TEXT = "eins\nzwei\u00fc\n\ndrei".encode()


async def test_miss_then_hit(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        miss = await ask(client, provider)
        hit = await ask(client, provider)
    assert provider.calls == 1
    assert (miss.status_code, miss.content) == (hit.status_code, hit.content)
    assert hit.json() == CHAT
    assert hit.headers["content-type"] == "application/json"
    assert hit.headers["x-request-id"] == "req_1"
    assert hit.text == miss.text
    assert hit.reason_phrase == "OK"
    assert hit.raise_for_status() is hit.native
    assert hit.request.url == miss.request.url


async def test_other_requests_have_other_answers(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda request: Answer.of(chat(request.json["messages"][0]["content"]))
    async with face.client(cache) as client:
        for text in ("a", "b", "a", "b"):
            assert (await ask(client, provider, text)).json()["choices"][0]["message"]["content"] == text
    assert provider.calls == 2


@pytest.mark.parametrize("way", ["iter_bytes", "iter_raw", "iter_lines", "iter_text"])
async def test_a_streamed_hit_reads_as_the_miss_did(face: Face, provider: Provider, cache: Cache, way: str) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "text/plain; charset=utf-8"}, [TEXT[:3], TEXT[3:11], TEXT[11:]])
    read = []
    async with face.client(cache) as client:
        for _ in range(2):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
                chunks = await reply.all(way)
                read.append((b"" if isinstance(chunks[0], bytes) else "").join(chunks) if way != "iter_lines" else chunks)
                assert reply.is_closed
                assert reply.is_stream_consumed
                assert reply.num_bytes_downloaded == len(TEXT)
                assert reply.elapsed > timedelta(0)
    assert provider.calls == 1
    assert read[0] == read[1]
    assert reply.cache_status.hit
    assert read[1] == {"iter_lines": TEXT.decode().splitlines(), "iter_text": TEXT.decode()}.get(way, TEXT)


@pytest.mark.parametrize("way", ["iter_bytes", "iter_raw"])
async def test_a_hit_is_cut_into_chunks_of_the_wanted_size(face: Face, provider: Provider, cache: Cache, way: str) -> None:
    async with face.client(cache) as client:
        whole = (await ask(client, provider)).content
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            chunks = await reply.all(way, 7)
    assert reply.cache_status.hit
    assert [len(chunk) for chunk in chunks[:-1]] == [7] * (len(whole) // 7)
    assert b"".join(chunks) == whole


async def test_a_streamed_hit_that_is_read_at_once(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for _ in range(2):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
                assert not reply.is_closed
                assert json.loads(await reply.read()) == CHAT
                assert await reply.read() == reply.content  # reading again is allowed
                assert reply.json() == CHAT
                assert reply.is_closed
    assert (provider.calls, reply.cache_status.hit) == (1, True)


async def test_a_streamed_hit_that_is_not_read(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        await ask(client, provider)
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            pass
        assert reply.cache_status.hit
        assert reply.is_closed
        with pytest.raises(face.http.StreamClosed):
            await reply.read()
        assert (await ask(client, provider)).cache_status.hit
    assert provider.calls == 1


async def test_what_else_a_response_tells(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        replies = [await ask(client, provider), await ask(client, provider)]
    for reply in replies:
        assert reply.elapsed > timedelta(0)
        assert reply.http_version == "HTTP/1.1"
        assert reply.num_bytes_downloaded == len(reply.content)
        assert reply.is_closed
        assert reply.encoding == "utf-8"
        assert reply.history == []
        assert reply.is_success
    assert "network_stream" in replies[0].extensions
    assert not replies[1].headers.get_list("set-cookie")


async def test_header_and_extension_are_true_before_and_after_the_body(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as miss:
            before = miss.cache_status
            assert (before.hit, before.fwd, before.stored, before.fwd_status) == (False, "miss", False, 200)
            await miss.read()
            after = miss.cache_status
            assert (after.hit, after.fwd, after.stored, after.key) == (False, "miss", True, before.key)
        hit = await ask(client, provider)
    assert miss.headers["cache-status"] == f'wirecache; fwd=miss; stored; key="{before.key}"'
    assert (hit.cache_status.hit, hit.cache_status.fwd, hit.cache_status.stored, hit.cache_status.key) == (True, None, False, before.key)
    assert hit.headers["cache-status"] == f'wirecache; hit; ttl=604800; key="{before.key}"'
    assert [entry.key for entry in cache.entries()] == [before.key]


async def test_a_refusal_to_store_shows_after_the_body(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"error": {"message": "no"}})
    async with face.client(cache) as client, client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
        assert reply.cache_status.detail is None
        await reply.read()
        assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "error")


async def test_age_on_hits_only(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(CHAT, age="77")
    async with face.client(cache) as client:
        miss, hit = await ask(client, provider), await ask(client, provider)
    assert miss.headers["age"] == "77"  # an upstream cache's word, passed on
    assert hit.headers.get_list("age") == ["0"]


async def test_an_upstream_cache_status_is_kept(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(CHAT, cache_status="Edge; fwd=uri-miss")
    async with face.client(cache) as client:
        miss, hit = await ask(client, provider), await ask(client, provider)
        other = await client.post(provider.url + "/v1/files", json={})
    for reply in (miss, hit, other):
        theirs, ours = reply.headers["cache-status"].split(", ")
        assert (theirs, ours) == ("Edge; fwd=uri-miss", reply.cache_status.header(200))


async def test_cookies_and_limits_are_not_replayed(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(CHAT, set_cookie="a=b", x_ratelimit_remaining_requests="0", openai_organization="org-1")
    async with face.client(cache) as client:
        miss = await ask(client, provider)
        client.native.cookies.clear()
        hit = await ask(client, provider)
    assert miss.headers["set-cookie"] == "a=b"
    for name in ("set-cookie", "x-ratelimit-remaining-requests", "openai-organization", "content-length", "transfer-encoding"):
        assert name not in hit.headers
    assert not hit.cookies


async def test_one_log_line_an_exchange(face: Face, provider: Provider, cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="wirecache")

    def lines() -> list[str]:
        texts = [record.getMessage() for record in caplog.records if record.name == "wirecache"]
        caplog.clear()
        return texts

    async with face.client(cache) as client:
        url = provider.url + CHAT_PATH
        for wanted in ("fwd=miss", "hit"):
            reply = await client.post(url, json=body_of(), params={"api_key": "secret"})
            (line,) = lines()
            assert line.startswith(f"POST {url}")
            assert f" 200 wirecache; {wanted}" in line
            assert f'key="{reply.cache_status.key}"' in line
            assert ("stored" in line) == reply.cache_status.stored
            assert "secret" not in line
        await client.post(url, json={**body_of(), "stream": True})
        (line,) = lines()
        assert "fwd=bypass" in line
        assert "detail=stream" in line
        async with client.stream("POST", url, json=body_of("other")):
            pass
        (line,) = lines()
        assert "detail=abandoned" in line
    assert {record.levelno for record in caplog.records} <= {logging.DEBUG}


async def test_counters(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for _ in range(3):
            await ask(client, provider)
        await ask(client, provider, stream=True)
    stats = cache.stats
    assert (stats.misses, stats.hits, stats.bypassed, stats.stored, stats.store_errors) == (1, 2, 1, 1, 0)
    assert stats.tokens == 24
    assert 0 < stats.seconds_saved < 2
    assert dict(stats.reasons) == {"stream": 1}


async def test_the_response_is_not_the_upstream_one(face: Face, provider: Provider, cache: Cache) -> None:
    """A transport below may keep what it passed up: it is not written to."""
    seen = []

    async def pass_on(request: object) -> object:
        network = face.network()
        response = await network.handle_async_request(request) if face.is_async else network.handle_request(request)
        seen.append((network, response, dict(response.headers), set(response.extensions)))
        return response

    async with face.client(cache, transport=face.transport(pass_on)) as client:
        reply = await ask(client, provider)
    network, response, headers, extensions = seen[0]
    assert reply.cache_status.stored
    assert dict(response.headers) == headers
    assert set(response.extensions) == extensions
    await network.aclose() if face.is_async else network.close()


async def test_two_replies_share_nothing(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        await ask(client, provider)
        first: Reply = await ask(client, provider)
        first.headers["x-request-id"] = "changed"
        first.extensions["more"] = 1
        second = await ask(client, provider)
    assert second.headers["x-request-id"] == "req_1"
    assert "more" not in second.extensions
