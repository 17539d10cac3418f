"""A server of MCP on the real package, 1.x or 2.x, which numbers the calls: ``python mcp_server.py PORT events|json|resumable``."""

from __future__ import annotations

import sys
from typing import Any

from mcp.server.streamable_http import EventMessage, EventStore

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
except ImportError:  # 1.x
    from mcp.server.fastmcp import Context, FastMCP

    MCPServer: Any = None  # type: ignore[no-redef]

PORT, ANSWERS = int(sys.argv[1]), sys.argv[2]


class Events(EventStore):
    """All events in memory."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self.events.append((stream_id, message))
        return f"event-{len(self.events)}"

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        number = int(last_event_id.removeprefix("event-"))
        stream_id: str = self.events[number - 1][0]
        for at, (stream, message) in enumerate(self.events[number:], number + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, f"event-{at}"))
        return stream_id


OPTIONS: dict[str, Any] = {"host": "127.0.0.1", "port": PORT, "json_response": ANSWERS == "json"}
RESUMABLE: dict[str, Any] = {"event_store": Events(), "retry_interval": 10} if ANSWERS == "resumable" else {}
server: Any = MCPServer("demo") if MCPServer is not None else FastMCP("demo", **OPTIONS, **RESUMABLE)
calls = 0


@server.tool()  # type: ignore[untyped-decorator]
def add(a: int, b: int) -> int:
    """Add two numbers, and a hundred for each call so far."""
    global calls
    calls += 1
    return a + b + 100 * calls


@server.tool()  # type: ignore[untyped-decorator]
async def slow(ctx: Context) -> str:
    """Report progress, then end."""
    for done in (1, 2):
        await ctx.report_progress(done, 2)
    return f"done {calls}"


@server.tool()  # type: ignore[untyped-decorator]
async def polled(ctx: Context) -> str:
    """Close the stream of the answer, so that the client must resume it."""
    await ctx.close_sse_stream()
    return f"resumed {calls}"


@server.tool()  # type: ignore[untyped-decorator]
async def curious(ctx: Context) -> str:
    """Ask the client something before it answers."""
    roots = await ctx.session.list_roots()
    return ", ".join(str(root.uri) for root in roots.roots)


@server.tool()  # type: ignore[untyped-decorator]
def broken() -> str:
    """Fail."""
    raise ValueError("no luck today")


if MCPServer is not None:
    server.run("streamable-http", **OPTIONS, **RESUMABLE)
else:
    server.run("streamable-http")
