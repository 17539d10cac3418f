"""What leads elsewhere than the URL says has entries of its own; namespaces nest; headers steer nothing where they may not."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import Face
from tests.provider import CHAT, Provider
from wirecache import Cache, options

MakeCache = Callable[..., Cache]


async def test_two_virtual_hosts_on_one_address(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        hits = [(await ask_host(client, provider, name)).cache_status.hit for name in ("a.example", "b.example", "a.example")]
    assert (hits, provider.calls) == ([False, False, True], 2)


async def ask_host(client: object, provider: Provider, name: str) -> object:
    return await client.post(provider.url + CHAT_PATH, json=body_of(), headers={"host": name})  # type: ignore[attr-defined]


async def test_a_target_in_place_of_the_path(face: Face, provider: Provider, cache: Cache) -> None:
    """httpx sends ``extensions["target"]`` as it is: two deployments behind one URL."""
    async with face.client(cache) as client:
        hits = []
        for target in (b"/a/v1/chat/completions", b"/b/v1/chat/completions", b"/a/v1/chat/completions"):
            reply = await client.post(provider.url + CHAT_PATH, json=body_of(), extensions={"target": target})
            hits.append(reply.cache_status.hit)
    assert (hits, provider.calls) == ([False, False, True], 2)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A provider on a unix socket, which answers with its own name."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({**CHAT, "id": str(self.server.server_address)}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[list[str]]:
    servers = [Server(tmp_path / name) for name in ("a.sock", "b.sock")]
    yield [str(server.server_address) for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


async def test_two_unix_sockets_under_one_url(face: Face, cache: Cache, sockets: list[str]) -> None:
    answers = []
    for path in (sockets[0], sockets[1], sockets[0]):
        async with face.client(cache, transport=face.network(uds=path)) as client:
            reply = await client.post("http://localhost" + CHAT_PATH, json=body_of())
            answers.append((reply.json()["id"], reply.cache_status.hit))
    assert answers == [(sockets[0], False), (sockets[1], False), (sockets[0], True)]


async def test_no_call_leaves_its_namespace(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    cache = make_cache(namespace="team")
    header = {"Wirecache-Namespace": "b"}
    async with face.client(cache) as client:
        with options(namespace="a"):
            await client.post(provider.url + CHAT_PATH, json=body_of(), headers=header)
            again = await client.post(provider.url + CHAT_PATH, json=body_of(), extensions={"wirecache": {"namespace": "b"}})
        outside = await client.post(provider.url + CHAT_PATH, json=body_of(), headers=header)
        with options(namespace="c"):
            other = await client.post(provider.url + CHAT_PATH, json=body_of(), headers=header)
        with options(namespace="a"), options(namespace="b"):
            nested = await ask(client, provider)
    assert [reply.cache_status.hit for reply in (again, outside, other, nested)] == [True, False, False, True]
    async with face.client(make_cache(namespace="b")) as client:
        assert not (await ask(client, provider)).cache_status.hit


async def test_headers_steer_nothing_where_they_may_not(face: Face, provider: Provider, make_cache: MakeCache) -> None:
    steering = {"Wirecache-Namespace": "x", "Wirecache-TTL": "0", "Wirecache-Sample": "3", "Cache-Control": "no-store"}
    async with face.client(make_cache(header_options=False)) as client:
        await ask(client, provider)
        assert (await client.post(provider.url + CHAT_PATH, json=body_of(), headers=steering)).cache_status.hit
        await client.post(provider.url + CHAT_PATH, json=body_of("new"), headers=steering)
    assert not [name for name, _ in provider.requests[-1].headers if name.lower().startswith("wirecache-")]
    assert provider.calls == 2


@pytest.mark.parametrize("mode", ["auto", "offline"])
async def test_without_the_status_header(face: Face, provider: Provider, make_cache: MakeCache, mode: str) -> None:
    async with face.client(make_cache(status_header=False, mode=mode)) as client:
        for _ in range(2):
            reply = await ask(client, provider)
            assert "cache-status" not in reply.headers
            assert reply.native.extensions["wirecache"].key
