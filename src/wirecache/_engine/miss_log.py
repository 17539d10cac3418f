"""The latest misses, kept in memory without bodies, from the first time that somebody asks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from wirecache._core.flows.exchange import Exchange
from wirecache._engine.observers import Observer

__all__ = ["Miss", "MissLog", "misses_of_json"]

KEPT = 200  # misses
LONGEST = 2000  # characters that are kept of a text


class Miss(NamedTuple):
    """A call that had no entry. ``at``: seconds since the epoch. ``differences``: from the nearest entry, if one was searched for."""

    at: float
    method: str
    url: str
    model: str
    key: str
    status: int
    differences: tuple[str, ...] = ()


class MissLog(Observer):
    """Remembers the latest misses, the newest first."""

    def __init__(self) -> None:
        self._kept: deque[Miss] = deque(maxlen=KEPT)

    def on_end(self, exchange: Exchange) -> None:
        """Remember the exchange if it was a miss."""
        if exchange.status.outcome == "miss":
            key, model, code = exchange.status.key or "", exchange.model or "", exchange.code
            self._kept.appendleft(Miss(exchange.started_at, exchange.method, exchange.url, model, key, code, exchange.differences))

    def misses(self) -> list[Miss]:
        """Return the misses, the newest first."""
        return list(self._kept)


def misses_of_json(value: Any) -> list[Miss]:
    """Return the misses in the JSON of another process, without the items that are not valid."""
    rows = value.get("misses") if isinstance(value, dict) else None
    return [found for row in (rows if isinstance(rows, list) else ())[:KEPT] if (found := _miss_of(row)) is not None]


def _miss_of(row: Any) -> Miss | None:
    if not isinstance(row, dict) or not isinstance(row.get("at"), (int, float)):
        return None
    method, url, model, key = (str(row.get(name, ""))[:LONGEST] for name in ("method", "url", "model", "key"))
    differences: Iterable[Any] = row["differences"] if isinstance(row.get("differences"), list) else ()
    status = row["status"] if isinstance(row.get("status"), int) else 0
    return Miss(float(row["at"]), method, url, model, key, status, tuple(str(text)[:LONGEST] for text in differences))
