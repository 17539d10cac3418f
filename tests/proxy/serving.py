"""A proxy on a loopback socket, in front of the tests' provider; and a client that speaks to it in bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.provider import Provider
from wirecache._engine.engine import CacheLike
from wirecache._proxy.server import ProxyServer
from wirecache._runtime.listening import address_of, bind
from wirecache.serve import PROVIDERS, App

HOST = "127.0.0.1"


class Proxy:
    """A running proxy; ``url`` is its root."""

    def __init__(self, url: str, app: App) -> None:
        self.url = url
        self.app = app
        self.port = int(url.rpartition(":")[2])

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, on a connection of its own."""
        with httpx.Client(trust_env=False, timeout=20) as client:
            return client.request(method, self.url + path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def open(self, data: bytes = b"") -> socket.socket:
        """Return a connection on which these bytes have been sent."""
        connection = socket.create_connection((HOST, self.port), timeout=20)
        connection.sendall(data)
        return connection

    def raw(self, data: bytes) -> bytes:
        """Return all that comes back on a connection on which these bytes are sent, until the proxy closes it."""
        with self.open(data) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def serving(cache: CacheLike, provider: Provider | None = None, grace: float = 5, **options: Any) -> Iterator[Proxy]:
    """Run a proxy in a thread. All upstreams are the provider, if there is one."""
    upstreams: Mapping[str, str] = dict.fromkeys(PROVIDERS, provider.url) if provider else {}
    app = App(cache, {**upstreams, **options.pop("upstreams", {})}, **options)
    bound = bind(HOST, 0)
    with ProxyServer(app, bound, grace).in_thread():
        yield Proxy(address_of(bound).url, app)
