"""Routing of requests by the first step of the path: a named upstream or an allowed host. Headers are never used.

``/openai/v1/responses`` goes to ``https://api.openai.com/v1/responses``, ``/to/host/path`` to ``https://host/path``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from wirecache._proxy.addresses import is_address
from wirecache._proxy.refusals import Refused
from wirecache.errors import ConfigError

__all__ = ["PROVIDERS", "Route", "Upstream", "Upstreams", "parse_upstream"]

# The providers' hosts, by name; each is the default of the provider's own SDK or documentation.
PROVIDERS: Mapping[str, str] = {
    "openai": "https://api.openai.com",  # openai, _client.py
    "anthropic": "https://api.anthropic.com",  # anthropic, _client.py
    "gemini": "https://generativelanguage.googleapis.com",  # google-genai, _api_client.py
    "vertex": "https://aiplatform.googleapis.com",  # google-genai, _api_client.py: the location "global"
    "mistral": "https://api.mistral.ai",  # mistralai, sdkconfiguration.py
    "groq": "https://api.groq.com",  # groq, _client.py
    "cohere": "https://api.cohere.com",  # cohere, environment.py
    "together": "https://api.together.ai",  # together, _client.py
    "cerebras": "https://api.cerebras.ai",  # cerebras_cloud_sdk, _client.py
    "huggingface": "https://router.huggingface.co",  # huggingface_hub, constants.py
    "ollama": "http://127.0.0.1:11434",  # ollama, _client.py
    "openrouter": "https://openrouter.ai",  # openrouter.ai/docs/quickstart
    "deepseek": "https://api.deepseek.com",  # api-docs.deepseek.com
    "xai": "https://api.x.ai",  # docs.x.ai/docs/api-reference
    "perplexity": "https://api.perplexity.ai",  # docs.perplexity.ai
    "fireworks": "https://api.fireworks.ai",  # docs.fireworks.ai/api-reference
    "nvidia": "https://integrate.api.nvidia.com",  # docs.api.nvidia.com/nim/reference
    "zai": "https://api.z.ai",  # docs.z.ai/api-reference
}
TIMEOUT = 600.0  # seconds without a byte from upstream, as in the SDKs
DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_RESERVED = frozenset({"-", "to", "token"})
_AUTHORITY = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server that requests are forwarded to. ``prefix``: put before the path of each request. ``timeout``: seconds without a byte.

    ``is_trusted``: it was named by whoever started the proxy, and so may have a private address.
    """

    name: str
    scheme: str
    host: str
    port: int | None = None  # None: the scheme's default
    prefix: bytes = b""
    timeout: float = TIMEOUT
    is_trusted: bool = True

    @property
    def authority(self) -> str:
        """The host as in headers, with its port unless that is the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL that the paths of requests are appended to."""
        return f"{self.scheme}://{self.authority}{self.prefix.decode()}"


class Route(NamedTuple):
    """The upstream of a request, and the path and query to use there."""

    upstream: Upstream
    target: bytes


def parse_upstream(name: str, url: str, timeout: float = TIMEOUT) -> Upstream:
    """Return the upstream of this name. Raises ``ConfigError`` if the name or the URL is invalid."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ConfigError(
            f"the name of an upstream must be of a-z, 0-9, '.', '_', '-', and not {', '.join(sorted(_RESERVED))}, got {name!r}"
        )
    split = urlsplit(url)
    try:
        port = split.port
    except ValueError:
        port = 0
    if split.scheme not in DEFAULT_PORTS or not split.hostname or port == 0 or split.query or split.fragment or "@" in split.netloc:
        raise ConfigError(f"upstream {name}: must be a URL such as https://api.example.com or http://127.0.0.1:8000/llm, got {url!r}")
    if not timeout > 0:
        raise ConfigError(f"upstream {name}: timeout must be a number of seconds above 0, got {timeout!r}")
    port = None if port == DEFAULT_PORTS[split.scheme] else port
    return Upstream(name, split.scheme, split.hostname, port, split.path.rstrip("/").encode(), timeout)


class Upstreams:
    """The named upstreams, and the hosts that ``/to/`` leads to.

    ``allow_hosts``: ``host``, ``host:port``, ``http://host:port``; ``*`` and ``?`` are wildcards. Hosts allowed by a wildcard must have a
    public address. Without a port, only the scheme's default port is allowed.
    """

    def __init__(self, named: Mapping[str, str | Upstream] | None = None, allow_hosts: Iterable[str] = ()) -> None:
        chosen = {**PROVIDERS, **(named or {})}
        self._named = {name: url if isinstance(url, Upstream) else parse_upstream(name, url) for name, url in chosen.items()}
        self._allowed = [_parse_allowed(text) for text in allow_hosts]

    def names(self) -> list[str]:
        """Return the names of the named upstreams."""
        return list(self._named)

    def __getitem__(self, name: str) -> Upstream:
        return self._named[name]

    def route(self, path: bytes, query: bytes) -> Route:
        """Return the route of a request with this path. Raises ``Refused`` if there is none."""
        first, slash, rest = path[1:].partition(b"/")
        name = first.decode("latin-1")
        if name == "to":
            authority, slash, rest = rest.partition(b"/")
            upstream = self._allowed_upstream(authority.decode("latin-1").lower())
        elif name in self._named:
            upstream = self._named[name]
        else:
            message = f"no upstream has the name {name[:64]!r}; there are {', '.join(self._named)} (--upstream NAME=URL adds one)"
            raise Refused(404, "unknown_upstream", message)
        if upstream.prefix and _has_dot_segments(rest):
            raise Refused(400, "dot_segments", f"the path must not contain '.' or '..' steps: upstream {name} begins at a path")
        target = upstream.prefix + (slash + rest or b"/")
        return Route(upstream, target + b"?" + query if query else target)

    def _allowed_upstream(self, authority: str) -> Upstream:
        match = _AUTHORITY.fullmatch(authority)
        port = int(match[2]) if match and match[2] else None
        if match is None or (port is not None and not 0 < port < 65536):
            raise Refused(400, "not_a_host", "after /to/ comes a host, or host:port, and then the path")
        host = match[1].strip("[]")
        for allowed in self._allowed:
            if allowed.matches(host, port):
                kept = None if port == DEFAULT_PORTS[allowed.scheme] else port
                return Upstream("to", allowed.scheme, host, kept, is_trusted=allowed.is_exact)
        raise Refused(403, "host_not_allowed", f"the host {authority[:255]} is not allowed; start with --allow-host {authority[:255]}")


class _Allowed(NamedTuple):
    scheme: str
    host: str  # a glob
    port: str  # a glob

    @property
    def is_exact(self) -> bool:
        return not any(char in self.host for char in "*?[")

    def matches(self, host: str, port: int | None) -> bool:
        number = port or DEFAULT_PORTS[self.scheme]
        found = host == self.host if self.is_exact else fnmatchcase(host, self.host)
        return found and fnmatchcase(str(number), self.port)


def _parse_allowed(text: str) -> _Allowed:
    scheme, separator, authority = text.lower().partition("://")
    scheme, authority = (scheme, authority) if separator else ("https", text.lower())
    bracketed = re.fullmatch(r"\[([0-9a-f:.]+)\](?::([\d*?]+))?", authority)
    match = bracketed or re.fullmatch(r"([^:/@\[\]\s]+)(?::([\d*?]+))?", authority)
    if scheme not in DEFAULT_PORTS or match is None:
        if is_address(authority):  # an IPv6 address without brackets
            return _Allowed(scheme, authority, str(DEFAULT_PORTS.get(scheme, 443)))
        raise ConfigError(f"an allowed host must be host, host:port or http://host:port (* and ? are wildcards), got {text!r}")
    return _Allowed(scheme, match[1], match[2] or str(DEFAULT_PORTS[scheme]))


def _has_dot_segments(path: bytes) -> bool:
    return any(step in (b".", b"..") for step in unquote_to_bytes(path).replace(b"\\", b"/").split(b"/"))
