"""A client's request, with what is meant for the proxy separated from what is meant for the upstream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from starlette.types import Scope

from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._proxy.refusals import Refused

__all__ = ["CASSETTE_FIELD", "OWN_FIELDS", "TOKEN_FIELD", "Incoming", "incoming_of"]

TOKEN_FIELD = b"x-wirecache-token"
CASSETTE_FIELD = b"x-wirecache-cassette"
OWN_FIELDS = frozenset({TOKEN_FIELD, CASSETTE_FIELD, b"proxy-authorization"})
TOKEN_PATH = b"/token/"


class Incoming(NamedTuple):
    """A request as it arrived. ``path``: as it was sent, without the application's mount point and the token.

    ``tokens``: what was given as the proxy's token, in any way. ``cassette``: the name of a cassette, or None.
    """

    method: str
    path: bytes
    query: bytes
    headers: HeaderPairs
    fields: Mapping[bytes, bytes]
    tokens: tuple[bytes, ...]
    cassette: str | None


def incoming_of(scope: Scope) -> Incoming:
    """Return the request of an ASGI scope. Raises ``Refused`` if its target is not a path, since this is not a forward proxy."""
    path = _path_of(scope)
    headers: HeaderPairs = scope["headers"]
    fields = fields_of(headers)
    tokens = [fields[TOKEN_FIELD]] if TOKEN_FIELD in fields else []
    scheme, _, value = fields.get(b"proxy-authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        tokens.append(value.strip())
    if path.startswith(TOKEN_PATH):
        token, slash, rest = path[len(TOKEN_PATH) :].partition(b"/")
        tokens.append(token)
        path = slash + rest or b"/"
    name = fields.get(CASSETTE_FIELD)
    cassette = None if name is None else name.decode("latin-1")
    return Incoming(scope["method"], path, scope["query_string"], headers, fields, tuple(tokens), cassette)


def _path_of(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    path = path.partition(b"?")[0]  # some servers and test clients leave the query there
    root = quote(scope.get("root_path", "").rstrip("/")).encode()
    if root and path.startswith(root):
        path = path[len(root) :]
    if not path.startswith(b"/"):
        message = "the target of a request must be a path such as /openai/v1/responses: this is a reverse proxy, set a base URL to use it"
        raise Refused(400, "not_a_path", message)
    return path
