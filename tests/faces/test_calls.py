"""Options for one call, on each face: each way of saying them, which one wins, and that none of it reaches upstream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wirecache
from tests.faces.ask import CHAT_PATH, ask, body_of, chat
from tests.faces.face import Client, Face, Reply
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cache, Rule

MakeCache = Callable[..., Cache]


def numbered(provider: Provider) -> None:
    """The provider's answers are different each time."""
    provider.script = lambda _: Answer.of(chat(str(provider.calls)), ETag='"1"')


async def text_of(client: Client, provider: Provider, headers: dict[str, str] | None = None, **options: Any) -> tuple[str, Reply]:
    reply = await client.post(provider.url + CHAT_PATH, json=body_of(), headers=headers, **options)
    return reply.json()["choices"][0]["message"]["content"], reply


async def test_each_way_of_saying_a_namespace(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        assert (await text_of(client, provider))[0] == "1"
        assert (await text_of(client, provider, {"Wirecache-Namespace": "header"}))[0] == "2"
        assert (await text_of(client, provider, extensions={"wirecache": {"namespace": "extension"}}))[0] == "3"
        with wirecache.options(namespace="context"):
            assert (await text_of(client, provider))[0] == "4"
            assert (await text_of(client, provider, extensions={"wirecache": {"namespace": "extension"}}))[0] == "5"  # within the block's
            both = {"wirecache": {"namespace": "extension"}}
            assert (await text_of(client, provider, {"Wirecache-Namespace": "header"}, extensions=both))[0] == "6"
        assert (await text_of(client, provider, {"Wirecache-Namespace": "header"}, extensions=both))[0] == "2"
        assert (await text_of(client, provider))[0] == "1"
    assert provider.calls == 6
    names = [name.lower() for request in provider.requests for name, _ in request.headers]
    assert not [name for name in names if name.startswith("wirecache")]


async def test_the_request_is_given_back_as_it_was(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        request = client.native.build_request("POST", provider.url + "/v1/files", json={}, headers={"Wirecache-TTL": "1h", "X-Mine": "1"})
        await client.send(request)
    assert request.headers["wirecache-ttl"] == "1h"
    assert provider.requests[0].header("x-mine") == "1"
    assert provider.requests[0].header("wirecache-ttl") is None


async def test_samples_are_draws_of_their_own(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        for _ in range(2):
            assert [(await text_of(client, provider, {"Wirecache-Sample": str(i)}))[0] for i in range(3)] == ["1", "2", "3"]
        with wirecache.options(sample=1):
            assert (await text_of(client, provider))[0] == "2"
        assert (await text_of(client, provider))[0] == "1"  # no sample is the first one


async def test_a_ttl_of_one_call_is_kept_with_its_entry(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    numbered(provider)
    async with face.client(make_cache(ttl=0)) as client:
        assert (await text_of(client, provider))[0] == "1"
        assert (await text_of(client, provider, {"Wirecache-TTL": "1h"}))[0] == "1"  # read with an hour, it is fresh
        assert (await text_of(client, provider))[0] == "2"
    async with face.client(make_cache(ttl=0, namespace="n")) as client:
        assert (await text_of(client, provider, {"Wirecache-TTL": "1h"}))[0] == "3"
        text, reply = await text_of(client, provider)
        assert text == "3"
        assert 3590 < reply.cache_status.ttl <= 3600


async def test_options_nest_and_end(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        with wirecache.options(namespace="a", sample=1):
            await text_of(client, provider)
            with wirecache.options(sample=2):
                text, _ = await text_of(client, provider)
                assert text == "2"
                assert next(iter(cache.entries())).request.namespace == "a"
            assert (await text_of(client, provider))[0] == "1"
        assert (await text_of(client, provider))[0] == "3"


async def test_a_mode_for_a_block(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        with wirecache.options(mode="offline"):
            assert (await ask(client, provider)).status_code == 424
        await text_of(client, provider)
        with wirecache.options(mode="refresh"):
            assert (await text_of(client, provider))[0] == "2"
        with wirecache.options(mode="off"):
            assert (await text_of(client, provider))[0] == "3"
        assert (await text_of(client, provider))[0] == "2"


async def test_request_directives(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:

        async def say(control: str) -> tuple[int, str | None, str | None, bool]:
            reply = await client.post(provider.url + CHAT_PATH, json=body_of(), headers={"Cache-Control": control})
            return reply.status_code, reply.cache_status.fwd, reply.cache_status.detail, reply.cache_status.stored

        assert await say("only-if-cached") == (424, "miss", "only-if-cached", False)
        assert await say("no-store") == (200, "bypass", "no-store", False)
        assert await say("max-age=100") == (200, "miss", None, True)
        assert await say("only-if-cached, max-age=100") == (200, None, None, False)
        assert await say("no-cache") == (200, "request", "no-cache", True)
        assert await say("max-age=0, max-stale") == (200, None, None, False)
        assert (await text_of(client, provider))[0] == "3"
    assert provider.requests[-1].header("cache-control") == "no-cache"  # a header of HTTP's own goes on


async def test_max_stale(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    numbered(provider)
    async with face.client(make_cache(ttl=0)) as client:
        await text_of(client, provider)
        text, reply = await text_of(client, provider, {"Cache-Control": "max-stale=60"})
        assert text == "1"
        assert reply.cache_status.ttl <= 0
        assert (await text_of(client, provider, {"Cache-Control": "max-stale=0"}))[0] == "2"
        assert (await text_of(client, provider, {"Cache-Control": "max-stale"}))[0] == "2"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_stale_if_error(face: Face, provider: Provider, make_cache: MakeCache, status: int) -> None:
    cache = make_cache(ttl=0, stale_if_error="1h")
    async with face.client(cache) as client:
        await ask(client, provider)
        provider.script = lambda _: Answer.of({"error": {"message": "down"}}, status)
        reply = await ask(client, provider)
        assert (reply.status_code, reply.cache_status.hit, reply.cache_status.detail) == (200, True, "stale-if-error")
        assert "detail=stale-if-error" in reply.headers["cache-status"]
        assert (await ask(client, provider, "another")).status_code == status
    async with face.client(make_cache(ttl=0)) as client:
        assert (await ask(client, provider)).status_code == status
        headers = {"Cache-Control": "stale-if-error=60"}
        assert (await client.post(provider.url + CHAT_PATH, json=body_of(), headers=headers)).status_code == 200
        headers = {"Cache-Control": "stale-if-error=0"}
        assert (await client.post(provider.url + CHAT_PATH, json=body_of(), headers=headers)).status_code == status


async def test_stale_if_upstream_cannot_be_reached(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache()) as client:
        await ask(client, provider)
    provider.close()
    async with face.client(make_cache(ttl=0, stale_if_error="1h")) as client:
        assert (await ask(client, provider)).cache_status.detail == "stale-if-error"
        with pytest.raises(face.http.TransportError):
            await ask(client, provider, "another")


async def test_a_wrong_option_is_said_where_the_caller_sees_it(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for headers, extensions, words in (
            ({"Wirecache-TTL": "soon"}, {}, "header Wirecache-ttl must be seconds, a timedelta"),
            ({"Wirecache-Sample": "-1"}, {}, "sample must be 0, 1, 2, ..., got '-1'"),
            ({}, {"wirecache": {"mode": "on"}}, "mode must be one of auto, offline, refresh, off, got 'on'"),
            ({}, {"wirecache": {"tll": 1}}, "options must be among mode, namespace, sample, streams, ttl, got 'tll'"),
        ):
            reply = await client.post(provider.url + CHAT_PATH, json=body_of(), headers=headers, extensions=extensions)
            assert reply.status_code == 400
            assert words in reply.json()["error"]["message"]
            assert reply.headers["x-should-retry"] == "false"
    assert provider.calls == 0
    with pytest.raises(wirecache.ConfigError, match=r"mode must be one of .*, got 'on'"), wirecache.options(mode="on"):  # type: ignore[arg-type]
        pass


async def test_rules(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    rules = [
        Rule(path="*/embeddings", cache=False),
        Rule(model="gpt-4*", ttl=0),
        Rule(path="/v1/search", ttl="1h"),
        Rule(method="GET", path="/v1/models"),
        Rule(host="elsewhere.example", cache=False),
    ]
    async with face.client(make_cache(rules=rules)) as client:

        async def twice(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[bool, str | None]:
            await client.request(method, provider.url + path, json=body)
            reply = await client.request(method, provider.url + path, json=body)
            return reply.cache_status.hit, reply.cache_status.detail

        assert await twice("POST", "/v1/embeddings", {"model": "e"}) == (False, "rule")
        assert await twice("POST", CHAT_PATH, {"model": "gpt-4o"}) == (False, None)  # stale at once
        assert await twice("POST", CHAT_PATH, {"model": "gpt-5"}) == (True, None)
        assert await twice("POST", "/v1/search", {"q": "x"}) == (True, None)
        assert await twice("POST", "/v1/threads/t/runs", {"model": "gpt-4o"}) == (False, "no-rule")  # a model does not open a path
        assert await twice("GET", "/v1/models") == (True, None)
        assert await twice("GET", "/v1/batches/b") == (False, "not-allowed")


async def test_captures(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        with wirecache.capture() as outer:
            await text_of(client, provider)
            with wirecache.capture() as inner:
                await text_of(client, provider)
        await text_of(client, provider)
    assert [(x.method, x.code, x.status.hit) for x in outer] == [("POST", 200, False), ("POST", 200, True)]
    assert outer[0].status.stored
    assert inner == outer[1:]
    assert outer[0].url == provider.url + CHAT_PATH
    assert all(x.seconds is not None and x.seconds > 0 for x in outer)


async def test_a_useless_answer_is_discarded(face: Face, provider: Provider, cache: Cache) -> None:
    numbered(provider)
    async with face.client(cache) as client:
        with wirecache.capture() as exchanges:
            assert (await text_of(client, provider))[0] == "1"
        exchanges[0].discard()
        assert (await text_of(client, provider))[0] == "2"
        assert (await text_of(client, provider))[0] == "2"


async def test_captures_of_tasks_and_threads(face: Face, provider: Provider, cache: Cache) -> None:
    seen: dict[str, list[str]] = {}
    async with face.client(cache) as client:

        async def one(name: str) -> None:
            with wirecache.capture() as mine:
                await ask(client, provider, name)
            seen[name] = [x.url for x in mine]

        await face.together(*(lambda name=name: one(name) for name in "abcd"))
    assert all(len(urls) == 1 for urls in seen.values())


async def test_a_call_that_went_out_and_failed_is_captured(face: Face, provider: Provider, cache: Cache) -> None:
    provider.close()
    async with face.client(cache) as client:
        with wirecache.capture() as exchanges, pytest.raises(face.http.ConnectError):
            await ask(client, provider)
    assert [(x.code, x.status.detail) for x in exchanges] == [(0, "ConnectError")]


async def test_the_refusal_names_the_nearest_request(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache()) as client:
        await ask(client, provider, "The time is 12:03:11, which model are you?")
        await ask(client, provider, "Something else altogether")
    async with face.client(make_cache(mode="offline")) as client:
        message = (await ask(client, provider, "The time is 12:03:15, which model are you?")).json()["error"]["message"]
    assert "/messages/0/content: 'The time is 12:03:11, which model are you?' -> 'The time is 12:03:15" in message
    assert "looks like a time: KeyOptions(normalize=...) can take it out" in message


async def test_a_changing_request_makes_a_get_stale(face: Face, provider: Provider, cache: Cache) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer.of({"n": provider.calls}, Cache_Control="max-age=60")

    provider.script = script
    async with face.client(cache) as client:
        url = provider.url + "/v1/files/f"
        assert (await client.get(url)).json()["n"] == 1
        assert (await client.get(url)).json()["n"] == 1
        await client.request("DELETE", url)
        assert (await client.get(url)).json()["n"] == 3
        assert (await client.get(url, headers={"Cache-Control": "max-age=0, no-cache"})).json()["n"] == 4
        assert (await client.get(url, headers={"Cache-Control": "no-store"})).cache_status.detail == "no-store"


async def test_what_is_refused_by_its_head_and_what_fails_is_counted(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        provider.script = lambda _: Answer.of({}, 503)
        await ask(client, provider)
        provider.script = lambda _: Answer(200, {"content-type": "text/event-stream"}, [b"data: 1\n\n"])
        await ask(client, provider)
        assert (cache.stats.misses, cache.stats.refused, dict(cache.stats.reasons)) == (2, 2, {"status-503": 1, "stream": 1})
    provider.close()
    async with face.client(cache) as client:
        with pytest.raises(face.http.ConnectError):
            await ask(client, provider)
    assert cache.stats.misses == 3
