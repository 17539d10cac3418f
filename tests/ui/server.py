"""Serves the pages on a real socket, for one test or for many."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from wirecache.ui import App

TOKEN = "a-token-of-the-tests"


class Served:
    """An application that is served. ``client``: one that is logged in, and follows no redirects."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.client = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {app.token}"}, timeout=30)

    def page(self, path: str) -> str:
        """Return the page, which must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.text


@contextmanager
def serve(places: Any, *, wait: bool = True, **options: Any) -> Iterator[Served]:
    """Serve the pages of these places; what they contain has been read, if this is to ``wait`` for it."""
    app = App(places, **{"token": TOKEN, **options})
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    served = Served(app, listener.getsockname()[1])
    try:
        assert not wait or app.inspector.indexer.wait(30)
        yield served
    finally:
        served.client.close()
        server.should_exit = True
        thread.join(10)
        listener.close()
