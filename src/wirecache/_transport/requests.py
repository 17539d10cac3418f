"""Conversion of a library's request to the core's, and the headers to send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wirecache._core.headers import fields_of
from wirecache._core.messages import Request
from wirecache._core.rules.plan import OPTION_FIELDS
from wirecache._transport.library import Library

__all__ = ["headers_to_send", "to_request", "unix_socket", "wrong_library"]


def to_request(library: Library, request: Any, socket: str = "") -> Request:
    """Return the request as the core's type, as sent over the wire. Raises ``TypeError`` if it belongs to another library."""
    if not isinstance(request, library.request):
        raise wrong_library(library, request)
    url = request.url
    extensions = request.extensions
    path, _, query = (extensions.get("target") or url.raw_path).partition(b"?")
    host, fields = url.raw_host.decode("ascii"), fields_of(request.headers.raw)
    read_timeout = extensions.get("timeout", {}).get("read")
    return Request(request.method, url.scheme, host, url.port, path, query, fields, read_timeout, socket)


def unix_socket(transport: Any) -> str:
    """Return the path of the unix socket that a transport connects to (``uds=``), or ""."""
    pool = getattr(transport, "_pool", None)
    if pool is None and (inner := getattr(transport, "_transport", None)) is not None:
        pool = getattr(inner, "_pool", None)
    return getattr(pool, "_uds", None) or ""


def headers_to_send(headers: Any, fields: Mapping[bytes, bytes], changes: Mapping[bytes, bytes]) -> Any:
    """Return a copy of the request's headers with these changes, and without wirecache's own options.

    ``fields``: the same headers as the core's type.
    """
    options = OPTION_FIELDS.keys() & fields.keys()
    if not changes and not options:
        return headers
    made = type(headers)(headers)
    for name, value in changes.items():
        made[name.decode("latin-1")] = value.decode("latin-1")
    for name in options:
        del made[name.decode()]
    return made


def wrong_library(library: Library, request: Any) -> TypeError:
    """Return the error for a request of the other library."""
    found = type(request).__module__.partition(".")[0]
    return TypeError(
        f"this cache transport is for {library.name} and got a request of {found} ({type(request).__qualname__}); "
        f"the two libraries' classes are distinct. Use wirecache.{library.other}, or cached_client(library={library.other!r})"
    )
