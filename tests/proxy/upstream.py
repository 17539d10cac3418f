"""An upstream that a test scripts byte by byte, on a raw socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from tests.listener import Listener


class RawUpstream:
    """Serves each connection by ``script(connection, head)``, called when the head of a request has come; ``url`` is its root.

    ``heads`` are those that came, ``closed`` is set when a client has closed a connection under a script that reads to its end.
    """

    def __init__(self, script: Callable[[socket.socket, bytes], None]) -> None:
        self._script = script
        self.heads: list[bytes] = []
        self.closed = threading.Event()
        self._listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def __enter__(self) -> RawUpstream:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def wait_for_close(self, connection: socket.socket) -> None:
        """Read until the client closes the connection."""
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass
        self.closed.set()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (data := connection.recv(65536)):
                        return
                    head += data
                self.heads.append(head)
                self._script(connection, head)
            except OSError:
                pass


def answering(data: bytes) -> Callable[[socket.socket, bytes], None]:
    """Return a script that sends these bytes and closes."""
    return lambda connection, _: connection.sendall(data)


def waiting_upstream() -> RawUpstream:
    """Return an upstream that answers nothing, and notes when its client goes."""
    upstream = RawUpstream(lambda connection, _: upstream.wait_for_close(connection))
    return upstream
