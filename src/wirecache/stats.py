"""How often did the cache answer, and what did that save? A fold over ``CacheStatus``, by labels and by day."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Self, TypeAlias

from wirecache._core.flows.labels import NO_LABELS, Labels
from wirecache._core.messages import Entry, Usage
from wirecache._core.status import CacheStatus

__all__ = ["BANDS", "PRICED_APART", "Amounts", "Row", "Stats", "Tally", "band_of", "days_of", "flat"]

# Providers charge another price for all tokens of a call whose input is above some limit. So calls are counted by what they read:
# these are the limits that genai-prices knows, and within a band each call has the prices of the average one.
BANDS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
PRICED_APART = -1  # the band of calls that tokens alone do not price: with audio, images that were made, searches

Amounts: TypeAlias = dict[str, float]  # by name: "hits", "bypassed:stream", "saved.input"; whole numbers, and seconds


class Row(NamedTuple):
    """What the amounts of a row have in common. ``day``: days since 1970-01-01, UTC. ``band``: see ``BANDS``."""

    day: int = 0
    host: str = ""
    endpoint: str = ""
    model: str = ""
    namespace: str = ""
    band: int = 0


Rows: TypeAlias = Mapping[Row, Mapping[str, float]]
_SAVED = tuple(f"saved.{name}" for name in Usage._fields)
_BILLED = tuple(f"billed.{name}" for name in Usage._fields)


@dataclass(frozen=True, slots=True)
class Stats:
    """What one cache did: in this process (``cache.stats``), or on one day (``cache.history()``).

    ``hits`` were answered from an entry (``stale`` of them past their ttl), ``misses`` went upstream (or were refused, offline),
    ``collapsed`` were answered by an equal request that was under way, ``bypassed`` were never looked up. ``stored`` answers were
    taken into the store, ``refused`` were not; ``bypassed_for`` and ``refused_for`` count the reasons, ``reasons`` both together.

    ``seconds_spent`` is the time that upstream took, ``seconds_saved`` what it had taken for the entries that were reused. ``billed``
    and ``saved`` are the providers' own counts of the tokens of both (``tokens``: input and output saved); ``untold`` answers were
    passed on without a count, mostly streams that were bypassed.

    ``by("model")`` has the same for each model; ``"host"``, ``"endpoint"`` and ``"namespace"``, too.
    """

    hits: int = 0
    misses: int = 0
    bypassed: int = 0
    stale: int = 0
    collapsed: int = 0
    stored: int = 0
    refused: int = 0
    store_errors: int = 0
    seconds_saved: float = 0.0
    tokens: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds_spent: float = 0.0
    billed: Usage = field(default_factory=Usage)
    saved: Usage = field(default_factory=Usage)
    untold: int = 0
    bypassed_for: Mapping[str, int] = field(default_factory=dict[str, int])
    refused_for: Mapping[str, int] = field(default_factory=dict[str, int])
    rows: Rows = field(default_factory=dict[Row, Amounts], repr=False, compare=False)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """The sum of these rows."""
        sums: Counter[str] = Counter()
        for amounts in rows.values():
            sums.update(amounts)
        bypassed, refused = _reasons(sums, "bypassed:"), _reasons(sums, "refused:")
        saved = Usage(*(int(sums[name]) for name in _SAVED))
        return cls(
            **{name: int(sums[name]) for name in ("hits", "misses", "stale", "collapsed", "stored", "store_errors", "untold")},
            bypassed=sum(bypassed.values()),
            refused=sum(refused.values()),
            seconds_saved=float(sums["seconds_saved"]),
            seconds_spent=float(sums["seconds_spent"]),
            tokens=saved.total,
            billed=Usage(*(int(sums[name]) for name in _BILLED)),
            saved=saved,
            reasons=MappingProxyType(dict(Counter(bypassed) + Counter(refused))),
            bypassed_for=MappingProxyType(bypassed),
            refused_for=MappingProxyType(refused),
            rows=MappingProxyType({row: MappingProxyType(dict(amounts)) for row, amounts in rows.items()}),
        )

    @property
    def calls(self) -> int:
        """All exchanges: hits, misses, collapsed and bypassed."""
        return self.hits + self.misses + self.collapsed + self.bypassed

    def by(self, what: str) -> dict[str, Stats]:
        """The same for each host, endpoint, model or namespace; "" is what has none, or where it is not known."""
        if what not in ("host", "endpoint", "model", "namespace"):
            raise ValueError(f"{what!r} is nothing to count by; allowed: host, endpoint, model, namespace")
        parts: dict[str, dict[Row, Mapping[str, float]]] = {}
        for row, amounts in self.rows.items():
            parts.setdefault(getattr(row, what), {})[row] = amounts
        return {name: Stats.of(parts[name]) for name in sorted(parts)}


def _reasons(sums: Mapping[str, float], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(count) for name, count in sums.items() if name.startswith(prefix) and count}


def band_of(usage: Usage | None) -> int:
    """Among which calls is one of this usage counted?"""
    if usage is None:
        return 0
    return PRICED_APART if usage.other else bisect_left(BANDS, usage.input)


class Tally:
    """The running counters behind ``Stats``; safe under threads, at 1 µs a hit.

    ``day``: days since 1970-01-01, UTC. What was counted since ``drain`` is apart from the rest, for whoever keeps it for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Row, Amounts] = {}
        self._new: dict[Row, Amounts] = {}

    def answered(self, status: CacheStatus, entry: Entry | None = None, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count an exchange whose head is known; ``entry`` is the one it was answered from."""
        usage = entry.usage if entry is not None else None
        with self._lock:
            row = self._row(labels, day, band_of(usage) if usage is not None else 0)
            if status.hit:
                row["hits"] = row.get("hits", 0) + 1
                if status.ttl is not None and status.ttl <= 0:
                    row["stale"] = row.get("stale", 0) + 1
            else:
                name = "collapsed" if status.collapsed else f"bypassed:{status.detail or ''}" if status.fwd == "bypass" else "misses"
                row[name] = row.get(name, 0) + 1
            if entry is not None:
                row["seconds_saved"] = row.get("seconds_saved", 0.0) + entry.seconds
                if usage is not None:
                    _add_usage(row, "saved", _SAVED, usage)

    def paid(self, usage: Usage | None, seconds: float, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count what upstream's answer took and cost; ``usage`` None: it is not known."""
        with self._lock:
            row = self._row(labels, day, band_of(usage))
            row["seconds_spent"] = row.get("seconds_spent", 0.0) + seconds
            if usage is not None:
                _add_usage(row, "billed", _BILLED, usage)
            else:
                row["untold"] = row.get("untold", 0) + 1

    def spent(self, seconds: float, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count the time of an exchange upstream that cost nothing."""
        with self._lock:
            row = self._row(labels, day, 0)
            row["seconds_spent"] = row.get("seconds_spent", 0.0) + seconds

    def refused(self, reason: str, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count an answer that was not taken into the store."""
        self.add(f"refused:{reason}", labels, day)

    def add(self, name: str, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count one of ``stored`` or ``store_errors``."""
        with self._lock:
            row = self._row(labels, day, 0)
            row[name] = row.get(name, 0) + 1

    def snapshot(self) -> Stats:
        """The counters now."""
        with self._lock:
            rows = {row: dict(amounts) for row, amounts in self._kept.items()}
            _merge(rows, self._new.items())
        return Stats.of(rows)

    def drain(self) -> dict[Row, Amounts]:
        """What was counted since the last time."""
        with self._lock:
            new, self._new = self._new, {}
            _merge(self._kept, new.items())
        return new

    def put_back(self, rows: Mapping[Row, Amounts]) -> None:
        """What was drained could not be kept: it is drained again the next time."""
        with self._lock:
            _merge(self._new, rows.items())
            _merge(self._kept, ((row, {name: -amount for name, amount in amounts.items()}) for row, amounts in rows.items()))

    def forked(self) -> None:
        """Begin anew in the child: what the parent counted is the parent's to keep."""
        self._lock = threading.Lock()
        _merge(self._kept, self._new.items())
        self._new = {}

    def _row(self, labels: Labels, day: int, band: int) -> Amounts:
        key = Row(day, *labels, band)
        row = self._new.get(key)
        if row is None:
            row = self._new[key] = {}
        return row


def _add_usage(row: Amounts, calls: str, names: tuple[str, ...], usage: Usage) -> None:
    row[calls] = row.get(calls, 0) + 1
    for name, count in zip(names, usage, strict=True):
        if count:
            row[name] = row.get(name, 0) + count


def _merge(rows: dict[Row, Amounts], more: Iterable[tuple[Row, Mapping[str, float]]]) -> None:
    for row, amounts in more:
        have = rows.setdefault(row, {})
        for name, amount in amounts.items():
            have[name] = have.get(name, 0) + amount


def flat(rows: Mapping[Row, Mapping[str, float]]) -> Iterator[tuple[str | int | float, ...]]:
    """One line for each amount, as a store keeps them."""
    for row, amounts in rows.items():
        for name, amount in amounts.items():
            yield (*row, name, amount)


def days_of(lines: Iterable[tuple[object, ...]]) -> dict[int, dict[Row, Amounts]]:
    """The rows in such lines, by day. A line that is none is passed over: others may have written it."""
    days: dict[int, dict[Row, Amounts]] = {}
    for line in lines:
        if len(line) != 8:
            continue
        day, host, endpoint, model, namespace, band, name, amount = line
        texts = (host, endpoint, model, namespace, name)
        numbers = type(day) is int and type(band) is int and abs(day) < 10**6 and type(amount) in (int, float)
        if not numbers or not all(type(text) is str for text in texts) or not 0 <= amount < 2**63:  # type: ignore[operator]
            continue
        row = Row(day, host, endpoint, model, namespace, band)  # type: ignore[arg-type]
        days.setdefault(row.day, {}).setdefault(row, {})[name] = amount  # type: ignore[index,assignment]
    return days
