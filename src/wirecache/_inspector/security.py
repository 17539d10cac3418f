"""Access control of the pages, which show prompts, so that no other page or machine can read or change them.

- The ``Host`` of each request must be on a list, including the port, which excludes names rebound to this machine (DNS rebinding).
- A random token: given once in the address, it becomes a cookie (``HttpOnly``, ``SameSite=Strict``) and leaves the address. Programs send
  it as ``Authorization: Bearer``.
- Requests that change something must come from the server's own pages: ``Sec-Fetch-Site`` and ``Origin`` are checked, the latter
  against the list of hosts. That it equals ``Host`` would prove nothing, since rebinding makes them equal.
- Each answer has a policy that makes the browser load nothing from elsewhere and run only the server's own scripts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "HEADERS", "Guard", "is_allowed_host"]

COOKIE = "wirecache_ui"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # none to other sites; with no-referrer, the server's own forms would send no Origin
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

LOCKED = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>wirecache: locked</title><h1>This page is locked</h1>
<p>It shows prompts and answers, so it opens only with the address that <code>wirecache ui</code> printed, token included.
Copy that address from the terminal, or enter the token here.</p>
<form method="get" action="/"><label>Token <input name="token" autocomplete="off" required></label> <button>Open</button></form></html>"""


def is_allowed_host(host: str, port: int | None, allowed: Iterable[str]) -> bool:
    """Return whether the ``Host`` of a request is this machine on this port, or an allowed name.

    ``allowed``: names, which are valid with the server's port and the default one, or names with a port, valid only with that.
    """
    host = host.lower()
    name, number = _split(host)
    here = str(port) if port else "80"
    if name in LOOPBACK and number == here:
        return True
    return any(host == entry or (_split(entry) == (entry, "80") and name == entry and number in (here, "80", "443")) for entry in allowed)


def _split(host: str) -> tuple[str, str]:
    """Return the name and the port of a host."""
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() else (host, "80")


class Guard:
    """An application behind these checks. ``token``: None admits everybody who can reach the server. ``allowed_hosts``: beside loopback."""

    def __init__(self, app: ASGIApp, *, token: str | None, allowed_hosts: Iterable[str]) -> None:
        self._app = app
        self._token = token
        self._allowed = tuple(host.strip().lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            with_headers = _with_headers(send)
            answer = self._refusal(scope) or self._login(scope)
            await (answer or self._app)(scope, receive, with_headers)
        else:  # a websocket, which is not supported
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the refusal of a request that comes from elsewhere, or None."""
        headers = Headers(scope=scope)
        port = (scope.get("server") or (None, None))[1]
        if not is_allowed_host(headers.get("host", ""), port, self._allowed):
            return PlainTextResponse(
                "This server does not answer under that name. Use 127.0.0.1, or start it with --allowed-host NAME.\n", status_code=421
            )
        site = headers.get("sec-fetch-site", "")
        is_foreign = site in ("cross-site", "same-site")
        if scope["method"] in SAFE_METHODS:
            is_foreign = is_foreign and headers.get("sec-fetch-mode") != "navigate"
        elif not is_foreign:
            is_foreign = not self._is_own(headers, site, port)
        return PlainTextResponse("Another site sent this request; it was refused.\n", status_code=403) if is_foreign else None

    def _is_own(self, headers: Headers, site: str, port: int | None) -> bool:
        """Return whether a request that changes something comes from the server's own pages or from a program with the token."""
        if (origin := headers.get("origin")) is not None:
            return origin != "null" and is_allowed_host(urlsplit(origin).netloc, port, self._allowed)
        return site == "same-origin" or self._is_bearer(headers)

    def _login(self, scope: Scope) -> Response | None:
        """Return the refusal of a request without a valid token, or the redirect that removes the token from the address, or None."""
        if self._token is None or scope["path"].startswith("/static/"):  # static files are the same everywhere and no secret
            return None
        headers = Headers(scope=scope)
        if scope["method"] in SAFE_METHODS and b"token=" in scope["query_string"]:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if any(name == "token" and _equal(value, self._token) for name, value in pairs):
                return self._without_token(scope, [pair for pair in pairs if pair[0] != "token"])
        if self._is_bearer(headers) or self._has_cookie(headers, scope):
            return None
        if scope["path"].startswith("/api/"):
            return PlainTextResponse("The token is missing: send it as Authorization: Bearer TOKEN.\n", status_code=401)
        return HTMLResponse(LOCKED, status_code=401)

    def _without_token(self, scope: Scope, pairs: list[tuple[str, str]]) -> Response:
        path = "/" + scope["path"].lstrip("/\\")  # two slashes would redirect to another host
        answer = RedirectResponse(path + ("?" + urlencode(pairs) if pairs else ""), status_code=303)
        answer.set_cookie(_cookie_name(scope), self._cookie_value, httponly=True, samesite="strict", path="/")
        return answer

    @property
    def _cookie_value(self) -> str:
        """The value of the cookie: a one-way hash of the token."""
        return hashlib.sha256(b"wirecache ui cookie\0" + (self._token or "").encode()).hexdigest()

    def _has_cookie(self, headers: Headers, scope: Scope) -> bool:
        name = _cookie_name(scope)
        pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
        return any(key == name and _equal(value, self._cookie_value) for key, _, value in pairs)

    def _is_bearer(self, headers: Headers) -> bool:
        kind, _, value = headers.get("authorization", "").partition(" ")
        return self._token is not None and kind.lower() == "bearer" and _equal(value.strip(), self._token)


def _cookie_name(scope: Scope) -> str:
    """Return the name of the cookie. Cookies ignore ports, so servers on different ports need different names."""
    return f"{COOKIE}_{(scope.get('server') or ('', 0))[1] or 0}"


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return wrapped
