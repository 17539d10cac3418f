"""What may a settings file say? Its own module, since pydantic costs 50 ms that only a project with such a file shall pay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from wirecache._core.keys.keys import KeyOptions
from wirecache._core.rules.freshness import TTL_FORMS, parse_ttl
from wirecache._core.rules.plan import Mode, Streams
from wirecache._core.rules.rules import Rule

__all__ = ["Settings", "allowed_at"]


def _duration(value: float | str) -> float | str:
    parse_ttl(value)
    return value


Duration = Annotated[float | str, AfterValidator(_duration)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Key(_Table):
    """``[tool.wirecache.key]``: what ``KeyOptions`` takes, but ``normalize``."""

    ignore_body: list[str] = []
    ignore_query: list[str] = []
    headers: list[str] = []
    credentials: bool = False
    host: bool = True


class _Rule(_Table):
    """``[[tool.wirecache.rules]]``: what ``Rule`` takes."""

    method: str = "POST"
    host: str = "*"
    path: str = "*"
    model: str = "*"
    cache: bool = True
    ttl: Duration | None = None


class Settings(_Table):
    """``[tool.wirecache]``: what ``Cache`` takes, but what only code can say."""

    mode: Literal["auto", "offline", "refresh", "off"] | None = None
    store: str | list[str] | None = None
    ttl: Duration | None = None
    namespace: str | None = None
    keep_stale: Duration | None = None
    stale_if_error: Duration | None = None
    streams: Literal["bypass", "record"] | None = None
    key: _Key | None = None
    rules: list[_Rule] = []

    def given(self, folder: Path) -> dict[str, Any]:
        """What the file says, as ``Cache`` takes it; a relative path of a store is relative to the file."""
        said: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"key", "rules"})
        if isinstance(self.store, list):
            said["store"] = [_from(folder, tier) for tier in self.store]
        elif self.store is not None:
            said["store"] = _from(folder, self.store)
        if self.key is not None:
            lists = (tuple(self.key.ignore_body), tuple(self.key.ignore_query), tuple(self.key.headers))
            said["key"] = KeyOptions(*lists, credentials=self.key.credentials, host=self.key.host)
        if self.rules:
            said["rules"] = tuple(Rule(**rule.model_dump(exclude_unset=True)) for rule in self.rules)
        return said


_CHOICES = {"mode": Mode, "streams": Streams}


def _from(folder: Path, store: str) -> str:
    return store if "://" in store else str(folder / Path(store).expanduser())


def allowed_at(place: Sequence[int | str]) -> str:
    """What is allowed at a place of the file, in words; empty where pydantic's own message says it."""
    tables: dict[str, type[_Table]] = {"key": _Key, "rules": _Rule}
    table = tables.get(str(place[0]), Settings) if len(place) > 1 else Settings
    name = str(place[-1])
    if name not in table.model_fields:
        return ", ".join(table.model_fields)
    if name in _CHOICES:
        return ", ".join(_CHOICES[name])
    return TTL_FORMS if name in ("ttl", "keep_stale", "stale_if_error") else ""
