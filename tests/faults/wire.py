"""A server that sends just the bytes that it is given, in the pieces in which it is given them, and ends as it is told."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from tests.listener import Listener

__all__ = ["End", "Sent", "WireServer"]


class End(Enum):
    """What follows the last byte: nothing (the connection stays), its end, a reset, or silence on a connection that serves no more."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    SILENCE = "silence"


class Sent(NamedTuple):
    """An answer as it goes over the wire."""

    pieces: Iterable[bytes]
    end: End = End.CLOSE


class WireServer:
    """``answer`` is sent to each request that arrives."""

    def __init__(self) -> None:
        self.answer = Sent(())
        self.requests = 0
        self._over = threading.Event()
        self._listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def close(self) -> None:
        self._over.set()
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self._read(connection):
                    self.requests += 1
                    answer = self.answer
                    for piece in answer.pieces:
                        connection.sendall(piece)
                    if answer.end is End.RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if answer.end is End.SILENCE:
                        self._over.wait(30)
                    if answer.end is not End.KEEP:
                        return
            except OSError:  # the client went away
                return

    @staticmethod
    def _read(connection: socket.socket) -> bool:
        """Read a request; was there one?"""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65536)):
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        missing = (int(length[1]) if length else 0) - len(body)
        while missing > 0:
            if not (more := connection.recv(65536)):
                return False
            missing -= len(more)
        return True
