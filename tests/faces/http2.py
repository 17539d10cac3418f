"""A provider that speaks HTTP/2 over TLS on a loopback socket; it answers a chat request, or breaks off."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events

from tests.listener import Listener
from tests.provider import CHAT

# By the first part of a path: an error of the stream after half the body or before the head, GOAWAY and no more after half the body, the
# end of the connection there, and a length that is not that of the body.
BREAKS = ("reset", "reset-first", "goaway", "cut", "too-long", "too-short")


class Http2Provider:
    """A running provider. What a path begins with says how its answer breaks off; see ``BREAKS``."""

    def __init__(self, certificate: Path) -> None:
        self.requests: list[str] = []
        self._is_cut = False  # the connection that was served last ends here
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2"])
        self._listener = Listener(self._serve, context)
        self.url = f"https://127.0.0.1:{self._listener.port}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection: Any) -> None:
        http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        http.initiate_connection()
        paths: dict[int, str] = {}
        with connection:
            connection.sendall(http.data_to_send())
            while data := connection.recv(65536):
                for event in http.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        paths[event.stream_id] = {bytes(n): bytes(v) for n, v in event.headers}[b":path"].decode()
                    elif isinstance(event, h2.events.StreamEnded):
                        self._answer(http, event.stream_id, paths.pop(event.stream_id))
                connection.sendall(http.data_to_send())
                if self._is_cut:
                    self._is_cut = False
                    return

    def _answer(self, http: Any, stream: int, path: str) -> None:
        self.requests.append(path)
        body, breaks = json.dumps(CHAT).encode(), path.split("/")[1]
        if breaks == "reset-first":
            http.reset_stream(stream)
            return
        length = {"too-long": len(body) + 9, "too-short": len(body) - 9}.get(breaks)
        more = [("content-length", str(length))] if length is not None else []
        http.send_headers(stream, [(":status", "200"), ("content-type", "application/json"), *more])
        if breaks in ("reset", "goaway", "cut"):
            http.send_data(stream, body[:50])
        else:
            http.send_data(stream, body, end_stream=True)
        if breaks == "reset":
            http.reset_stream(stream)
        elif breaks == "goaway":
            http.close_connection()
        self._is_cut = breaks in ("goaway", "cut")
