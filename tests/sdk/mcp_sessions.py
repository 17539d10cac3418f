"""Sessions of MCP with the real package, 1.x on httpx or 2.x on httpx2, against the server in ``mcp_server.py``."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mcp
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

LIBRARY = "httpx2" if version("mcp").startswith("2") else "httpx"
SERVER = Path(__file__).with_name("mcp_server.py")


@contextmanager
def running(port: int, answers: str) -> Iterator[str]:
    """Run the server; ``answers``: events, json, or resumable (events with ids). Yield its URL."""
    process = subprocess.Popen([sys.executable, SERVER, str(port), answers], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    http = importlib.import_module(LIBRARY)
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(600):
            try:
                http.get(url)
                break
            except http.ConnectError:
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


async def session(url: str, calls: list[tuple[str, dict[str, Any]]], http_client: Any = None, *, lists: bool = True) -> list[Any]:
    """Return what one session gets. ``lists``: it lists the tools first, else in its first call."""
    progress: list[tuple[float, float | None]] = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append((done, total))

    async def roots(context: Any) -> Any:
        return mcp.types.ListRootsResult(roots=[mcp.types.Root(uri="file:///home")])  # type: ignore[arg-type]

    async with (
        streamable_http_client(url, http_client=http_client) as streams,
        ClientSession(*streams[:2], list_roots_callback=roots) as client,
    ):
        begun: Any = await client.initialize()
        got: list[Any] = [(begun.server_info if LIBRARY == "httpx2" else begun.serverInfo).name]
        got += [sorted(tool.name for tool in (await client.list_tools()).tools)] if lists else []
        for name, arguments in calls:
            result: Any = await client.call_tool(name, arguments, progress_callback=on_progress if name == "slow" else None)
            got.append(result.content[0].text)
    return [*got, *progress]
