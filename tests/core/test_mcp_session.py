from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import ask, entry
from wirecache._core.mcp_session import (
    McpSession,
    answers_server,
    ends_mcp_session,
    is_in_replayed_session,
    is_mcp_stream,
    is_resumable,
    with_ids,
)
from wirecache._core.messages import Chunk, Entry, Request, RequestSummary, pack_chunks

URL = "https://h/mcp"
SSE = ((b"content-type", b"text/event-stream"),)
MCP = {"accept": "application/json, text/event-stream", "mcp-session-id": "s"}


def request(id: Any, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def recorded(sent: Any, body: bytes, **changes: Any) -> Entry:
    """What was recorded for this message."""
    summary = RequestSummary("POST", URL, "", None, {}).to_bytes()
    return entry(body=body, request_body=json.dumps(sent).encode(), summary=summary, **changes)


def resume(event: str, url: str = URL) -> Request:
    return ask(url, "GET", headers={**MCP, "last-event-id": event})


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        pytest.param("GET", MCP, True, id="the stream of a session"),
        pytest.param("GET", {"accept": "text/event-stream", "mcp-protocol-version": "2025-11-25"}, True, id="without a session"),
        pytest.param("GET", {**MCP, "last-event-id": "3"}, True, id="a request that resumes one"),
        pytest.param("POST", MCP, False, id="a message"),
        pytest.param("DELETE", MCP, False, id="the end of a session"),
        pytest.param("GET", {**MCP, "accept": "application/json"}, False, id="no events"),
        pytest.param("GET", {"accept": "text/event-stream"}, False, id="no MCP"),
    ],
)
def test_what_is_a_stream_of_an_mcp_server(method: str, headers: dict[str, str], expected: bool) -> None:
    sent = ask(URL, method, headers=headers)
    assert is_mcp_stream(sent) is expected
    assert McpSession().listens(sent) is (expected and "last-event-id" not in headers)
    assert ends_mcp_session(sent) is (method == "DELETE")


def test_an_answer_has_the_id_that_its_request_has_now() -> None:
    found = recorded(request(3), b'{"jsonrpc":"2.0","id":3,"result":{}}')
    answer = McpSession().replayed(found, ask(URL), request("seven"))
    assert answer.body == b'{"jsonrpc":"2.0","id":"seven","result":{}}'
    assert McpSession().replayed(found, ask(URL), request(3)) is found
    assert McpSession().replayed(found, ask(URL), {"model": "m"}) is found
    assert McpSession().replayed(found._replace(request_body=b"cut"), ask(URL), request(4)).body == found.body


def test_a_stream_keeps_its_chunks_and_their_times() -> None:
    pieces = [b'data: {"id"', b":1", b'0,"result"', b":{}}\n\n", b": end\n\n"]
    chunks = tuple(Chunk(len(piece), float(at)) for at, piece in enumerate(pieces))
    found = recorded(request(10), b"".join(pieces), headers=SSE, chunk_times=pack_chunks(chunks))
    answer = with_ids(found, {"10": "12345"})
    assert answer.body == b'data: {"id":12345,"result":{}}\n\n: end\n\n'
    assert [chunk.seconds for chunk in answer.chunks] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert sum(chunk.size for chunk in answer.chunks) == len(answer.body)
    assert answer.chunks[-1].size == len(pieces[-1])
    assert all(chunk.size >= 0 for chunk in with_ids(found, {"10": "1"}).chunks)


def test_the_rest_of_an_answer_has_the_id_of_the_request_whose_stream_ended_before() -> None:
    session = McpSession()
    first = recorded(request(3), b"id: e1\ndata:\n\n", headers=SSE)
    second = entry(body=b'id: e2\ndata: {"method":"notifications/message"}\n\n', headers=SSE, request_body=b"")
    third = entry(body=b'id: e3\ndata: {"jsonrpc":"2.0","id":3,"result":1}\n\n', headers=SSE, request_body=b"")
    assert session.replayed(first, ask(URL), request(8)) is first
    assert not session.listens(resume("e1"))
    assert session.replayed(second, resume("e1"), None) is second
    assert session.replayed(third, resume("e2"), None).body == third.body.replace(b'"id":3', b'"id":8')
    assert session.replayed(third, resume("e2", "https://other/mcp"), None) is third
    assert session.replayed(third, resume("unknown"), None) is third


def test_a_client_that_listened_goes_on_listening() -> None:
    session = McpSession()
    assert not session.listens(resume("e1")), "the client of another session may have seen this event"
    assert session.listens(ask(URL, "GET", headers=MCP))
    assert session.listens(resume("e1"))
    session.recorded(recorded(request(1), b"id: e1\ndata:\n\n", headers=SSE), ask(URL))
    assert not session.listens(resume("e1")), "it resumes a call"


def test_the_id_of_a_session_is_not_recorded() -> None:
    headers = ((b"content-type", b"application/json"), (b"mcp-session-id", b"1868a90c"))
    made = McpSession().recorded(entry(headers=headers), ask(URL))
    assert made.headers == ((b"content-type", b"application/json"), (b"mcp-session-id", b"session"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"id: 1\ndata:\n\n", True),
        (b'id: 1\ndata: {"method":"notifications/message"}\n\nid: 2\nda', True),
        (b'id: 1\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n', False),
        (b'data: {"method":"notifications/message"}\n\n', False),
        (b"", False),
    ],
)
def test_which_stream_that_broke_off_can_be_resumed(body: bytes, expected: bool) -> None:
    assert is_resumable(body) is expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [({"jsonrpc": "2.0", "id": 1, "result": {}}, True), ({"jsonrpc": "2.0", "id": 1, "error": {}}, True), (request(1), False), ([], False)],
)
def test_what_replies_to_the_server(sent: Any, expected: bool) -> None:
    assert answers_server(recorded(sent, b"")) is expected
    assert answers_server(entry(request_body=b"{")) is False


def test_a_session_that_was_replayed_and_the_one_that_takes_its_place() -> None:
    session = McpSession()
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    assert session.handshake(ask(URL)) is None
    session.replayed(recorded(hello, b'{"jsonrpc":"2.0","id":1,"result":{}}'), ask(URL), hello)
    handshake = session.handshake(ask(URL))
    assert handshake is not None
    assert json.loads(handshake) == hello
    assert session.live_session(ask(URL)) is None
    session.began(ask(URL), b"abc")
    assert session.live_session(ask(URL)) == b"abc"
    assert session.live_session(ask("https://other/mcp")) is None
    assert [is_in_replayed_session(ask(URL, headers={"mcp-session-id": id})) for id in ("session", "abc")] == [True, False]


def test_what_is_no_mcp_is_replayed_as_it_is() -> None:
    found = recorded({"a": 1}, b"{}")
    assert McpSession().replayed(found, ask(URL), {"a": 1}) is found
