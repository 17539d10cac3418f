from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.core.play import ask, entry, head
from wirecache._core.flows.effects import SendBefore
from wirecache._core.flows.mcp_handshake import session_headers
from wirecache._core.mcp_session import INITIALIZED, McpSession

URL = "https://h/mcp"
BEGIN = {"jsonrpc": "2.0", "id": 0, "method": "initialize"}
REPLAYED = ask(URL, headers={"mcp-session-id": "session"})
BEGUN = head(headers={"mcp-session-id": "live"})


def played(session: McpSession | None, *answers: Any, request: Any = REPLAYED) -> tuple[list[Any], Mapping[bytes, bytes]]:
    """Return what is sent before, and the headers of the request itself."""
    flow, sent = session_headers(request, session), []
    try:
        effect = next(flow)
        for answer in answers:
            sent.append(effect)
            effect = flow.send(answer)
    except StopIteration as stop:
        return sent, stop.value
    raise AssertionError(f"it did not end, but yields {effect}")


@pytest.fixture
def session() -> McpSession:
    """One whose handshake was replayed."""
    made = McpSession()
    made.replayed(entry(request_body=json.dumps(BEGIN).encode()), ask(URL), BEGIN)
    return made


def test_the_handshake_is_sent_once(session: McpSession) -> None:
    begin = SendBefore(json.dumps(BEGIN).encode(), without=(b"mcp-session-id",))
    live = {b"mcp-session-id": b"live"}
    assert played(session, BEGUN, head(202)) == ([begin, SendBefore(INITIALIZED, live)], live)
    assert played(session) == ([], live)


@pytest.mark.parametrize("answer", [head(404), head(500, {"mcp-session-id": "x"}), head()])
def test_a_server_without_sessions_gets_the_request_as_it_is(session: McpSession, answer: Any) -> None:
    assert played(session, answer)[1] == {}


def test_what_is_in_no_replayed_session_needs_none(session: McpSession) -> None:
    for request in (
        ask(URL),
        ask(URL, headers={"mcp-session-id": "its own"}),
        ask("https://other/mcp", headers={"mcp-session-id": "session"}),
    ):
        assert played(session, request=request) == ([], {})
    assert played(None) == ([], {})
