"""The model of a settings file. A module of its own: pydantic takes 50 ms to import, and only projects with such a file need it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from wirecache._core.keys.keys import KeyOptions
from wirecache._core.rules.budget import Budget
from wirecache._core.rules.freshness import TTL_FORMS, parse_ttl
from wirecache._core.rules.plan import Embeddings, Mode, Streams
from wirecache._core.rules.rules import Rule

__all__ = ["Settings", "allowed_at"]


def _check_duration(value: float | str) -> float | str:
    parse_ttl(value)
    return value


Duration = Annotated[float | str, AfterValidator(_check_duration)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Key(_Table):
    """``[tool.wirecache.key]``: the parameters of ``KeyOptions``; ``normalize`` is a name here."""

    ignore_body: list[str] = []
    ignore_query: list[str] = []
    headers: list[str] = []
    credentials: bool = False
    host: bool = True
    normalize: Literal["coding-agent"] | None = None


class _Rule(_Table):
    """``[[tool.wirecache.rules]]``: the parameters of ``Rule``."""

    method: str = "POST"
    host: str = "*"
    path: str = "*"
    model: str = "*"
    cache: bool = True
    ttl: Duration | None = None


class _Budget(_Table):
    """``[tool.wirecache.budget]``, or several as ``[[tool.wirecache.budget]]``: the parameters of ``Budget``; ``usd`` may be a text."""

    usd: float | str | None = None
    calls: int | None = None
    tokens: int | None = None
    window: Literal["run", "day", "month"] = "run"
    warn_at: float = 0.8
    unpriced: Literal["refuse", "allow"] = "refuse"
    namespace: str = "*"
    model: str = "*"
    name: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.made()
        return self

    def made(self) -> Budget:
        """Return the budget. Raises ``ConfigError`` if it is invalid."""
        return Budget(**self.model_dump())


class _Upstream(_Table):
    """``[tool.wirecache.serve.upstreams.NAME]``: the URL of an upstream, and its timeout: seconds without a byte."""

    url: str
    timeout: float | None = None


class _Serve(_Table):
    """``[tool.wirecache.serve]``: options of ``wirecache serve``.

    ``host``, ``port``: the address to listen on. ``upstreams``: further upstreams, or other addresses of providers: by name, a URL or a
    table with ``url`` and ``timeout`` (seconds). ``allow_hosts``: hosts that ``/to/HOST/`` leads to; ``*`` is a wildcard.
    ``cors_origins``: origins whose pages may use the proxy. ``server_names``: further names of the server (``Host`` header).
    ``ping_seconds``: the silence after which an event stream gets a comment. ``grace_seconds``: how long the open calls may take when the
    server stops.
    """

    host: str | None = None
    port: int | None = None
    upstreams: dict[str, str | _Upstream] = {}
    allow_hosts: list[str] = []
    cors_origins: list[str] = []
    server_names: list[str] = []
    ping_seconds: float | None = None
    grace_seconds: float | None = None


class Settings(_Table):
    """``[tool.wirecache]``: the parameters of ``Cache``, except those whose values are Python objects."""

    mode: Literal["auto", "offline", "refresh", "off"] | None = None
    store: str | list[str] | None = None
    ttl: Duration | None = None
    namespace: str | None = None
    keep_stale: Duration | None = None
    stale_if_error: Duration | None = None
    streams: Literal["bypass", "record"] | None = None
    embeddings: Literal["request", "items"] | None = None
    heuristics: bool | None = None
    key: _Key | None = None
    rules: list[_Rule] = []
    budget: Annotated[list[_Budget], BeforeValidator(lambda given: [given] if isinstance(given, dict) else given)] = []
    serve: _Serve | None = None

    def as_arguments(self, folder: Path) -> dict[str, Any]:
        """Return the settings of the file as arguments of ``Cache``, and under ``serve`` those of that command.

        ``folder``: the one that relative paths of stores are resolved against.
        """
        arguments: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"key", "rules", "budget", "serve"})
        if isinstance(self.store, list):
            arguments["store"] = [_resolved(folder, tier) for tier in self.store]
        elif self.store is not None:
            arguments["store"] = _resolved(folder, self.store)
        if self.key is not None:
            lists = (tuple(self.key.ignore_body), tuple(self.key.ignore_query), tuple(self.key.headers))
            arguments["key"] = KeyOptions(*lists, credentials=self.key.credentials, host=self.key.host, normalize=self.key.normalize)
        if self.rules:
            arguments["rules"] = tuple(Rule(**rule.model_dump(exclude_unset=True)) for rule in self.rules)
        if self.budget:
            arguments["budget"] = tuple(budget.made() for budget in self.budget)
        if self.serve is not None:
            arguments["serve"] = self.serve.model_dump(exclude_unset=True)
        return arguments


def _resolved(folder: Path, store: str) -> str:
    """Return the place of a store as an absolute path; ``~`` is expanded later, when it is opened."""
    return store if "://" in store or store.startswith("~") else str(folder / store)


_CHOICES = {"mode": Mode, "streams": Streams, "embeddings": Embeddings}


def allowed_at(location: Sequence[int | str]) -> str:
    """Return what is allowed at a location in the file, in words; empty if pydantic's own message says it.

    ``location``: the path of keys and list indices, as reported by pydantic. If it leads to no setting, the existing names are returned.
    """
    tables: dict[str, type[_Table]] = {"key": _Key, "rules": _Rule, "budget": _Budget, "serve": _Serve}
    table = tables.get(str(location[0]), Settings) if len(location) > 1 else Settings
    name = str(location[-1])
    if name not in table.model_fields:
        return ", ".join(table.model_fields)
    if name in _CHOICES:
        return f"one of {', '.join(_CHOICES[name])}"
    return TTL_FORMS if name in ("ttl", "keep_stale", "stale_if_error") else ""
