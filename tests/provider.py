"""A provider on a loopback socket: answers with the providers' real shapes, or with whatever a test scripts.

It speaks HTTP/1.1 over real sockets (keep-alive, chunked bodies, slow chunks, early close), and keeps every request that arrives.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "system_fingerprint": "f",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "hi", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "error": None,
    "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
}
EMBEDDINGS = {
    "object": "list",
    "id": "e",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12},
}
ANSWERS: dict[str, Any] = {
    "/chat/completions": CHAT,
    "/messages": MESSAGE,
    "/responses": RESPONSE,
    "/embeddings": EMBEDDINGS,
    "/audio/transcriptions": {"text": "hi"},
    ":generateContent": GEMINI,
    ":batchEmbedContents": {"embeddings": [{"values": [0.5, 0.25]}]},
}
CHAT_EVENTS = [
    {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": word}}]}
    for word in ("one ", "two ", "three")
]


@dataclass
class ReceivedRequest:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to send: ``chunks`` as they are (chunked transfer coding unless ``length`` is declared), ``pause`` seconds before each.

    ``chunks`` may be a generator, which says when each goes out. ``cut``: close the connection after the last chunk without ending
    the body. ``raw``: these bytes and no others, head included, then close.
    """

    status: int = 200
    headers: dict[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    chunks: Iterable[bytes] = ()
    pause: float = 0.0
    length: int | None = None
    cut: bool = False
    raw: bytes | None = None

    @staticmethod
    def of(value: Any, status: int = 200, **headers: str) -> Answer:
        """A JSON answer with a declared length; an underscore in a header's name stands for a hyphen."""
        body = json.dumps(value).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return Answer(status, {"content-type": "application/json", **named}, [body], length=len(body))


def events(*values: Any, done: bool = True, pause: float = 0.0) -> Answer:
    """An event stream as OpenAI sends it."""
    chunks = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    if done:
        chunks.append(b"data: [DONE]\n\n")
    return Answer(200, {"content-type": "text/event-stream"}, chunks, pause=pause)


class Provider:
    """A running provider; ``url`` is its root. ``script`` answers before the defaults do. ``tls``: it speaks HTTPS."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[ReceivedRequest] = []
        self.script: Callable[[ReceivedRequest], Answer | None] | None = None
        self.delay = 0.0
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 0

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def handle_any(self) -> None:
                provider._handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_PROPPATCH = do_XYZ = handle_any

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """A client that closes early is no error here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def calls(self) -> int:
        """How many requests arrived."""
        return len(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        request = ReceivedRequest(handler.command, handler.path, list(handler.headers.items()), _read_body(handler))
        with self._lock:
            self.requests.append(request)
        time.sleep(self.delay)
        answer = (self.script and self.script(request)) or _default(request)
        _send(handler, answer)


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" in handler.headers.get("transfer-encoding", ""):
        return b"".join(_chunked(handler))
    return handler.rfile.read(int(handler.headers.get("content-length") or 0))


def _chunked(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        yield handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()


def _default(request: ReceivedRequest) -> Answer:
    path = request.path.partition("?")[0]
    if request.method == "POST":
        if b'"stream":true' in request.body.replace(b" ", b""):
            return events(*CHAT_EVENTS)
        for end, value in ANSWERS.items():
            if path.endswith(end):
                return Answer.of(value, x_request_id="req_1")
    return Answer.of({"object": "list", "data": []})


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.raw is not None:
        handler.close_connection = True
        handler.wfile.write(answer.raw)
        return
    handler.send_response(answer.status)
    for name, value in answer.headers.items() if isinstance(answer.headers, dict) else answer.headers:
        handler.send_header(name, value)
    bodyless = handler.command == "HEAD" or answer.status in (204, 304)
    chunked = answer.length is None and not bodyless
    if chunked:
        handler.send_header("transfer-encoding", "chunked")
    elif answer.length is not None:
        handler.send_header("content-length", str(answer.length))
    handler.end_headers()
    for chunk in () if bodyless else answer.chunks:
        time.sleep(answer.pause)
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
    if answer.cut:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
    elif chunked:
        handler.wfile.write(b"0\r\n\r\n")
