"""What each mode does on each face, and what is said offline."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import Face, Reply
from tests.provider import Answer, Provider
from wirecache import Cache, NotRecorded

MakeCache = Callable[..., Cache]


async def test_auto_refresh_off(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    versions = iter("abcdef")
    provider.script = lambda _: Answer.of({"text": next(versions)})

    async def call(mode: str) -> tuple[str, bool, str | None, bool, str | None]:
        async with face.client(make_cache(mode=mode)) as client:
            reply = await ask(client, provider)
        return reply.json()["text"], reply.cache_status.hit, reply.cache_status.fwd, reply.cache_status.stored, reply.cache_status.detail

    assert await call("off") == ("a", False, "bypass", False, "off")
    assert await call("auto") == ("b", False, "miss", True, None)
    assert await call("auto") == ("b", True, None, False, None)
    assert await call("off") == ("c", False, "bypass", False, "off")
    assert await call("refresh") == ("d", False, "request", True, "refresh")
    assert await call("refresh") == ("e", False, "request", True, "refresh")
    assert await call("auto") == ("e", True, None, False, None)
    assert await call("offline") == ("e", True, None, False, None)
    assert provider.calls == 5


def assert_refused(reply: Reply) -> None:
    assert reply.status_code == 424
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    assert (error["type"], error["code"]) == ("not_recorded", "not_recorded")
    assert "Nothing was sent" in error["message"]
    assert "WIRECACHE_MODE=auto" in error["message"]
    assert (reply.cache_status.hit, reply.cache_status.fwd, reply.cache_status.stored, reply.cache_status.detail) == (
        False,
        "miss",
        False,
        "only-if-cached",
    )
    assert reply.headers["cache-status"].startswith("wirecache; fwd=miss")


async def test_offline_nothing_leaves(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache()) as client:
        await ask(client, provider)
    chat, cache = provider.url + CHAT_PATH, make_cache(mode="offline")
    async with face.client(cache) as client:
        assert (await ask(client, provider)).cache_status.hit
        for method, url, options in (
            ("POST", chat, {"json": body_of("other")}),
            ("POST", chat, {"json": body_of(stream=True)}),
            ("POST", chat, {"json": body_of(background=True)}),
            ("POST", provider.url + "/v1/files", {"files": {"file": b"x"}}),
            ("POST", provider.url + "/v1beta/models/m:streamGenerateContent", {"json": {}}),
            ("GET", provider.url + "/v1/models", {}),
            ("GET", provider.url + "/v1/models", {"headers": {"if-none-match": '"a"'}}),
            ("HEAD", provider.url + "/v1/models", {}),
            ("PUT", provider.url + "/v1/files/1", {"content": b"x"}),
            ("DELETE", provider.url + "/v1/files/1", {}),
            ("OPTIONS", provider.url, {}),
        ):
            assert_refused(await client.request(method, url, **options))
    assert provider.calls == 1
    assert "POST " + chat in (await offline_message(face, cache, chat))


async def offline_message(face: Face, cache: Cache, url: str) -> str:
    async with face.client(cache) as client:
        message: str = (await client.post(url, json=body_of("more"), params={"api_key": "secret"})).json()["error"]["message"]
    assert "secret" not in message
    assert "'m'" in message
    return message


@pytest.mark.parametrize("way", ["read", "iter_bytes", "iter_lines"])
async def test_a_refusal_that_is_streamed(face: Face, provider: Provider, make_cache: MakeCache, way: str) -> None:
    url = provider.url + CHAT_PATH
    async with face.client(make_cache(mode="offline")) as client, client.stream("POST", url, json=body_of(stream=True)) as reply:
        if way == "read":
            await reply.read()
        else:
            assert await reply.all(way)
        assert_refused(reply)
        with pytest.raises(face.http.HTTPStatusError):
            reply.raise_for_status()
    assert provider.calls == 0


async def test_offline_when_the_provider_is_down(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache()) as client:
        await ask(client, provider)
    provider.close()
    async with face.client(make_cache(mode="offline")) as client:
        assert (await ask(client, provider)).cache_status.hit
        assert_refused(await ask(client, provider, "other"))
        assert_refused(await ask(client, provider, stream=True))
        assert_refused(await client.get(provider.url + "/v1/models"))
    async with face.client(make_cache()) as client:
        assert (await ask(client, provider)).cache_status.hit
        with pytest.raises(face.http.ConnectError):
            await ask(client, provider, "other")


async def test_offline_a_stale_entry_answers(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache()) as client:
        await ask(client, provider)
    cache = make_cache(mode="offline", ttl=0)
    async with face.client(cache) as client:
        reply = await ask(client, provider)
    assert reply.cache_status.hit
    assert reply.cache_status.ttl is not None
    assert reply.cache_status.ttl <= 0
    assert cache.stats.stale == 1


async def test_miss_raise(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache(mode="offline", miss="raise")) as client:
        for url, more in ((CHAT_PATH, {}), (CHAT_PATH, {"stream": True}), ("/v1/files", {})):
            with pytest.raises(NotRecorded) as caught:
                await client.post(provider.url + url, json=body_of(**more))
            assert "Nothing was sent" in str(caught.value)
        assert not isinstance(caught.value, Exception)
        for method in ("GET", "HEAD"):
            reply = await client.request(method, provider.url + "/v1/models")
            assert reply.status_code == 424
    assert provider.calls == 0


async def test_ttl_zero(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    cache = make_cache(ttl=0)
    async with face.client(cache) as client:
        first, second = await ask(client, provider), await ask(client, provider)
    assert (first.cache_status.fwd, second.cache_status.fwd) == ("miss", "stale")
    assert second.cache_status.stored
    assert provider.calls == 2
    assert cache.prune() == 1


async def test_ttl_none(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    async with face.client(make_cache(ttl=None)) as client:
        await ask(client, provider)
        hit = await ask(client, provider)
    assert hit.headers["cache-status"] == f'wirecache; hit; key="{hit.cache_status.key}"'


async def test_namespaces_are_apart(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    hits = []
    for namespace in ("a", "b", "", "a", "b", ""):
        async with face.client(make_cache(namespace=namespace)) as client:
            hits.append((await ask(client, provider)).cache_status.hit)
    assert hits == [False, False, False, True, True, True]
    assert provider.calls == 3
