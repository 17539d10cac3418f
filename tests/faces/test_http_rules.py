"""What is not inference: GET and HEAD follow HTTP's own rules, all else passes; and bodies of every kind are still sent."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import Face
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from wirecache import Cache

ABOUT = "Wed, 21 Oct 2015 07:28:00 GMT"


async def test_polling_is_live(face: Face, provider: Provider, cache: Cache) -> None:
    states = iter(["validating", "in_progress", "completed"])
    provider.script = lambda _: Answer.of({"status": next(states)}, last_modified=ABOUT)
    async with face.client(cache) as client:
        replies = [await client.get(provider.url + "/v1/batches/b") for _ in range(3)]
    assert [reply.json()["status"] for reply in replies] == ["validating", "in_progress", "completed"]
    assert [reply.cache_status.fwd for reply in replies] == ["miss", "stale", "stale"]  # kept, but never used unless the server confirms it
    assert provider.calls == 3


async def test_a_get_that_its_server_allows_is_reused(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"data": [1]}, cache_control="max-age=60", age="20")
    async with face.client(cache) as client:
        for hit in (False, True, True):
            reply = await client.get(provider.url + "/v1/models")
            assert (reply.json(), reply.cache_status.hit) == ({"data": [1]}, hit)
            assert reply.headers.get_list("age") == ["20"]
        assert 38 <= (reply.cache_status.ttl or 0) <= 40
        assert not (await client.get(provider.url + "/v1/models?page=2")).cache_status.hit
        other = await client.get(provider.url + "/v1/models", headers={"authorization": "Bearer other"})
        assert not other.cache_status.hit  # another account, another answer
    assert provider.calls == 3


async def test_a_get_that_its_server_forbids(face: Face, provider: Provider, cache: Cache) -> None:
    directives = ("no-store", "no-cache", "max-age=0", "private, max-age=0, must-revalidate")
    provider.script = lambda request: Answer.of({}, cache_control=directives[int(request.path[-1])])
    async with face.client(cache) as client:
        for at in range(len(directives)):
            for _ in range(2):
                assert not (await client.get(provider.url + f"/v1/models/{at}")).cache_status.hit, directives[at]
    assert provider.calls == 2 * len(directives)


async def test_an_etag_is_revalidated(face: Face, provider: Provider, cache: Cache) -> None:
    def script(request: ReceivedRequest) -> Answer:
        head = {"content-type": "application/json", "cache-control": "max-age=0", "etag": '"1"', "x-count": str(provider.calls)}
        if request.header("if-none-match") == '"1"':
            return Answer(304, head)
        return Answer(200, head, [b'{"data": [1]}'])

    provider.script = script
    async with face.client(cache) as client:
        for count in (1, 2, 3):
            request = client.native.build_request("GET", provider.url + "/v1/models")
            reply = await client.send(request)
            assert (reply.status_code, reply.json(), reply.headers["x-count"]) == (200, {"data": [1]}, str(count))
            assert "if-none-match" not in request.headers  # the caller's request is as it was
        assert (reply.cache_status.hit, reply.cache_status.fwd, reply.cache_status.fwd_status) == (False, "stale", 304)
        assert "fwd-status=304" in reply.headers["cache-status"]
        own = await client.get(provider.url + "/v1/models", headers={"if-none-match": '"1"'})
        assert (own.status_code, own.cache_status.fwd, own.cache_status.detail) == (304, "bypass", "conditional")
    assert [request.header("if-none-match") for request in provider.requests] == [None, '"1"', '"1"', '"1"']


async def test_a_changed_etag_replaces_the_entry(face: Face, provider: Provider, cache: Cache) -> None:
    versions = iter("ab")

    def script(_: ReceivedRequest) -> Answer:
        version = next(versions)
        return Answer.of({"v": version}, cache_control="max-age=0", etag=f'"{version}"')

    provider.script = script
    async with face.client(cache) as client:
        for version in "ab":
            reply = await client.get(provider.url + "/v1/models")
            assert (reply.json(), reply.cache_status.hit, reply.cache_status.stored) == ({"v": version}, False, True)
    assert provider.requests[1].header("if-none-match") == '"a"'


async def test_head(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"cache-control": "max-age=60", "x-here": "yes"}, length=1234)
    async with face.client(cache) as client:
        for hit in (False, True):
            reply = await client.request("HEAD", provider.url + "/v1/models")
            assert (reply.cache_status.hit, reply.content, reply.headers["x-here"]) == (hit, b"", "yes")
        assert not (await client.request("HEAD", provider.url + "/v1/models/m")).cache_status.hit


async def test_other_methods_and_paths_pass(face: Face, provider: Provider, cache: Cache) -> None:
    methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "POST"] * 2
    async with face.client(cache) as client:
        for method in methods:
            path = "/v1/threads/t/messages" if method == "POST" else CHAT_PATH
            reply = await client.request(method, provider.url + path, content=b'{"a": 1}')
            assert reply.headers["cache-status"] == "wirecache; fwd=bypass; detail=no-rule"
    assert [request.method for request in provider.requests] == methods
    assert {request.body for request in provider.requests} == {b'{"a": 1}'}
    assert (cache.stats.bypassed, cache.stats.reasons["no-rule"]) == (10, 10)


async def test_an_upgrade_is_never_touched(face: Face, provider: Provider, cache: Cache) -> None:
    url = provider.url + "/v1/realtime"
    async with face.client(cache) as client, client.stream("GET", url, headers={"upgrade": "websocket"}) as reply:
        assert (reply.cache_status.fwd, reply.cache_status.detail) == ("bypass", "upgrade")
        assert reply.extensions["network_stream"].get_extra_info("server_addr")[1] == provider.port
    assert provider.requests[0].header("upgrade") == "websocket"


def generator(face: Face, *chunks: bytes) -> Any:
    """A body that is made while it is sent."""

    def sync() -> Iterator[bytes]:
        yield from chunks

    async def asynchronous() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return asynchronous() if face.is_async else sync()


async def test_a_generated_body_is_sent_and_keyed(face: Face, provider: Provider, cache: Cache) -> None:
    head = {"content-type": "application/json"}
    async with face.client(cache) as client:
        for hit, pieces in ((False, (b'{"model":', b' "m"}')), (True, (b'{"mod', b'el": "m"}'))):
            reply = await client.post(provider.url + CHAT_PATH, content=generator(face, *pieces), headers=head)
            assert reply.cache_status.hit is hit
        assert (await client.post(provider.url + CHAT_PATH, json={"model": "m"})).cache_status.hit
    assert [request.json for request in provider.requests] == [{"model": "m"}]


async def test_a_generated_body_of_something_else_is_passed_on(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        await client.post(provider.url + "/v1/files", content=generator(face, b"one", b"two"))
    assert provider.requests[0].body == b"onetwo"
    assert provider.requests[0].header("transfer-encoding") == "chunked"


async def test_a_file_as_body(face: Face, provider: Provider, cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "sound").write_bytes(b"\0" * 200_000)
    async with face.client(cache) as client:
        for hit in (False, True):
            with (tmp_path / "sound").open("rb") as sound:
                content = generator(face, *iter(lambda: sound.read(65536), b"")) if face.is_async else sound
                reply = await client.post(provider.url + "/v1/audio/transcriptions", content=content)
            assert reply.cache_status.hit is hit
    assert [len(request.body) for request in provider.requests] == [200_000]


async def test_an_upload_with_a_new_boundary_hits(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"text": "hello"})

    async def transcribe(sound: bytes, model: str = "whisper") -> tuple[str, bool]:
        file = ("a.wav", io.BytesIO(sound), "audio/wav")
        reply = await client.post(provider.url + "/v1/audio/transcriptions", files={"file": file}, data={"model": model})
        return reply.json()["text"], reply.cache_status.hit

    async with face.client(cache) as client:
        assert await transcribe(b"RIFF" * 1000) == ("hello", False)
        assert await transcribe(b"RIFF" * 1000) == ("hello", True)
        assert await transcribe(b"RIFF" * 1001) == ("hello", False)
        assert await transcribe(b"RIFF" * 1000, "other") == ("hello", False)
    boundaries = {str(request.header("content-type")) for request in provider.requests}
    assert len(boundaries) == provider.calls == 3
    assert provider.requests[0].body.count(b"RIFF") == 1000


async def test_redirects_are_followed_and_not_stored(face: Face, provider: Provider, cache: Cache) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer.of(CHAT) if request.path.startswith("/new") else Answer(307, {"location": "/new" + request.path}, length=0)

    provider.script = script
    async with face.client(cache) as client:
        for hit in (False, True):
            reply = await ask(client, provider)
            assert (reply.json(), reply.cache_status.hit, len(reply.history)) == (CHAT, hit, 1)
            assert reply.history[0].extensions["wirecache"].detail == "status-307"
    assert [request.path for request in provider.requests] == [CHAT_PATH, "/new" + CHAT_PATH, CHAT_PATH]
    assert provider.requests[1].json == body_of()
    async with face.client(cache, follow_redirects=False) as client:
        assert (await ask(client, provider)).status_code == 307
