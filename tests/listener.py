"""A port of this machine whose connections a test serves itself, byte by byte."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Listener"]


class Listener:
    """Each connection to ``port`` is served by ``serve``, in a thread of its own, from now on until it is closed.

    ``context``: the connections are those of TLS.
    """

    def __init__(self, serve: Callable[[Any], object], context: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._socket = listening if context is None else context.wrap_socket(listening, server_side=True)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more connections."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
