"""The origin of the public cache tests: a server on a loopback socket that answers each request as its case says, and remembers it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.engine.cache_tests.cases import Request
from tests.engine.cache_tests.headers import http_date, resolved

NO_BODY = (204, 304)


class Arrived(NamedTuple):
    """A request that has reached the server. ``sent``: the headers of its answer that the client must see, several of one name joined."""

    number: int
    method: str
    headers: dict[str, str]
    sent: dict[str, str]


def _named(request: Request) -> dict[str, str]:
    return {header[0].lower(): str(header[1]) for header in request.get("response_headers", ())}


class Play:
    """One case in play. ``token``: names it in the URL, and is the body of an answer that has none of its own."""

    def __init__(self, requests: tuple[Request, ...]) -> None:
        self.token = str(uuid.uuid4())
        self.requests = deepcopy(requests)
        self.arrived: list[Arrived] = []
        self.validators: dict[int, dict[str, str]] = {}  # those of the answer with this number

    def status(self, number: int, headers: dict[str, str]) -> tuple[int, str]:
        """Return the status of the answer: a 304 if the request has the right condition, and 999 if it should have had one."""
        request = self.requests[number - 1]
        if request.get("expected_type", "").endswith("validated"):
            before = self.validators.get(number - 1) or _named(self.requests[number - 2])  # it may have been answered by the cache
            for validator, condition in (("last-modified", "if-modified-since"), ("etag", "if-none-match")):
                if validator in before and headers.get(condition) == before[validator]:
                    return 304, "Not Modified"
            return 999, "304 Not Generated"
        code, reason = request.get("response_status", (200, "OK"))
        return code, reason


class Answer:
    """The answer to one request, as it goes over the wire."""

    def __init__(self, play: Play, handler: BaseHTTPRequestHandler) -> None:
        self.play, self.handler = play, handler
        self.headers = {name.lower(): ", ".join(handler.headers.get_all(name) or ()) for name in handler.headers}
        self.number = int(self.headers.get("req-num") or len(play.arrived) + 1)
        self.request = play.requests[self.number - 1]

    def send(self) -> None:
        """Answer, or close the connection where the case says so."""
        time.sleep(self.request.get("response_pause", 0))
        for code, *headers in self.request.get("interim_responses", ()):
            self._write(code, "Interim", headers[0] if headers else [])
        code, reason = self.play.status(self.number, self.headers)
        pairs = self._pairs()
        if self.request.get("disconnect"):
            self.handler.close_connection = True
            return
        body = b"" if code in NO_BODY else str(self.request.get("response_body") or self.play.token).encode()
        if code not in NO_BODY and not {"content-length", "transfer-encoding"} & {name.lower() for name, _ in pairs}:
            pairs.append(("Content-Length", str(len(body))))
        self._write(code, reason, pairs)
        if self.handler.command != "HEAD":
            self.handler.wfile.write(body)

    def _pairs(self) -> list[tuple[str, str]]:
        """Return the headers to send, and note what has arrived."""
        now = time.time_ns() // 1_000_000
        fields = {"server-base-url": self.handler.path, "server-now": str(now)}
        made = [(header, resolved(header, fields, self.request)) for header in self.request.get("response_headers", ())]
        own = [(header[0], value) for header, value in made]
        self.play.validators[self.number] = {name.lower(): value for name, value in own}
        shown: dict[str, str] = {}
        for header, _ in made:
            if len(header) < 3 or header[2] is True:
                shown[header[0]] = ", ".join(value for name, value in own if name.lower() == header[0].lower())
        self.play.arrived.append(Arrived(self.number, self.handler.command, self.headers, shown))
        names = {name.lower() for name, _ in own}
        defaults = (("Content-Type", "text/plain"), ("Date", http_date(now)))
        return [
            ("Server-Base-Url", self.handler.path),
            ("Server-Request-Count", str(len(self.play.arrived))),
            ("Client-Request-Count", str(self.number)),
            ("Server-Now", str(now)),
            *own,
            *(pair for pair in defaults if pair[0].lower() not in names),
            ("Request-Numbers", " ".join(str(arrived.number) for arrived in self.play.arrived)),
        ]

    def _write(self, code: int, reason: str, pairs: Any) -> None:
        lines = [f"HTTP/1.1 {code} {reason}", *(f"{name}: {value}" for name, value in pairs), "", ""]
        self.handler.wfile.write("\r\n".join(lines).encode("latin-1"))


class Server(ThreadingHTTPServer):
    """Holds the cases in play by their tokens."""

    daemon_threads = True
    request_queue_size = 512
    plays: dict[str, Play] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that leaves is no fault of the server."""


class Handler(BaseHTTPRequestHandler):
    """Takes any method."""

    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert isinstance(self.server, Server)
        Answer(self.server.plays[self.path.split("/")[2].partition("?")[0]], self).send()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def origin() -> Iterator[Server]:
    """Run the server."""
    server = Server(("127.0.0.1", 0), Handler)
    server.plays = {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
