"""The state of MCP sessions (Model Context Protocol, streamable HTTP) that a cassette keeps while it is open.

A client numbers its requests, so an answer is replayed under the number that the request has now. A stream that ends before the reply is
resumed by a GET, which has no number; it is linked to its request by the ids of the stream's events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wirecache._core.edits import edited
from wirecache._core.event_stream import EVENT_STREAM
from wirecache._core.headers import media_type
from wirecache._core.json_rpc import edits_of, edits_of_events, event_ids, has_reply, is_json_rpc, is_reply, request_ids
from wirecache._core.messages import Entry, Request

__all__ = [
    "INITIALIZED",
    "SESSION_FIELD",
    "McpSession",
    "answers_server",
    "ends_mcp_session",
    "is_in_replayed_session",
    "is_mcp_stream",
    "is_resumable",
    "with_ids",
]

SESSION_FIELD = b"mcp-session-id"
SESSION = b"session"  # replaces every session id, which is a secret and new each time
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'  # the end of the handshake
MOST_EVENTS = 10_000  # event ids that are remembered


def is_mcp_stream(request: Request) -> bool:
    """Return whether this is an MCP client's GET for events; it accepts JSON, too."""
    is_mcp = SESSION_FIELD in request.fields or b"mcp-protocol-version" in request.fields
    accepted = [media_type(member.strip()) for member in request.fields.get(b"accept", b"").split(b",")]
    return request.method == "GET" and is_mcp and EVENT_STREAM in accepted


def ends_mcp_session(request: Request) -> bool:
    """Return whether an MCP client ends its session; a server may answer 405."""
    return request.method == "DELETE" and SESSION_FIELD in request.fields


def is_in_replayed_session(request: Request) -> bool:
    """Return whether the client's session comes from a recording, so that no server knows it."""
    return request.fields.get(SESSION_FIELD) == SESSION


def answers_server(entry: Entry) -> bool:
    """Return whether the recorded request is the client's reply to a request of the server.

    When the call within which the server asked is replayed, its answer is there at once, and the client may not reply any more.
    """
    try:
        return is_reply(json.loads(bytes(entry.request_body)))
    except (ValueError, RecursionError):
        return False


def is_resumable(body: bytes) -> bool:
    """Return whether a stream that broke off can be resumed by its client: it has ids, and no reply yet."""
    return bool(event_ids(body)) and not has_reply(body)


class McpSession:
    """The sessions of one use of a cassette. Thread-safe: each change is a single assignment."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, bytes], Mapping[str, str]] = {}  # by server and event: the replacements of the call's ids
        self._handshakes: dict[str, bytes] = {}  # by server: the message that began a session, as last sent by the client
        self._live: dict[str, bytes] = {}  # by server: the id of the live session that replaces a replayed one
        self._listening: set[str] = set()  # servers whose messages a client listens for

    def listens(self, request: Request) -> bool:
        """Return whether the GET listens for messages of the server, and is not for the rest of the answer to a call.

        It stays open until the session ends, so it cannot be recorded. (MCP, Streamable HTTP, "Listening for Messages from the Server": a
        server without that stream answers 405.) A client that resumes it has listened before.
        """
        if not is_mcp_stream(request):
            return False
        server, resumed = _server(request), request.fields.get(b"last-event-id")
        if resumed is None:
            self._listening.add(server)
            return True
        return (server, resumed) not in self._ids and server in self._listening

    def replayed(self, entry: Entry, request: Request, value: Any) -> Entry:
        """Return the recorded answer with the ids of the current request. ``value``: the request's JSON body."""
        if is_json_rpc(value):
            if isinstance(value, dict) and value.get("method") == "initialize":
                self._handshakes[_server(request)] = json.dumps(value).encode()
            ids: Mapping[str, str] = _pairs(entry, value)
        elif (resumed := request.fields.get(b"last-event-id")) is not None:
            ids = self._ids.get((_server(request), resumed), {})
        else:
            return entry
        self._note(request, entry, ids)
        return with_ids(entry, ids) if any(old != new for old, new in ids.items()) else entry

    def handshake(self, request: Request) -> bytes | None:
        """Return the message that began the replayed session at this server; None if there is none."""
        return self._handshakes.get(_server(request))

    def began(self, request: Request, session: bytes) -> None:
        """Record that the server has begun a session with this id."""
        self._live[_server(request)] = session

    def live_session(self, request: Request) -> bytes | None:
        """Return the id of the live session that replaces a replayed one, or None."""
        return self._live.get(_server(request))

    def recorded(self, entry: Entry, request: Request) -> Entry:
        """Return the answer as it is to be recorded, without the session's id."""
        self._note(request, entry, {})
        if all(name != SESSION_FIELD for name, _ in entry.headers):
            return entry
        return entry._replace(headers=tuple((name, SESSION if name == SESSION_FIELD else value) for name, value in entry.headers))

    def _note(self, request: Request, entry: Entry, ids: Mapping[str, str]) -> None:
        """Record the events after which the stream could be resumed."""
        if entry.stream_kind == EVENT_STREAM and len(self._ids) < MOST_EVENTS and b"\nid:" in b"\n" + entry.body:
            for event in event_ids(entry.body):
                self._ids[_server(request), event] = ids


def with_ids(entry: Entry, ids: Mapping[str, str]) -> Entry:
    """Return the entry with the ids (JSON, by JSON) in its body replaced; every other byte and the chunk boundaries are kept."""
    edits = edits_of_events(entry.body, ids) if entry.stream_kind == EVENT_STREAM else edits_of(entry.body, ids)
    return edited(entry, edits)


def _pairs(entry: Entry, value: Any) -> dict[str, str]:
    """Return the replacements of the recorded request's ids by those of the request with this JSON value."""
    try:
        recorded = request_ids(json.loads(bytes(entry.request_body)))
    except (ValueError, RecursionError):
        return {}
    return {old: new for old, new in zip(recorded, request_ids(value), strict=False) if old and new}


def _server(request: Request) -> str:
    return f"{request.scheme}://{request.host}:{request.port}{request.path.decode('latin-1')}"
