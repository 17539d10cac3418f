"""The provider of the demo: a stand-in model on a loopback socket that takes 0.8 seconds per call."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["SECONDS_PER_CALL", "DemoProvider"]

SECONDS_PER_CALL = 0.8
WORDS = ("A ", "repeated ", "call ", "costs ", "nothing.")


def _answer(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(WORDS)}
    usage = {"prompt_tokens": 12, "completion_tokens": len(WORDS), "total_tokens": 12 + len(WORDS)}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return {"id": "chatcmpl-demo", "object": "chat.completion", "created": 0, "model": model, "choices": choices, "usage": usage}


def _events(model: str) -> Iterator[bytes]:
    for number, word in enumerate(WORDS):
        finish_reason = "stop" if number == len(WORDS) - 1 else None
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish_reason}
        chunk = {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}
        yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name is http.server's
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request.get("stream"):
            self._stream(request["model"])
            return
        time.sleep(SECONDS_PER_CALL)
        body = json.dumps(_answer(request["model"])).encode()
        self._send_head("application/json", "content-length", str(len(body)))
        self.wfile.write(body)

    def _stream(self, model: str) -> None:
        self._send_head("text/event-stream", "transfer-encoding", "chunked")
        for event in _events(model):
            time.sleep(SECONDS_PER_CALL / (len(WORDS) + 1))
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, content_type: str, name: str, value: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the demo prints a table of the calls."""


class DemoProvider:
    """The running provider; ``url`` is its base URL."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        """Stop listening; harmless if it has stopped already."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
