"""``install``: every client of the process has the cache, however it was made, until ``uninstall``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wirecache
from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import TLS, Client, Face
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache
from wirecache._clients import install


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    while install._stack:
        wirecache.uninstall()


async def no_wait(action: Callable[[], Any]) -> None:
    action()


async def hits(client: Client, provider: Provider, text: str = "hi") -> list[bool]:
    """Ask twice: which call was answered from the store?"""
    return [(await ask(client, provider, text)).cache_status.hit for _ in range(2)]


async def untouched(client: Client, provider: Provider) -> bool:
    reply = await ask(client, provider)
    return "wirecache" not in reply.extensions and "cache-status" not in reply.headers


# -- which clients ----------------------------------------------------------------------------------------------------


async def test_clients_made_before_and_after(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.plain_client() as before:
        assert await untouched(before, provider)
        with wirecache.install(cache):
            assert await hits(before, provider) == [False, True]
            async with face.plain_client() as after:
                assert await hits(after, provider) == [True, True]
        assert await untouched(before, provider)
    assert provider.calls == 3


async def test_a_transport_that_somebody_wrote_or_exchanged_later(face: Face, provider: Provider, cache: Cache) -> None:
    sent: list[Any] = []

    async def answer(request: Any) -> Any:
        sent.append(request)
        return face.http.Response(200, json=CHAT)

    with wirecache.install(cache):
        async with face.plain_client(transport=face.transport(answer)) as client:
            assert await hits(client, provider, "one") == [False, True]
        async with face.plain_client() as client:
            client.native._transport = face.transport(answer)
            assert await hits(client, provider, "two") == [False, True]
    assert len(sent) == 2
    assert provider.calls == 0


def application(face: Face, calls: list[str]) -> Any:
    """An ASGI or WSGI application that answers a chat, as the code under test would."""
    answer = json.dumps(CHAT).encode()

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        calls.append(environ["PATH_INFO"])
        start_response("200 OK", [("content-type", "application/json")])
        return [answer]

    return asgi if face.is_async else wsgi


def in_process_transport(face: Face, kind: str, calls: list[str]) -> Any:
    """A transport that calls an application or a function of this process."""
    http = face.http
    if kind == "mock":
        return http.MockTransport(lambda request: calls.append(request.url.path) or http.Response(200, json=CHAT))
    standard = http.ASGITransport if face.is_async else http.WSGITransport
    inner = standard(application(face, calls))
    if kind == "standard":
        return inner
    if kind == "subclass":
        return type("Own", (standard,), {})(application(face, calls))

    async def answer(request: Any) -> Any:
        return await inner.handle_async_request(request) if face.is_async else inner.handle_request(request)

    outer = face.transport(answer)
    if kind == "slots":
        own = type("Own", (type(outer),), {"__slots__": ("inner",)})()
        own.inner = inner
        return own
    if kind == "router":  # which finds a transport for each host
        outer.routes = {"http://testserver": inner}
        return outer
    if kind == "test client":  # as Starlette's: a transport of its own, with the application
        outer.app = application(face, calls)
    else:  # a transport on top of one of them
        outer.wrapped = inner
    return outer


@pytest.mark.parametrize("kind", ["standard", "mock", "subclass", "test client", "on top", "slots", "router"])
async def test_calls_within_the_process_pass_untouched(kind: str, face: Face, provider: Provider, cache: Cache) -> None:
    calls: list[str] = []
    with wirecache.install(cache):
        async with face.plain_client(transport=in_process_transport(face, kind, calls)) as client:
            for _ in range(2):
                reply = await client.post("http://testserver" + CHAT_PATH, json=body_of())
                assert reply.json() == CHAT
                assert "wirecache" not in reply.extensions
    assert calls == [CHAT_PATH, CHAT_PATH]
    with wirecache.install(cache, in_process=True):
        async with face.plain_client(transport=in_process_transport(face, kind, calls)) as client:
            assert await hits(client, provider, "in process") == [False, True]
    assert len(calls) == 3


async def test_a_transport_on_top_of_the_network_has_the_cache(face: Face, provider: Provider, cache: Cache) -> None:
    network = face.network()

    async def answer(request: Any) -> Any:
        return await network.handle_async_request(request) if face.is_async else network.handle_request(request)

    transport = face.transport(answer)
    transport.routes, transport.spare = network, in_process_transport(face, "mock", [])
    with wirecache.install(cache):
        async with face.plain_client(transport=transport) as client:
            assert await hits(client, provider) == [False, True]
    await (network.aclose() if face.is_async else no_wait(network.close))


async def test_mounts_and_proxies(face: Face, provider: Provider, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", provider.url)
    with wirecache.install(cache):
        async with face.plain_client(mounts={"http://mounted": face.network()}) as client:
            for _ in range(2):
                reply = await client.post(f"http://nowhere.invalid{CHAT_PATH}", json=body_of())
            assert reply.cache_status.hit
    assert [request.path for request in provider.requests] == [f"http://nowhere.invalid{CHAT_PATH}"]


async def test_a_subclass_that_sends_in_its_own_way_and_event_hooks(face: Face, provider: Provider, cache: Cache) -> None:
    heard: list[str] = []

    async def hear(event: Any) -> None:
        heard.append("event")

    base = type(face.plain_client().native)
    if face.is_async:

        async def send(self: Any, request: Any, **options: Any) -> Any:
            heard.append("send")
            return await base.send(self, request, **options)
    else:

        def send(self: Any, request: Any, **options: Any) -> Any:  # type: ignore[misc]
            heard.append("send")
            return base.send(self, request, **options)

    kind = type("Own", (base,), {"send": send})
    hooks = {"request": [face.hook(hear)], "response": [face.hook(hear)]}
    with wirecache.install(cache):
        async with Client(kind(verify=TLS, event_hooks=hooks), face.is_async) as client:
            assert await hits(client, provider) == [False, True]
    assert heard == ["send", "event", "event"] * 2


async def test_a_client_with_a_cache_of_its_own_keeps_it(
    face: Face, provider: Provider, cache: Cache, make_cache: Callable[..., Cache]
) -> None:
    own = make_cache(namespace="own")

    class Around:
        """Somebody's transport on top of ours."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def handle_request(self, request: Any) -> Any:
            return self.inner.handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await self.inner.handle_async_request(request)

        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *error: object) -> None: ...
        def __enter__(self) -> None: ...
        def __exit__(self, *error: object) -> None: ...

    with wirecache.install(cache):
        async with face.client(own) as client:
            assert await hits(client, provider, "one") == [False, True]
        around = Around(face.cache_transport(own, face.network()))
        async with face.plain_client(transport=around) as client:
            assert await hits(client, provider, "two") == [False, True]
            assert "," not in (await ask(client, provider, "two")).headers["cache-status"]
            await around.inner.aclose() if face.is_async else around.inner.close()
    assert (own.stats.misses, own.stats.hits) == (2, 3)
    assert cache.stats == type(cache.stats)()
    assert provider.calls == 2


# -- what is touched --------------------------------------------------------------------------------------------------


async def test_what_the_policy_does_not_know_passes(face: Face, provider: Provider, cache: Cache) -> None:
    with wirecache.install(cache):
        async with face.plain_client() as client:
            for _ in range(2):
                assert (await client.post(f"{provider.url}/v1/files", json={})).cache_status.fwd == "bypass"
            assert (await client.post(provider.url + CHAT_PATH, json=body_of(stream=True))).cache_status.detail == "stream"
    assert (provider.calls, cache.stats.stored) == (3, 0)


async def test_an_upgrade_passes_with_its_connection(face: Face, provider: Provider, cache: Cache) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    provider.script = lambda _: Answer(raw=switching + b"hello")
    with wirecache.install(cache):
        async with face.plain_client() as client:
            headers = {"upgrade": "websocket", "connection": "upgrade"}
            async with client.stream("GET", f"{provider.url}/v1/realtime", headers=headers) as reply:
                connection = reply.extensions["network_stream"]
                assert reply.status_code == 101
                assert (await connection.read(99) if face.is_async else connection.read(99)) == b"hello"
    assert cache.stats.bypassed == 1


# -- nesting ----------------------------------------------------------------------------------------------------------


async def test_the_inner_one_is_in_force_and_the_outer_one_comes_back(
    face: Face, provider: Provider, make_cache: Callable[..., Cache]
) -> None:
    outer, inner = make_cache(namespace="outer"), make_cache(namespace="inner")
    async with face.plain_client() as client:
        wirecache.install(outer)
        assert await hits(client, provider) == [False, True]
        with wirecache.install(inner) as given:
            assert given is inner
            assert await hits(client, provider) == [False, True]
            with wirecache.install(outer):
                assert await hits(client, provider) == [True, True]
            assert await hits(client, provider) == [True, True]
        assert await hits(client, provider) == [True, True]
        wirecache.uninstall()
        assert await untouched(client, provider)
    assert (outer.stats.hits, inner.stats.hits) == (5, 3)


async def test_a_block_ends_its_own_install_only(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    first, second = make_cache(namespace="first"), make_cache(namespace="second")
    async with face.plain_client() as client:
        with wirecache.install(first):
            wirecache.install(second)
        assert await hits(client, provider) == [False, True]
        assert (first.stats.misses, second.stats.misses) == (0, 1)
        wirecache.uninstall()
        assert await untouched(client, provider)
        wirecache.uninstall()


# -- those who hook the same classes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["ours", "theirs"])
async def test_another_hook_on_the_same_method_ended_in_any_order(face: Face, provider: Provider, cache: Cache, first: str) -> None:
    kind = type(face.plain_client().native)
    before = kind.__dict__["_transport_for_url"]
    seen: list[str] = []
    theirs = pytest.MonkeyPatch()

    def start() -> None:
        below = kind._transport_for_url
        theirs.setattr(kind, "_transport_for_url", lambda self, url: seen.append(str(url)) or below(self, url))

    async with face.plain_client() as client:
        start()
        wirecache.install(cache)
        assert await hits(client, provider) == [False, True]
        wirecache.uninstall() if first == "ours" else theirs.undo()
        theirs.undo() if first == "ours" else wirecache.uninstall()
        assert await untouched(client, provider)
        wirecache.install(cache)
        start()
        assert await hits(client, provider) == [True, True]
        wirecache.uninstall() if first == "ours" else theirs.undo()
        assert await untouched(client, provider) is (first == "ours")
        theirs.undo() if first == "ours" else wirecache.uninstall()
        assert await untouched(client, provider)
        with wirecache.install(cache):
            assert await hits(client, provider) == [True, True]
    assert len(seen) >= 2
    kind._transport_for_url = before


async def test_what_a_transport_puts_on_its_response_is_there(face: Face, provider: Provider, cache: Cache) -> None:
    """Starlette's ``TestClient`` sets ``template`` and ``context``, which tests of an application read."""

    async def answer(request: Any) -> Any:
        response = face.http.Response(200, stream=face.http.ByteStream(b"{}"))
        response.template = "index.html"
        return response

    with wirecache.install(cache):
        async with face.plain_client(transport=face.transport(answer)) as client:
            assert (await client.get(provider.url)).native.template == "index.html"
            assert (await client.post(provider.url)).native.template == "index.html"
