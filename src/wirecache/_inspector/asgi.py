"""The application with its access control. ``wirecache.ui`` is its public name."""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from wirecache._core.unset import UNSET, Unset
from wirecache._runtime.listening import Address
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from wirecache._inspector.sources import Place

__all__ = ["App"]


class App:
    """An ASGI application that shows the contents of stores and cassettes.

    ``stores``: a ``Cache``, a ``Cassette``, a store, a path, a URL, or several of these; None: the store that ``Cache()`` uses. A path may
    be that of a disk store, or of a directory with cassettes in or below it. ``token``: what the first request must have (``/?token=...``);
    random by default; None admits everybody who can reach the server. ``read_only``: the pages can change nothing. ``allowed_hosts``:
    names of the server beside ``localhost`` and ``127.0.0.1``, with a port if that is not the server's own.
    ``git``: a range of commits (``main..HEAD``) whose changes to cassettes are shown, of the repository of the working directory.
    ``proxies``: URLs of running ``wirecache serve``, whose misses are listed, too; with ``/token/TOKEN`` if they need one.
    """

    def __init__(
        self,
        stores: Place | Sequence[Place] | None = None,
        *,
        token: str | Unset | None = UNSET,
        read_only: bool = False,
        allowed_hosts: Sequence[str] = (),
        git: str = "",
        proxies: Sequence[str] = (),
    ) -> None:
        try:
            from wirecache._inspector.app import application
            from wirecache._inspector.git_changes import check_range
            from wirecache._inspector.inspector import Inspector
            from wirecache._inspector.security import Guard
            from wirecache._inspector.sources import open_sources
        except ModuleNotFoundError as error:
            if error.name not in ("starlette", "jinja2", "markupsafe", "markdown_it"):
                raise
            raise ConfigError("the pages need the ui extra: pip install 'wirecache[ui]'") from error
        if isinstance(allowed_hosts, str):
            raise ConfigError(f"allowed_hosts must be a list of host names, got {allowed_hosts!r}")
        if token is not UNSET and token is not None and (not isinstance(token, str) or len(token) < 8):
            raise ConfigError("token must be a text of at least 8 characters, or None for none")
        self.token: str | None = secrets.token_urlsafe(24) if token is UNSET else token
        sources = open_sources(stores, read_only=read_only)
        self.inspector = Inspector(sources, read_only=read_only, git=check_range(git) if git else "", proxies=proxies)
        self._app = Guard(application(self.inspector), token=self.token, allowed_hosts=allowed_hosts)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)

    def url(self, host: str, port: int) -> str:
        """Return the address to open first, with the token."""
        return f"{Address(host, port).url}/" + (f"?token={self.token}" if self.token else "")
