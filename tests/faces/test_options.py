"""The client's own options keep their meaning: proxies, mounts, hooks, TLS, transports, limits, and the rest."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of
from tests.faces.face import Face, Reply
from tests.faces.proxy import ForwardProxy
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache

ENVIRONMENT = ("http_proxy", "ALL_PROXY")


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    running = ForwardProxy()
    yield running
    running.close()


async def assert_goes_by(through: ForwardProxy, face: Face, provider: Provider, cache: Cache, **options: Any) -> None:
    """The miss goes by the proxy, and the hit nowhere."""
    async with face.client(cache, **options) as client:
        miss, hit = await ask(client, provider), await ask(client, provider)
    assert (miss.cache_status.hit, hit.cache_status.hit, hit.json()) == (False, True, CHAT)
    assert through.seen == [provider.url + CHAT_PATH]
    assert provider.calls == 1


@pytest.mark.parametrize("variable", ENVIRONMENT)
async def test_a_proxy_of_the_environment(
    face: Face, provider: Provider, cache: Cache, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    await assert_goes_by(proxy, face, provider, cache)


async def test_a_proxy_as_option(face: Face, provider: Provider, cache: Cache, proxy: ForwardProxy) -> None:
    await assert_goes_by(proxy, face, provider, cache, proxy=proxy.url)


async def test_a_proxy_as_mount(face: Face, provider: Provider, cache: Cache, proxy: ForwardProxy) -> None:
    await assert_goes_by(proxy, face, provider, cache, mounts={"http://": face.network(proxy=proxy.url)})


@pytest.mark.parametrize("exempt", ["no_proxy", "trust_env", "transport"])
async def test_no_proxy(
    face: Face, provider: Provider, cache: Cache, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    options: dict[str, Any] = {}
    if exempt == "no_proxy":
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    elif exempt == "trust_env":
        options["trust_env"] = False
    else:  # as in the library itself: a transport of one's own switches the environment's proxies off
        options["transport"] = face.network()
    async with face.client(cache, **options) as client:
        for hit in (False, True):
            assert (await ask(client, provider)).cache_status.hit is hit
    assert (proxy.seen, provider.calls) == ([], 1)


async def test_offline_a_proxy_sees_nothing(face: Face, provider: Provider, proxy: ForwardProxy, make_cache: Any) -> None:
    async with face.client(make_cache(mode="offline"), proxy=proxy.url) as client:
        assert (await ask(client, provider)).status_code == 424
    assert (proxy.seen, provider.calls) == ([], 0)


async def test_mounts(face: Face, provider: Provider, cache: Cache) -> None:
    """Each mount gets the cache; a mount of None stands for the client's own transport."""
    used = []

    async def answer(request: Any) -> Any:
        used.append(str(request.url))
        return face.http.Response(200, json={"from": "mount"})

    mounts = {"http://mounted.test": face.transport(answer), "http://127.0.0.1": None}
    async with face.client(cache, mounts=mounts) as client:
        for hit in (False, True):
            reply = await client.post("http://mounted.test/v1/chat/completions", json=body_of())
            assert (reply.json(), reply.cache_status.hit) == ({"from": "mount"}, hit)
            assert ((await ask(client, provider)).json(), reply.cache_status.hit) == (CHAT, hit)
    assert (len(used), provider.calls) == (1, 1)


async def test_base_url_headers_params_cookies_auth(face: Face, provider: Provider, cache: Cache) -> None:
    options = {
        "base_url": provider.url + "/v1",
        "headers": {"x-mine": "1"},
        "params": {"v": "2"},
        "cookies": {"c": "3"},
        "auth": ("u", "p"),
    }
    async with face.client(cache, **options) as client:
        for hit in (False, True):
            assert (await client.post("/chat/completions", json=body_of())).cache_status.hit is hit
    (request,) = provider.requests
    assert (request.path, request.header("x-mine"), request.header("cookie")) == (CHAT_PATH + "?v=2", "1", "c=3")
    assert (request.header("authorization") or "").startswith("Basic ")


async def test_timeout(face: Face, provider: Provider, cache: Cache) -> None:
    gate = Gate()
    provider.script = lambda _: gate.wait() and None
    async with face.client(cache, timeout=face.http.Timeout(5, read=0.05)) as client:
        with pytest.raises(face.http.ReadTimeout):
            await ask(client, provider)
        gate.open()
        assert client.native.timeout.read == 0.05
    async with face.client(cache) as client:
        assert client.native.timeout == face.http.Timeout(5)  # the library's default: an SDK that sees it applies its own


async def test_event_hooks(face: Face, provider: Provider, cache: Cache) -> None:
    seen: list[Any] = []

    async def on_request(request: Any) -> None:
        request.headers["x-hooked"] = "yes"
        seen.append(str(request.url))

    async def on_response(reply: Reply) -> None:
        await reply.read()
        seen.append((reply.json(), reply.cache_status.hit, reply.cache_status.stored))

    hooks = {"request": [face.hook(on_request)], "response": [face.hook(on_response)]}
    url = provider.url + CHAT_PATH
    async with face.client(cache, event_hooks=hooks) as client:
        assert (await ask(client, provider)).json() == CHAT
        assert (await ask(client, provider)).json() == CHAT
        async with client.stream("POST", url, json=body_of()) as reply:
            assert b"".join(await reply.all("iter_bytes")) == await reply.read()
    assert seen == [url, (CHAT, False, True), url, (CHAT, True, False), url, (CHAT, True, False)]
    assert provider.requests[0].header("x-hooked") == "yes"
    assert provider.calls == 1


async def test_a_hook_that_raises(face: Face, provider: Provider, cache: Cache) -> None:
    """SDKs' hooks raise on a bad status; the connection must come back."""

    async def on_response(reply: Reply) -> None:
        reply.raise_for_status()

    provider.script = lambda _: Answer.of({"error": {}}, status=500)
    limits = face.http.Limits(max_connections=1)
    async with face.client(cache, event_hooks={"response": [face.hook(on_response)]}, limits=limits) as client:
        for _ in range(3):
            with pytest.raises(face.http.HTTPStatusError):
                await ask(client, provider)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_an_inner_transport_that_read_the_response(face: Face, provider: Provider, cache: Cache, coding: str) -> None:
    """A logging or retrying transport reads, and passes the response on; the library then serves what was read."""
    network = face.network()
    body = json.dumps(CHAT).encode()
    sent = gzip.compress(body) if coding == "gzip" else body
    head = {"content-type": "application/json", "content-encoding": coding}
    provider.script = lambda _: Answer(200, head, [sent], length=len(sent))

    async def reading(request: Any) -> Any:
        response = await network.handle_async_request(request) if face.is_async else network.handle_request(request)
        await Reply(response, face.is_async).read()
        return response

    async with face.client(cache, transport=face.transport(reading)) as client:
        miss, hit = await ask(client, provider), await ask(client, provider)
        live = await client.post(provider.url + "/v1/files", json={})
    assert miss.content == hit.content == live.content == body
    assert (miss.cache_status.stored, hit.cache_status.hit, miss.cache_status.detail) == (True, True, None)
    await network.aclose() if face.is_async else network.close()


async def test_a_transport_whose_answers_are_made_in_memory(face: Face, cache: Cache) -> None:
    calls = []

    async def answer(request: Any) -> Any:
        calls.append(request)
        return face.http.Response(200, json=CHAT, headers={"x-a": "b"})

    async with face.client(cache, transport=face.transport(answer)) as client:
        for hit in (False, True):
            reply = await client.post("https://api.test" + CHAT_PATH, json=body_of())
            assert (reply.json(), reply.cache_status.hit, reply.headers["x-a"]) == (CHAT, hit, "b")
            assert reply.http_version == "HTTP/1.1"
    assert len(calls) == 1


async def test_a_bare_cache_transport(face: Face, provider: Provider, cache: Cache) -> None:
    for next_transport in ((), (face.network(),)):
        async with face.plain_client(transport=face.cache_transport(cache, *next_transport)) as client:
            await ask(client, provider)
            assert (await ask(client, provider)).cache_status.hit
            assert (await client.post(provider.url + "/v1/files", json={})).status_code == 200
    assert provider.calls == 3


async def test_limits(face: Face, provider: Provider, cache: Cache) -> None:
    url, short = provider.url + CHAT_PATH, face.http.Timeout(5, pool=0.05)
    async with face.client(cache, limits=face.http.Limits(max_connections=1)) as client:
        await ask(client, provider)
        async with client.stream("POST", url, json=body_of("held")) as held:
            with pytest.raises(face.http.PoolTimeout):
                await client.post(url, json=body_of("other"), timeout=short)
            assert (await ask(client, provider)).cache_status.hit  # a hit needs no connection
            await held.read()
        assert (await ask(client, provider, "other")).cache_status.stored


async def test_default_options(face: Face, cache: Cache) -> None:
    async with face.client(cache) as client:
        assert client.native.follow_redirects is True
        below = client.native._transport.next_transport
        pool = (below._unused[0] if face.is_async else below)._pool
        assert (pool._max_connections, pool._max_keepalive_connections) == (1000, 100)


async def test_closing_a_client_leaves_the_cache_usable(face: Face, provider: Provider, cache: Cache) -> None:
    client = face.client(cache)
    await ask(client, provider)
    await client.close()
    assert client.native.is_closed
    with pytest.raises(RuntimeError):
        await ask(client, provider)
    async with face.client(cache) as other:
        assert (await ask(other, provider)).cache_status.hit
        assert (await ask(other, provider, "more")).cache_status.stored


async def test_the_default_cache(face: Face, provider: Provider, tmp_path: Path) -> None:
    """Without a cache, a client has one on the default store."""
    async with face.client() as client:
        assert (await ask(client, provider)).cache_status.stored
        client.native._transport.cache.close()
    assert (tmp_path / "default-store" / "cache.db").exists()
    async with face.client() as client:
        assert (await ask(client, provider)).cache_status.hit
        client.native._transport.cache.close()


# -- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(certificate: Path) -> Iterator[Provider]:
    """A provider that speaks HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running = Provider(tls=context)
    yield running
    running.close()


async def test_verify(face: Face, secure: Provider, cache: Cache, certificate: Path) -> None:
    async with face.client(cache) as client:
        with pytest.raises(face.http.ConnectError):
            await ask(client, secure)
    async with face.client(cache, verify=False) as client:
        assert (await ask(client, secure)).cache_status.stored
        assert (await ask(client, secure)).cache_status.hit
    async with face.client(cache, verify=ssl.create_default_context(cafile=str(certificate))) as client:
        assert (await ask(client, secure, "other")).cache_status.stored
    async with face.client(cache) as client:
        assert (await ask(client, secure)).cache_status.hit  # what was stored needs no handshake
    assert secure.calls == 2


async def test_entering_a_client_enters_the_transports(face: Face, provider: Provider, cache: Cache) -> None:
    """Some transports set themselves up there, and tidy up when they are left."""
    noted: list[str] = []

    class Entered(type(face.network())):  # type: ignore[misc]
        def __enter__(self) -> Any:
            noted.append("enter")
            return super().__enter__()

        def __exit__(self, *error: Any) -> None:
            noted.append("exit")
            super().__exit__(*error)

        async def __aenter__(self) -> Any:
            noted.append("enter")
            return await super().__aenter__()

        async def __aexit__(self, *error: Any) -> None:
            noted.append("exit")
            await super().__aexit__(*error)

    async with face.client(cache, transport=Entered(verify=False)) as client:
        assert noted == ["enter"]
        await ask(client, provider)
    assert noted == ["enter", "exit"]
