"""Serves the application with uvicorn, on a socket that is already bound."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from wirecache._proxy.app import App
from wirecache._runtime.listening import BACKLOG

__all__ = ["ProxyServer", "raise_file_limit"]

KEEP_ALIVE = 75  # seconds: longer than clients' pools keep idle connections, so that clients close them and no call hits a closing one
LONGEST_HEAD = 256 * 1024  # bytes of a request's head


def raise_file_limit() -> None:
    """Raise the limit of open files to the allowed maximum: each call takes two, and some systems start with 256."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ImportError, OSError, ValueError):  # Windows has no such limit; macOS may refuse "infinity"
        pass


class ProxyServer:
    """Serves the application on a bound socket. ``grace``: seconds that open calls may take after a signal to stop."""

    def __init__(self, app: App, bound: socket.socket, grace: float) -> None:
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # errors of a call are in the call's own log line
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=max(1, round(grace)),
            h11_max_incomplete_event_size=LONGEST_HEAD,
        )
        self._server = _Server(config, app)
        self._bound = bound

    def run(self) -> None:
        """Serve until a signal stops it."""
        self._server.run([self._bound])

    def stop(self) -> None:
        """Accept no new calls, and end when the open ones have ended."""
        self._server.should_exit = True

    @property
    def is_stopping(self) -> bool:
        """Whether it was stopped, also before it ran."""
        return self._server.should_exit

    @contextmanager
    def in_thread(self) -> Iterator[None]:
        """Serve within the block, in a thread."""
        thread = threading.Thread(target=self.run, name="wirecache-serve")
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, which tells the application that it is stopping before it waits for open calls."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does."""
        self._app.control.is_stopping = True
        await super().shutdown(sockets)
