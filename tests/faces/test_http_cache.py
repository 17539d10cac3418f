"""A private HTTP cache in the four faces: what RFC 9111 allows is reused, what it forbids is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, ask
from tests.faces.face import Face
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cache, MemoryStore

PATH = "/v1/models"
CHANGED = "Wed, 21 Oct 2015 07:28:00 GMT"
FRESH = {"cache-control": "max-age=3600", "etag": '"1"', "last-modified": CHANGED}


def answering(status: int = 200, body: bytes = b"0123456789", **headers: str) -> Any:
    fields = {**FRESH, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda _: Answer(status, fields, [body] if body else [], length=len(body))


@pytest.mark.parametrize("status", [404, 301, 500])
async def test_errors_and_redirects_are_reused(status: int, face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering(status, location="/elsewhere")
    async with face.client(cache, follow_redirects=False) as client:
        replies = [await client.get(provider.url + PATH) for _ in range(2)]
    assert [(reply.status_code, reply.content, reply.cache_status.hit) for reply in replies] == [
        (status, b"0123456789", False),
        (status, b"0123456789", True),
    ]


async def test_a_request_says_how_fresh_or_stale(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering(age="4000")
    async with face.client(cache) as client:
        await client.get(provider.url + PATH)
        stale = await client.get(provider.url + PATH, headers={"cache-control": "max-stale=1000"})
        assert (stale.cache_status.hit, provider.calls) == (True, 1)
        assert not (await client.get(provider.url + PATH, headers={"cache-control": "max-stale=10"})).cache_status.hit
        assert not (await client.get(provider.url + PATH, headers={"cache-control": "no-cache"})).cache_status.hit
    assert provider.calls == 3


async def test_gets_with_other_bodies_do_not_share_an_answer(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda request: Answer(200, FRESH, [request.body], length=len(request.body))
    async with face.client(cache) as client:
        replies = [await client.request("GET", provider.url + PATH, content=body) for body in (b'{"q": 1}', b'{"q": 2}')]
    assert [(reply.content, reply.cache_status.detail) for reply in replies] == [(b'{"q": 1}', "body"), (b'{"q": 2}', "body")]


async def test_a_lifetime_is_guessed_on_demand(face: Face, provider: Provider) -> None:
    provider.script = lambda _: Answer(200, {"last-modified": CHANGED}, [b"old"], length=3)
    with Cache(MemoryStore()) as careful, Cache(MemoryStore(), heuristics=True) as guessing:
        for cache, hit in ((careful, False), (guessing, True)):
            async with face.client(cache) as client:
                replies = [await client.get(provider.url + PATH) for _ in range(2)]
            assert (replies[1].content, replies[1].cache_status.hit) == (b"old", hit)
    assert [entry.ttl for entry in guessing.entries()] == [7 * 86400.0]


async def test_a_304_renews_the_lifetime_of_the_entry(face: Face, provider: Provider, cache: Cache) -> None:
    def script(request: ReceivedRequest) -> Answer:
        head = {"etag": '"1"', "cache-control": "max-age=3600" if provider.calls > 1 else "max-age=0", "content-type": "text/plain"}
        return Answer(304, head) if request.header("if-none-match") else Answer(200, head, [b"body"], length=4)

    provider.script = script
    async with face.client(cache) as client:
        replies = [await client.get(provider.url + PATH) for _ in range(3)]
    assert (replies[-1].cache_status.hit, provider.calls) == (True, 2)
    assert [entry.ttl for entry in cache.entries()] == [3600.0]
    assert cache.prune() == 0


async def test_the_headers_of_a_live_304(face: Face, provider: Provider, cache: Cache) -> None:
    def script(request: ReceivedRequest) -> Answer:
        live = {"set-cookie": f"s={provider.calls}; Path=/other", "x-ratelimit-remaining": str(provider.calls)}
        head = {"etag": '"1"', "cache-control": "max-age=3600" if provider.calls > 1 else "max-age=0", **live}
        return Answer(304, head) if request.header("if-none-match") else Answer(200, head, [b"body"], length=4)

    provider.script = script
    async with face.client(cache) as client:
        first, confirmed, reused = [await client.get(provider.url + PATH) for _ in range(3)]
    assert [reply.headers.get("set-cookie") for reply in (first, confirmed, reused)] == [
        "s=1; Path=/other",
        "s=2; Path=/other",
        None,
    ]
    assert [reply.headers.get("x-ratelimit-remaining") for reply in (first, confirmed, reused)] == ["1", "2", None]
    assert [reply.content for reply in (first, confirmed, reused)] == [b"body"] * 3


async def test_what_another_request_changes(face: Face, provider: Provider, cache: Cache) -> None:
    changes = [("DELETE", PATH, "b"), ("PROPPATCH", PATH, "a"), ("XYZ", PATH, "a"), ("POST", CHAT_PATH, "b")]
    async with face.client(cache) as client:
        for method, path, caller in changes:
            provider.script = answering()
            for hit in (False, True):
                reply = await client.get(provider.url + path, headers={"authorization": "Bearer a"})
                assert reply.cache_status.hit is hit, method
            headers = {"authorization": f"Bearer {caller}"}
            if method == "POST":
                provider.script = None
                await ask(client, provider, headers=headers)
            else:
                await client.request(method, provider.url + path, headers=headers)


async def test_fields_of_the_connection_and_of_one_caller(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering(connection="x-hop", cache_control='max-age=3600, no-cache="x-own"', x_hop="1", x_own="2", x_kept="3")
    async with face.client(cache) as client:
        first, reused = [await client.get(provider.url + PATH) for _ in range(2)]
    assert [name in first.headers for name in ("x-hop", "x-own", "x-kept")] == [True, True, True]
    assert [name in reused.headers for name in ("x-hop", "x-own", "x-kept")] == [False, False, True]
    assert reused.cache_status.hit


async def test_a_cookie_of_an_edge_is_nobody(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering(set_cookie="__cf_bm=abc; Path=/")
    async with face.client(cache) as client:
        replies = [await client.get(provider.url + PATH) for _ in range(2)]
    assert [reply.cache_status.hit for reply in replies] == [False, True]


@pytest.mark.parametrize(
    "conditions",
    [{"if-none-match": '"0", "1"'}, {"if-none-match": 'W/"1"'}, {"if-modified-since": CHANGED}],
    ids=["one of two tags", "a weak tag", "a time"],
)
async def test_a_fresh_entry_answers_a_condition(conditions: dict[str, str], face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering(content_type="text/plain")
    async with face.client(cache) as client:
        await client.get(provider.url + PATH)
        reply = await client.get(provider.url + PATH, headers=conditions)
        assert (reply.status_code, reply.content, reply.headers["etag"], reply.cache_status.hit) == (304, b"", '"1"', True)
        assert "content-length" not in reply.headers
        other = await client.get(provider.url + PATH, headers={"if-none-match": '"2"'})
        assert (other.status_code, other.cache_status.detail) == (200, "conditional")


async def test_a_fresh_entry_answers_a_range(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = answering()
    async with face.client(cache) as client:
        await client.get(provider.url + PATH)
        reply = await client.get(provider.url + PATH, headers={"range": "bytes=2-4"})
        assert (reply.status_code, reply.content, reply.cache_status.hit) == (206, b"234", True)
        assert (reply.headers["content-range"], reply.headers["content-length"]) == ("bytes 2-4/10", "3")
        assert (await client.get(provider.url + PATH)).content == b"0123456789"
    assert provider.calls == 1


async def test_a_stale_entry_in_place_of_an_error(face: Face, provider: Provider, cache: Cache) -> None:
    errors = [Answer(503, {}, length=0), Answer(raw=b"")]
    provider.script = answering(cache_control="max-age=60, stale-if-error=3600", age="100")
    async with face.client(cache) as client:
        await client.get(provider.url + PATH)
        for error in errors:
            provider.script = lambda _, error=error: error
            reply = await client.get(provider.url + PATH)
            assert (reply.status_code, reply.content, reply.cache_status.detail) == (200, b"0123456789", "stale-if-error")
    assert provider.calls == 3
