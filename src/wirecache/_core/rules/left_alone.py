"""The requests that a cassette leaves alone: they are sent, and neither recorded nor replayed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from ipaddress import ip_address

from wirecache._core.headers import media_type
from wirecache._core.mcp_session import is_mcp_stream
from wirecache._core.messages import Request
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.rules.record_modes import CassettePlan

__all__ = ["LEFT_ALONE", "left_alone_reason", "parse_hosts"]

LEFT_ALONE = frozenset({"ignored-host", "listening", "no-store", "off"})  # the reasons
DEFAULT_PORTS = {"http": 80, "https": 443}


def left_alone_reason(request: Request, plan: Plan, cassette: CassettePlan) -> str | None:
    """Return why the cassette leaves the request alone; None if it does not. Offline it leaves none alone, since those are sent."""
    if plan.mode is Mode.OFF:
        return "off"
    if plan.mode is Mode.OFFLINE or plan.directives.only_if_cached:
        return None
    if plan.directives.no_store and not _is_sent_by_library(request):
        return "no-store"
    host = _without_brackets(request.host.lower()).rstrip(".")
    if cassette.ignore_localhost and _is_localhost(host):
        return "ignored-host"
    return "ignored-host" if any(_matches(glob, host, request) for glob in cassette.ignore_hosts) else None


def parse_hosts(hosts: str | Iterable[str]) -> tuple[str, ...]:
    """Return the globs of hosts in lower case. Raises ``ValueError`` for what cannot be one."""
    globs = (hosts,) if isinstance(hosts, str) else tuple(hosts)
    for glob in globs:
        if not isinstance(glob, str) or not glob or "/" in glob:
            raise ValueError(f'ignore_hosts must be globs of hosts ("*.example.com", "localhost:4318"), got {glob!r}')
    return tuple(_without_brackets(glob.lower().rstrip(".")) for glob in globs)


def _without_brackets(host: str) -> str:
    """Return the host without the brackets of an IPv6 address; those of a glob stay."""
    return host.replace("[", "").replace("]", "") if host.startswith("[") and host.count(":") > 1 else host


def _is_sent_by_library(request: Request) -> bool:
    """Return whether the library, not the user, sent no-store: httpx2's ``sse()``, httpx-sse and MCP's client do when they want events."""
    return media_type(request.fields.get(b"accept", b"")) == b"text/event-stream" or is_mcp_stream(request)


def _is_localhost(host: str) -> bool:
    """Return whether the host is this machine: a localhost name (RFC 6761 section 6.3), or a loopback or unspecified address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _matches(glob: str, host: str, request: Request) -> bool:
    port = request.port or DEFAULT_PORTS.get(request.scheme)
    pattern = _pattern(glob)
    return any(pattern.match(text) for text in (host, f"{host}:{port}"))


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))
