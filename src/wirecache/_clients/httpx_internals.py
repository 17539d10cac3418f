"""The private attributes of httpx and httpx2 that wirecache uses: those of ``HttpClient``, which both libraries have, and no others."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["LIBRARIES", "TRANSPORT_FOR_URL", "HttpClient"]

LIBRARIES = ("httpx", "httpx2")
TRANSPORT_FOR_URL = "_transport_for_url"


class HttpClient(Protocol):
    """A ``Client`` or ``AsyncClient`` of either library, as far as wirecache reads or changes it."""

    _transport: Any  # sends the requests that no mount takes
    _mounts: dict[Any, Any]  # transports by URL pattern, proxies among them; None where a pattern goes to no proxy

    def _get_proxy_map(self, proxy: Any, allow_env_proxies: bool) -> dict[str, Any]:
        """Return the proxies by URL pattern: that of the ``proxy`` option, else those of the environment."""
        ...

    def _transport_for_url(self, url: Any) -> Any:
        """Return the transport of a request. Called once for each request, redirects included."""
        ...
