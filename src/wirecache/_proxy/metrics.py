"""The proxy's metrics: counters of its calls, in Prometheus's format. No label has a path, a key or a prompt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from wirecache._core.stats import Stats
from wirecache._core.status import CacheStatus
from wirecache._proxy.relay import Relay
from wirecache._proxy.request_body import RequestBody

__all__ = ["CONTENT_TYPE", "GAUGES", "Families", "Metrics", "OpenCall", "text_of"]

Family: TypeAlias = dict[str, float]  # by sample: its name with its labels
Families: TypeAlias = dict[str, Family]  # by name

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_CALLS = "proxy_open_calls"
GAUGES = frozenset({OPEN_CALLS})  # values of the moment, which do not outlive their process
BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)  # seconds
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class OpenCall:
    """One call, while it is in progress, and its outcome."""

    method: str
    upstream: str
    started: float = field(default_factory=time.perf_counter)
    status: int = 0  # 0: there was no answer
    cache_status: CacheStatus | None = None
    body: RequestBody | None = None
    relay: Relay | None = None
    has_left: bool = False  # the client disconnected before the end

    @property
    def seconds(self) -> float:
        """The seconds since the request arrived."""
        return time.perf_counter() - self.started

    @property
    def outcome(self) -> str:
        """What the cache did (hit, stale, collapsed, miss, bypass), or ``none`` if the request did not get that far."""
        return self.cache_status.outcome if self.cache_status is not None else "none"

    @property
    def sent(self) -> int:
        """The bytes of the answer so far."""
        return self.relay.bytes_sent if self.relay is not None else 0


class Metrics:
    """The counters of one process. ``on_change``: called when a call begins and when it ends."""

    def __init__(self) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self._open_calls: dict[int, OpenCall] = {}
        self._calls: Counter[tuple[str, str, str, str]] = Counter()
        self._left: Counter[str] = Counter()
        self._received: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._seconds: Counter[tuple[str, float]] = Counter()
        self._seconds_sum: Counter[str] = Counter()

    @contextmanager
    def call(self, method: str, upstream: str) -> Iterator[OpenCall]:
        """Yield a call that is in progress within the block, and count it at the end."""
        call = OpenCall(method if method in _METHODS else "other", upstream)
        self._open_calls[id(call)] = call
        self.on_change()
        try:
            yield call
        finally:
            del self._open_calls[id(call)]
            self._count(call)
            self.on_change()

    def open_calls(self) -> list[OpenCall]:
        """Return the calls in progress, the oldest first."""
        return list(self._open_calls.values())

    def families(self, stats: Stats) -> Families:
        """Return all metrics, in any thread (so counters are copied before they are read). ``stats``: the cache's."""
        return dict([*self._own_families(), *_cache_families(stats)])

    def _count(self, call: OpenCall) -> None:
        seconds, outcome = call.seconds, call.outcome
        self._calls[call.upstream, call.method, str(call.status), outcome] += 1
        self._left[call.upstream] += call.has_left
        self._received[call.upstream] += call.body.size if call.body is not None else 0
        self._sent[call.upstream] += call.sent
        self._seconds_sum[outcome] += seconds  # type: ignore[assignment]
        self._seconds[outcome, float("inf")] += 1
        for limit in BUCKETS:
            self._seconds[outcome, limit] += seconds <= limit

    def _own_families(self) -> Iterator[tuple[str, Family]]:
        names = ("upstream", "method", "status", "outcome")
        yield _family("proxy_calls_total", ((dict(zip(names, key, strict=True)), n) for key, n in list(self._calls.items())))
        yield _family(OPEN_CALLS, [({}, len(self._open_calls))])
        per_upstream = {"disconnects_total": self._left, "received_bytes_total": self._received, "sent_bytes_total": self._sent}
        for name, counter in per_upstream.items():
            yield _family(f"proxy_{name}", (({"upstream": key}, n) for key, n in list(counter.items())))
        seconds: Family = {}
        for outcome, total in sorted(self._seconds_sum.items()):
            for limit in (*BUCKETS, float("inf")):
                le = "+Inf" if limit == float("inf") else str(limit)
                seconds[_sample("proxy_seconds_bucket", {"outcome": outcome, "le": le})] = self._seconds[outcome, limit]
            seconds[_sample("proxy_seconds_sum", {"outcome": outcome})] = total
            seconds[_sample("proxy_seconds_count", {"outcome": outcome})] = self._seconds[outcome, float("inf")]
        yield "proxy_seconds", seconds


def text_of(families: Families) -> str:
    """Return the metrics in Prometheus's text format."""
    lines: list[str] = []
    for name, family in families.items():
        kind = "gauge" if name in GAUGES else "histogram" if name == "proxy_seconds" else "counter"
        lines += [f"# TYPE wirecache_{name} {kind}\n", *(f"{sample} {value}\n" for sample, value in family.items())]
    return "".join(lines)


def _cache_families(stats: Stats) -> Iterator[tuple[str, Family]]:
    for name in ("hits", "misses", "bypassed", "stale", "collapsed", "stored", "refused", "store_errors"):
        yield _family(f"{name}_total", [({}, getattr(stats, name))])
    yield _family("seconds_saved_total", [({}, stats.seconds_saved)])
    for kind in ("billed", "saved"):
        usage = getattr(stats, kind)
        yield _family(f"{kind}_tokens_total", [({"kind": part}, getattr(usage, part)) for part in ("input", "output")])


def _family(name: str, rows: Iterable[tuple[Mapping[str, str], float]]) -> tuple[str, Family]:
    return name, {_sample(name, labels): value for labels, value in rows}


def _sample(name: str, labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"wirecache_{name}{{{shown}}}" if shown else f"wirecache_{name}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
