"""The configuration of a server: the command's options, which override the table ``[serve]`` of the settings file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wirecache._engine.engine import CacheLike
from wirecache._proxy.app import PING_SECONDS, App
from wirecache._proxy.upstreams import PROVIDERS, TIMEOUT, Upstream, Upstreams, parse_upstream
from wirecache._settings.files import file_settings
from wirecache.errors import ConfigError

__all__ = ["Configuration", "configuration_of", "parse_assignments"]

HOST, PORT, GRACE = "127.0.0.1", 4141, 30.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """The options of a server. ``grace_seconds``: how long open calls may take after a signal to stop."""

    host: str = HOST
    port: int = PORT
    upstreams: Mapping[str, Upstream] = field(default_factory=dict[str, Upstream])
    allow_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    server_names: tuple[str, ...] = ()
    inject_keys: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    ping_seconds: float = PING_SECONDS
    grace_seconds: float = GRACE

    def app(self, cache: CacheLike, token: str | None = None, *, named: Mapping[str, Upstream] | None = None) -> App:
        """Return the application. ``named``: the upstreams, if not those of the options. Raises ``ConfigError`` for an invalid option."""
        return App(
            cache,
            self.upstreams if named is None else named,
            allow_hosts=self.allow_hosts,
            token=token,
            server_names=self.server_names,
            cors_origins=self.cors_origins,
            inject_keys=self.inject_keys,
            ping_seconds=self.ping_seconds,
        )

    def reload(self, app: App) -> None:
        """Let the application use these upstreams and allowed hosts from now on. Calls in progress are not affected."""
        app.upstreams = Upstreams(self.upstreams, self.allow_hosts)


def configuration_of(
    *,
    host: str | None = None,
    port: int | None = None,
    upstreams: Sequence[str] = (),
    allow_hosts: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
    server_names: Sequence[str] = (),
    inject_keys: Sequence[str] = (),
) -> Configuration:
    """Return the options in force: those given, added to or overriding the settings file's. Raises ``ConfigError`` for an invalid one."""
    file: Mapping[str, Any] = file_settings().get("serve", {})
    named = {name: _from_file(name, value) for name, value in file.get("upstreams", {}).items()}
    named |= {name: parse_upstream(name, url) for name, url in parse_assignments(upstreams, "--upstream").items()}
    return Configuration(
        host=host or file.get("host") or HOST,
        port=file.get("port", PORT) if port is None else port,
        upstreams=named,
        allow_hosts=(*file.get("allow_hosts", ()), *allow_hosts),
        cors_origins=(*file.get("cors_origins", ()), *cors_origins),
        server_names=(*file.get("server_names", ()), *server_names),
        inject_keys=_keys(inject_keys, {*PROVIDERS, *named}),
        ping_seconds=file.get("ping_seconds", PING_SECONDS),
        grace_seconds=file.get("grace_seconds", GRACE),
    )


def _from_file(name: str, value: str | Mapping[str, Any]) -> Upstream:
    if isinstance(value, str):
        return parse_upstream(name, value)
    return parse_upstream(name, value["url"], value.get("timeout") or TIMEOUT)


def parse_assignments(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return the names and values of options of the form ``NAME=VALUE``."""
    pairs = [text.partition("=") for text in texts]
    for name, separator, value in pairs:
        if not (name and separator and value):
            raise ConfigError(f"{option} must be NAME=VALUE, got {name!r}")
    return {name: value for name, _, value in pairs}


def _keys(texts: Sequence[str], upstreams: set[str]) -> dict[str, str]:
    """Return the keys to insert, from the environment, since everybody could read them on a command line."""
    found = {}
    for name, variable in parse_assignments(texts, "--inject-key").items():
        if name not in upstreams:
            raise ConfigError(f"--inject-key must name an upstream, got {name!r}")
        if not (key := os.environ.get(variable)):
            raise ConfigError(f"--inject-key {name}={variable}: the variable {variable} is not set")
        found[name] = key
    return found
