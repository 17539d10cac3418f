"""How does a request get a session on the MCP server when its client has only replayed one? By sending the handshake again."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from wirecache._core.flows.effects import Effect, SendBefore
from wirecache._core.mcp_session import INITIALIZED, SESSION_FIELD, McpSession, is_in_replayed_session
from wirecache._core.messages import Head, Request

__all__ = ["session_headers"]


def session_headers(request: Request, mcp: McpSession | None) -> Generator[Effect, Any, Mapping[bytes, bytes]]:
    """Return the headers that put the request in a session that the server knows; empty if it needs none.

    If the server refuses the handshake or assigns no session id, the request is sent unchanged, for the server to answer as it will.
    """
    if mcp is None or not is_in_replayed_session(request):
        return {}
    live = mcp.live_session(request)
    if live is None and (handshake := mcp.handshake(request)) is not None:
        head: Head = yield SendBefore(handshake, without=(SESSION_FIELD,))
        live = head.fields.get(SESSION_FIELD) if 200 <= head.status < 300 else None
        if live is not None:
            yield SendBefore(INITIALIZED, {SESSION_FIELD: live})
            mcp.began(request, live)
    return {SESSION_FIELD: live} if live is not None else {}
