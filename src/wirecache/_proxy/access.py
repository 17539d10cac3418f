"""Access control of the proxy: callers need the token; without one, only programs on this machine, and no pages in a browser.

A page that resolves its own name to this machine (DNS rebinding) is recognised by the ``Host`` header, one of another origin by
``Origin`` and ``Sec-Fetch-Site``.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from wirecache._proxy.addresses import is_address
from wirecache._proxy.incoming import Incoming
from wirecache._proxy.refusals import Refused

__all__ = ["Access"]

# Names of this machine that nobody can register: RFC 6761, and those that Docker and Podman give to the host.
_LOCAL_NAME = re.compile(r"localhost|.+\.localhost|host\.docker\.internal|host\.containers\.internal")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Access:
    """Checks each request. ``names``: further names of this server, ``name`` or ``name:port``."""

    token: str | None = None
    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def check(self, incoming: Incoming, *, needs_token: bool = True) -> None:
        """Raise ``Refused`` if the request must not be served. ``needs_token``: health checks need none."""
        self._check_origin(incoming)
        if self.token is None:
            self._check_host(incoming.fields.get(b"host", b"localhost").decode("latin-1"))
        elif needs_token and not _any_equal(incoming.tokens, self.token.encode()):
            message = "a token is needed: send it as X-Wirecache-Token, or put /token/TOKEN before the path of the base URL"
            raise Refused(401, "token_needed", message, {"www-authenticate": "Bearer"})

    def allowed_origin(self, incoming: Incoming) -> bytes | None:
        """Return the origin of a page that may use the proxy, or None."""
        origin = incoming.fields.get(b"origin")
        return origin if origin is not None and origin.decode("latin-1") in self.origins else None

    def _check_origin(self, incoming: Incoming) -> None:
        if self.allowed_origin(incoming) is not None:
            return
        if (origin := incoming.fields.get(b"origin")) is not None:
            text = origin.decode("latin-1")[:255]
            raise Refused(403, "origin_not_allowed", f"pages of {text} may not use this proxy; start with --cors-origin {text} to let them")
        if incoming.fields.get(b"sec-fetch-site", b"none").lower() not in (b"none", b"same-origin"):
            raise Refused(403, "origin_not_allowed", "pages of other origins may not use this proxy")

    def _check_host(self, field: str) -> None:
        match = _HOST.fullmatch(field.strip().lower())
        name = match[1].strip("[]").rstrip(".") if match else ""
        known = name in self.names or (match is not None and f"{name}:{match[2]}" in self.names)
        if not (known or _LOCAL_NAME.fullmatch(name) or is_address(name)):
            shown = field[:255]
            message = f"the Host header {shown!r} is no name of this server; use localhost, or start with --server-name {shown}"
            raise Refused(403, "host_header", message)


def _any_equal(given: Iterable[bytes], token: bytes) -> bool:
    return any([hmac.compare_digest(one, token) for one in given])
