"""The socket that ``serve`` and ``ui`` listen on, bound before anything is printed."""

from __future__ import annotations

import socket

from wirecache._runtime.listening import bind
from wirecache.cli._terminal import fail

__all__ = ["listen"]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address, or end the command with an error."""
    try:
        return bind(host, port)
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port, or 0 for a free one")
