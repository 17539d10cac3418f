"""The cases of a private cache on a real server: what arrives there, and what the caller sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

import wirecache
from tests.engine.rfc9111_cases import CASES, Case, Step
from wirecache.stores import MemoryStore


@dataclass
class Origin:
    """A server that gives the answer which it was told to give next, or a 304 where the request's conditions name it."""

    step: Step = field(default_factory=lambda: Step("forwarded"))
    arrived: str | None = None
    url: str = ""
    started_at: float = 0.0  # the case, in seconds since the epoch: what its dates are relative to

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = [
            (name, value if isinstance(value, str) else formatdate(self.started_at + value, usegmt=True))
            for name, value in self.step.headers
        ]
        conditions = {handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since")} - {None}
        validators = {value for name, value in headers if name in ("ETag", "Last-Modified")}
        confirms = bool(conditions & validators)
        self.arrived = "confirmed" if confirms else "replaced" if conditions else "forwarded"
        status = 304 if confirms else self.step.status
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        body = b"" if status in (204, 304) else b"body"
        if status not in (204, 304):
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    state = Origin()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return lambda: state.answer(self)
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def failure(case: Case, client: httpx.Client, origin: Origin) -> str | None:
    """Play a case; return what went wrong, or None."""
    origin.started_at = time.time()
    for number, step in enumerate(case.steps):
        origin.step, origin.arrived = step, None
        sent = [(name, str(value)) for name, value in step.sent]
        try:
            response = client.request(step.method, origin.url + "/x" + step.path, headers=sent)
        except Exception as error:
            return f"step {number}: {error!r}"
        client.cookies.clear()
        happened = origin.arrived or "hit"
        if happened != step.expected and not (step.expected == "forwarded" and happened == "replaced"):
            return f"step {number}: {happened}, not {step.expected}"
        for name, value in step.shown:
            if response.headers.get(name) != value:
                return f"step {number}: {name} is {response.headers.get(name)!r}, not {value!r}"
        if shown := [name for name in step.hidden if name in response.headers]:
            return f"step {number}: {shown} should not be there"
    return None


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.category}: {case.name}") for case in CASES])
def test_case(case: Case, origin: Origin) -> None:
    with wirecache.Cache(MemoryStore()) as cache, wirecache.cached_client(cache, library="httpx", follow_redirects=False) as client:
        assert failure(case, client, origin) is None
