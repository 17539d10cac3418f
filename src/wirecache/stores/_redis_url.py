"""Which Redis is meant by a URL, and how is a client for it made? One server, Sentinel's master, or a cluster; over TLS or not.

redis://user:password@host:6379/0      rediss://... (TLS)      unix:///path/to/socket?db=0
redis+sentinel://host:26379,host2:26379/service/0              redis+cluster://host:6379,host2:6379
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from wirecache.errors import ConfigError

__all__ = ["SCHEMES", "Place", "place_of"]

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
PORTS = {"single": 6379, "sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True)
class Place:
    """Where Redis is, and how it is spoken to. Its text form holds no password."""

    text: str
    kind: str  # single, sentinel, cluster
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)  # redis-py's own
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hidden(self, message: str) -> str:
        """The message without a password that somebody may have put into it."""
        for secret in self.secrets:
            message = message.replace(secret, "***")
        return message

    def client(self, timeout: float, connections: int) -> Any:
        """A client for threads; nothing is connected yet (but a cluster is asked for its nodes)."""
        import redis
        import redis.cluster
        import redis.retry
        import redis.sentinel

        return self._made(redis, redis.retry.Retry, timeout, connections)

    def async_client(self, timeout: float, connections: int) -> Any:
        """The same for one event loop."""
        import redis.asyncio
        import redis.asyncio.cluster
        import redis.asyncio.retry
        import redis.asyncio.sentinel

        return self._made(redis.asyncio, redis.asyncio.retry.Retry, timeout, connections)

    def _made(self, redis: Any, retry: Any, timeout: float, connections: int) -> Any:
        """The classes of either colour have the same names."""
        from redis.backoff import NoBackoff

        # Bounded waits, no retries, and the older protocol: it needs no greeting, and every server speaks it.
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": retry(NoBackoff(), 0), "protocol": 2}
        if self.kind == "cluster":
            nodes = [redis.cluster.ClusterNode(*host) for host in self.hosts]
            return redis.cluster.RedisCluster(startup_nodes=nodes, **{"ssl": self.tls, **limits, **self.options})
        limits["max_connections"] = connections
        if self.kind == "sentinel":
            theirs, options = _sentinels_own(self.options)
            sentinel = redis.sentinel.Sentinel(list(self.hosts), sentinel_kwargs={"ssl": self.tls, **limits, **theirs})
            return sentinel.master_for(self.service, **{"ssl": self.tls, **limits, **options})
        options = {**limits, **self.options}
        if connection := options.get("connection_class"):
            options["connection_class"] = getattr(redis, connection.__name__)
        return redis.Redis.from_pool(redis.ConnectionPool(**options))


def _sentinels_own(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """``sentinel_password`` and the like are for the Sentinels, the TLS options for both, the rest for the master."""
    own = {name.removeprefix("sentinel_"): value for name, value in options.items() if name.startswith("sentinel_")}
    rest = {name: value for name, value in options.items() if not name.startswith("sentinel_")}
    return {**{name: value for name, value in rest.items() if name.startswith("ssl_")}, **own}, rest


def place_of(url: str, options: Mapping[str, Any]) -> Place:
    """Read the URL; ``ConfigError`` says what is wrong with it, without its password."""
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest:
        raise ConfigError(f"the URL of a RedisStore has the scheme {scheme!r}; allowed: {', '.join(SCHEMES)}")
    base, _, kind = scheme.partition("+")
    authority, slash, path = rest.partition("?")[0].partition("/")
    user, at, hosts = authority.rpartition("@")
    query = url.partition("?")[2]
    text = f"{scheme}://{hosts}{slash}{path}"
    service, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    first = hosts.split(",")[0] if kind else hosts
    try:
        read = _options(f"{base}://{user}{at}{first}{slash}{database}{'?' if query else ''}{query}")
        named = tuple(_host(host, PORTS[kind]) for host in hosts.split(",")) if kind else ()
    except ValueError as error:
        raise ConfigError(f"{text} is no URL of a Redis: {error}") from None
    if kind == "sentinel" and not service:
        raise ConfigError(f"{text} names no service; write {scheme}://host:26379,host2:26379/service/0")
    if kind:
        for name in ("host", "port", "connection_class"):
            read.pop(name, None)
    if kind == "cluster" and read.pop("db", 0):
        raise ConfigError(f"{text} names a database; a cluster has only database 0")
    read |= options
    secrets = {str(value) for name, value in read.items() if "password" in name and value}
    secrets |= {unquote(secret) for secret in (user.partition(":")[2],) if secret} | {user.partition(":")[2]} - {""}
    return Place(text, kind or "single", named, unquote(service), base == "rediss", read, tuple(sorted(secrets, key=len, reverse=True)))


def _options(url: str) -> dict[str, Any]:
    from redis.connection import parse_url

    parts = urlsplit(url)
    if parts.scheme != "unix" and not re.fullmatch(r"/?\d*/?", parts.path):
        raise ValueError(f"the database is {parts.path.strip('/')!r}, which is no number")
    return dict(parse_url(url))


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, parts.port or port
