"""Statistics: how often the cache answered, and what that saved, as sums by labels and by day."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Self, TypeAlias

from wirecache._core.label_bounds import Bounds
from wirecache._core.messages import Usage

__all__ = ["BANDS", "BILLED", "PRICED_APART", "SAVED", "Amounts", "Row", "Rows", "Stats", "band_of", "days_of", "flat"]

# Providers charge a different price for all tokens of a call whose input is above some limit. So calls are counted in bands of input size:
# these are the limits in genai-prices, and within a band each call is priced as the average one.
BANDS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
PRICED_APART = -1  # the band of calls that are not priced by tokens alone: with audio, generated images or searches

Amounts: TypeAlias = dict[str, float]  # by name: "hits", "bypassed:stream", "saved.input"; integers, and seconds


class Row(NamedTuple):
    """What identifies a row of amounts. ``day``: days since 1970-01-01, UTC. ``band``: see ``BANDS``."""

    day: int = 0
    host: str = ""
    endpoint: str = ""
    model: str = ""
    namespace: str = ""
    band: int = 0


Rows: TypeAlias = Mapping[Row, Mapping[str, float]]
SAVED = tuple(f"saved.{name}" for name in Usage._fields)
BILLED = tuple(f"billed.{name}" for name in Usage._fields)


@dataclass(frozen=True, slots=True)
class Stats:
    """What one cache did: in this process (``cache.stats``), or on one day (``cache.history()``).

    ``hits`` were answered from an entry (``stale`` of them past their ttl), ``misses`` went upstream (or were refused, offline),
    ``collapsed`` were answered by a concurrent equal request, ``bypassed`` were never looked up. ``stored`` answers were
    stored, ``refused`` were not; ``bypassed_for`` and ``refused_for`` count the reasons, ``reasons`` both together.

    ``seconds_spent`` is the time that upstream took, ``seconds_saved`` what it had taken for the reused entries. ``billed``
    and ``saved`` are the providers' own counts of the tokens of both (``tokens``: input and output saved); ``untold`` answers were
    relayed without a count, mostly streams that were bypassed.

    ``by("model")`` returns these statistics for each model; ``"host"``, ``"endpoint"`` and ``"namespace"`` work, too.
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
        """Return the sum of these rows."""
        sums: Counter[str] = Counter()
        for amounts in rows.values():
            sums.update(amounts)
        bypassed, refused = _reasons(sums, "bypassed:"), _reasons(sums, "refused:")
        saved = Usage(*(int(sums[name]) for name in SAVED))
        return cls(
            **{name: int(sums[name]) for name in ("hits", "misses", "stale", "collapsed", "stored", "store_errors", "untold")},
            bypassed=sum(bypassed.values()),
            refused=sum(refused.values()),
            seconds_saved=float(sums["seconds_saved"]),
            seconds_spent=float(sums["seconds_spent"]),
            tokens=saved.total,
            billed=Usage(*(int(sums[name]) for name in BILLED)),
            saved=saved,
            reasons=MappingProxyType(dict(Counter(bypassed) + Counter(refused))),
            bypassed_for=MappingProxyType(bypassed),
            refused_for=MappingProxyType(refused),
            rows=MappingProxyType({row: MappingProxyType(dict(amounts)) for row, amounts in rows.items()}),
        )

    @property
    def calls(self) -> int:
        """The number of exchanges: hits, misses, collapsed and bypassed."""
        return self.hits + self.misses + self.collapsed + self.bypassed

    def by(self, what: str) -> dict[str, Stats]:
        """Return the statistics of each host, endpoint, model or namespace; "" stands for none or unknown."""
        if what not in ("host", "endpoint", "model", "namespace"):
            raise ValueError(f"by() takes 'host', 'endpoint', 'model' or 'namespace', got {what!r}")
        parts: dict[str, dict[Row, Mapping[str, float]]] = {}
        for row, amounts in self.rows.items():
            parts.setdefault(getattr(row, what), {})[row] = amounts
        return {name: Stats.of(parts[name]) for name in sorted(parts)}


def _reasons(sums: Mapping[str, float], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(count) for name, count in sums.items() if name.startswith(prefix) and count}


def band_of(usage: Usage | None) -> int:
    """Return the band of input sizes in which a call with this usage is counted."""
    if usage is None:
        return 0
    return PRICED_APART if usage.other else bisect_left(BANDS, usage.input)


def flat(rows: Mapping[Row, Mapping[str, float]]) -> Iterator[tuple[str | int | float, ...]]:
    """Yield a row per amount, in the form kept in stores."""
    for row, amounts in rows.items():
        for name, amount in amounts.items():
            yield (*row, name, amount)


def days_of(lines: Iterable[tuple[object, ...]]) -> dict[int, dict[Row, Amounts]]:
    """Return the rows in such lines, by day. Invalid lines, which others may have written, are skipped; excess labels become "other"."""
    days: dict[int, dict[Row, Amounts]] = {}
    bounds: dict[int, Bounds] = {}
    for line in lines:
        if len(line) != 8:
            continue
        day, host, endpoint, model, namespace, band, name, amount = line
        texts = (host, endpoint, model, namespace, name)
        numbers = type(day) is int and type(band) is int and abs(day) < 10**6 and type(amount) in (int, float)
        if not numbers or not all(type(text) is str for text in texts) or not 0 <= amount < 2**63:  # type: ignore[operator]
            continue
        of_day = bounds.setdefault(day, Bounds())  # type: ignore[arg-type]
        row = Row(day, *of_day.labels((host, endpoint, model, namespace)), band)  # type: ignore[arg-type]
        amounts, counted = days.setdefault(row.day, {}).setdefault(row, {}), of_day.name(name)  # type: ignore[arg-type]
        amounts[counted] = amounts.get(counted, 0) + amount  # type: ignore[operator]
    return days
