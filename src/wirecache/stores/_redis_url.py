"""The URL of a Redis (one server, Sentinel's master, or a cluster; with or without TLS), and the creation of clients for it.

redis://user:password@host:6379/0      rediss://... (TLS)      unix:///path/to/socket?db=0
redis+sentinel://host:26379,host2:26379/service/0              redis+cluster://host:6379,host2:6379
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from wirecache.errors import ConfigError

__all__ = ["SCHEMES", "RedisAddress", "parse_redis_url"]

Kind: TypeAlias = Literal["single", "sentinel", "cluster"]

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
PORTS: dict[str, int] = {"single": 6379, "sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True)
class RedisAddress:
    """The address of Redis, with the options for connecting. Its text form contains no password."""

    text: str
    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)  # redis-py's own
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def redact(self, message: str) -> str:
        """Return the message without passwords that redis-py or a server may have put into it."""
        for secret in self.secrets:
            message = message.replace(secret, "***")
        return message

    def client(self, timeout: float, max_connections: int) -> Any:
        """Return a client for threads, not connected yet (but a cluster's nodes are looked up)."""
        import redis
        import redis.cluster
        import redis.retry
        import redis.sentinel

        return self._make_client(redis, redis.retry.Retry, timeout, max_connections)

    def async_client(self, timeout: float, max_connections: int) -> Any:
        """Return a client for one event loop, not connected yet."""
        import redis.asyncio
        import redis.asyncio.cluster
        import redis.asyncio.retry
        import redis.asyncio.sentinel

        return self._make_client(redis.asyncio, redis.asyncio.retry.Retry, timeout, max_connections)

    def _make_client(self, redis: Any, retry: Any, timeout: float, max_connections: int) -> Any:
        """Return a client of redis or redis.asyncio, whose classes have the same names."""
        from redis.backoff import NoBackoff

        # Bounded waits, no retries, and the older protocol, which needs no handshake and which every server speaks.
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": retry(NoBackoff(), 0), "protocol": 2}
        if self.kind == "cluster":
            nodes = [redis.cluster.ClusterNode(*host) for host in self.hosts]
            return redis.cluster.RedisCluster(startup_nodes=nodes, **{"ssl": self.tls, **limits, **self.options})
        limits["max_connections"] = max_connections
        if self.kind == "sentinel":
            sentinel_options, options = _split_sentinel_options(self.options)
            sentinel = redis.sentinel.Sentinel(list(self.hosts), sentinel_kwargs={"ssl": self.tls, **limits, **sentinel_options})
            return sentinel.master_for(self.service, **{"ssl": self.tls, **limits, **options})
        options = {**limits, **self.options}
        if connection := options.get("connection_class"):
            options["connection_class"] = getattr(redis, connection.__name__)
        return redis.Redis.from_pool(redis.ConnectionPool(**options))


def _split_sentinel_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options for the Sentinels (``sentinel_password`` and the like, and the TLS options), and those for the master."""
    sentinel = {name.removeprefix("sentinel_"): value for name, value in options.items() if name.startswith("sentinel_")}
    master = {name: value for name, value in options.items() if not name.startswith("sentinel_")}
    return {**{name: value for name, value in master.items() if name.startswith("ssl_")}, **sentinel}, master


def parse_redis_url(url: str, options: Mapping[str, Any]) -> RedisAddress:
    """Return the address. Raises ``ConfigError`` if the URL is invalid, without repeating its password."""
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest:
        raise ConfigError(f"the URL of a RedisStore must begin with {', '.join(SCHEMES)}://, got the scheme {scheme!r}")
    base, _, several = scheme.partition("+")
    authority, slash, path = rest.partition("?")[0].partition("/")
    user, at, hosts = authority.rpartition("@")
    query = url.partition("?")[2]
    text = f"{scheme}://{hosts}{slash}{path}"
    service, _, database = path.partition("/") if several == "sentinel" else ("", "", path)
    first = hosts.split(",")[0] if several else hosts
    try:
        from_url = _parse_options(f"{base}://{user}{at}{first}{slash}{database}{'?' if query else ''}{query}")
        addresses = tuple(_parse_host(host, PORTS[several]) for host in hosts.split(",")) if several else ()
    except ValueError as error:
        raise ConfigError(f"{text} is not a URL of a Redis: {error}") from None
    kind = cast("Kind", several or "single")
    _check_kind(kind, scheme, text, service, from_url)
    merged = {**from_url, **options}
    return RedisAddress(text, kind, addresses, unquote(service), base == "rediss", merged, _secrets(user, merged))


def _check_kind(kind: Kind, scheme: str, text: str, service: str, options: dict[str, Any]) -> None:
    """Raise ``ConfigError`` for what this kind of address lacks or cannot have. Remove options that redis-py took from the first host."""
    if kind == "sentinel" and not service:
        raise ConfigError(f"{text} names no service; write {scheme}://host:26379,host2:26379/service/0")
    if kind != "single":
        for name in ("host", "port", "connection_class"):
            options.pop(name, None)
    if kind == "cluster" and options.pop("db", 0):
        raise ConfigError(f"{text} names a database; a cluster has only database 0")


def _secrets(user: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all passwords, raw and as quoted in the URL, the longest first."""
    quoted = user.partition(":")[2]
    secrets = {str(value) for name, value in options.items() if "password" in name and value}
    return tuple(sorted((secrets | {quoted, unquote(quoted)}) - {""}, key=len, reverse=True))


def _parse_options(url: str) -> dict[str, Any]:
    from redis.connection import parse_url

    parts = urlsplit(url)
    if parts.scheme != "unix" and not re.fullmatch(r"/?\d*/?", parts.path):
        raise ValueError(f"the database must be a number, got {parts.path.strip('/')!r}")
    return dict(parse_url(url))


def _parse_host(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, parts.port or default_port
