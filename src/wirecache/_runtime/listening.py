"""The sockets that wirecache's servers listen on, bound before the server runs, and who can reach them."""

from __future__ import annotations

import socket
from typing import NamedTuple

__all__ = ["BACKLOG", "Address", "address_of", "bind", "is_loopback"]

BACKLOG = 2048


class Address(NamedTuple):
    """The address under which programs on this machine reach a server."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL, without a path."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; port 0 takes a free one. Raises ``OSError`` if that is not possible.

    Clients that connect before the server runs wait for it.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound


def is_loopback(bound: socket.socket) -> bool:
    """Return whether only programs on this machine can reach the socket."""
    address: str = bound.getsockname()[0]
    return address == "::1" or address.startswith("127.")


def address_of(bound: socket.socket) -> Address:
    """Return the address under which programs on this machine reach the socket."""
    address: str
    address, port = bound.getsockname()[:2]
    return Address("127.0.0.1" if address == "0.0.0.0" else "::1" if address == "::" else address, port)
