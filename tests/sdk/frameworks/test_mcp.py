"""MCP over streamable HTTP, by the real package against a real server: a session is recorded, and replayed when the server is gone."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from wirecache import Cassette, cached_async_client, install

SERVER = """
import sys
from mcp.server import MCPServer

server = MCPServer("demo")
calls = 0

@server.tool()
def add(a: int, b: int) -> int:
    global calls
    calls += 1
    return a + b + 100 * calls

server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]), json_response=sys.argv[2] == "json")
"""


@contextmanager
def running(port: int, answers: str) -> Iterator[str]:
    """Run the server, which numbers its calls; ``answers``: events, or json."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(port), answers], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(300):
            try:
                httpx2.get(url)
                break
            except httpx2.ConnectError:
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


async def session(url: str, http_client: Any = None) -> list[Any]:
    """Return what one session gets; two of its calls are equal, but for the JSON-RPC id."""
    async with streamable_http_client(url, http_client=http_client) as streams, ClientSession(*streams) as client:
        got: list[Any] = [(await client.initialize()).server_info.name, [tool.name for tool in (await client.list_tools()).tools]]
        answers = [await client.call_tool("add", {"a": a, "b": 2}) for a in (1, 2, 1)]
        return [*got, *(answer.content[0].text for answer in answers)]


def by_install(cassette: Cassette, url: str) -> list[Any]:
    with install(cassette):
        return anyio.run(session, url)


def by_client(cassette: Cassette, url: str) -> list[Any]:
    async def main() -> list[Any]:
        async with cached_async_client(cassette, library="httpx2") as http:
            return await session(url, http)

    return anyio.run(main)


@pytest.mark.parametrize("use", [by_install, by_client])
@pytest.mark.parametrize("answers", ["events", "json"])
def test_a_session_is_replayed_without_its_server(tmp_path: Path, free_port: int, use: Any, answers: str) -> None:
    with running(free_port, answers) as url, Cassette(tmp_path, "once") as cassette:
        live = use(cassette, url)
    assert live == ["demo", ["add"], "103", "204", "303"]
    for mode in ("none", "once"):
        with Cassette(tmp_path, mode, miss="raise") as cassette:
            assert use(cassette, url) == live
        report = cassette.report()
        assert (report.replayed, report.recorded, report.live, report.unused, report.missing) == (7, 0, 0, (), ())


@pytest.fixture
def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
