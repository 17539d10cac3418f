"""``Cache``: a store, settings and statistics. One serves any number of clients, threads and event loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from wirecache._caches.budgets import Budgets, Spending, ledger_for, spending_of
from wirecache._caches.context import CaptureObserver, current_options
from wirecache._core.flows.exchange import Exchange
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.rules.plan import Embeddings, Mode, Plan, Streams, is_fresh
from wirecache._core.rules.rules import Rule
from wirecache._core.stats import Stats
from wirecache._core.unset import UNSET, Unset
from wirecache._engine.accounting import Log, Statistics
from wirecache._engine.engine import Engine
from wirecache._engine.log import log_observers
from wirecache._engine.observers import Callback, Observer
from wirecache._settings.files import file_settings
from wirecache._settings.parsers import (
    Duration,
    all_of_type,
    of_type,
    parse_duration,
    parse_embeddings,
    parse_mode,
    parse_speed,
    parse_streams,
    parse_text,
)
from wirecache._settings.sources import setting
from wirecache._storage.entry_store import Accept, EntryStore
from wirecache._storage.kept_stats import KeptStats
from wirecache._storage.leases import can_hold_leases
from wirecache._storage.tally import Tally
from wirecache.errors import ConfigError
from wirecache.stores._open import Place, open_store
from wirecache.stores._protocol import Store
from wirecache.stores._stats_table import HistoryError

if TYPE_CHECKING:
    from wirecache._caches.explain import Explanation

__all__ = ["Cache", "check_miss", "observers_of"]

SEARCH_SECONDS = 0.008  # how long a miss may search for the nearest stored request


class Cache:
    """A cache: which answers are stored, where, and for how long.

    ``store``: a ``Store``, the path of a directory, a URL (``memory://``, ``redis://host``), a list of these (tiers, the nearest first),
    or None for the default disk store. ``mode``: see ``Mode``. ``ttl``: how long an
    entry is fresh (seconds, timedelta, ``"90s"`` ... ``"2w"``, None for ever). ``namespace``: part of every key. ``key``: what counts
    in a key. ``keep_stale``: how long past its ttl the store keeps an entry, for ``offline``. ``accept``: called with each ``Entry`` to
    be stored; it refuses the entry by returning False or a text (the reason). ``miss``: what offline mode does without an entry,
    ``"respond"`` (424) or ``"raise"`` (``NotRecorded``).

    ``rules``: user rules, applied before the built-in ones. ``stale_if_error``: how long past its ttl an entry may answer when upstream
    fails (connect error, timeout, 429, 5xx). ``streams``: ``"bypass"`` (relayed, not stored) or ``"record"`` (relayed and stored).
    ``replay_speed``: 0 replays a recorded stream at once, 1 at its recorded pace, 2 twice as fast. ``collapse``: concurrent equal
    requests share one forward within this process (True), among all processes on the store (``"shared"``), or not at all (False).

    ``on_exchange``: called with each ``Exchange`` when it is over, including its body, in the thread and context of its caller.
    ``status_header=False``: responses get no ``Cache-Status`` header (the extension stays). ``header_options=False``: ``Wirecache-*`` and
    ``Cache-Control`` headers of requests have no effect, for servers that forward their clients' headers. ``budget``: a ``Budget`` or
    several that calls must stay within; also as text (``"usd=2.50, window=day"``). ``embeddings``: a list of inputs is looked up as one
    ``"request"``, or as separate ``"items"``, of which only the missing ones are sent. ``heuristics=True``: an answer to a GET without a
    lifetime is fresh for a tenth of the time since its ``Last-Modified``, at most a week (RFC 9111 section 4.2.2).

    Arguments not given are taken from ``WIRECACHE_STORE`` (``_MODE``, ``_TTL``, ``_NAMESPACE``, ``_STREAMS``, ``_EMBEDDINGS``), then from
    ``wirecache.toml`` or ``[tool.wirecache]`` in ``pyproject.toml``. Raises ``ConfigError`` for an invalid value, with the allowed ones.
    """

    def __init__(
        self,
        store: Place | None = None,
        *,
        mode: Mode | Literal["auto", "offline", "refresh", "off"] | Unset = UNSET,
        ttl: Duration | Unset = UNSET,
        rules: Sequence[Rule] | Unset = UNSET,
        key: KeyOptions | Unset = UNSET,
        namespace: str | Unset = UNSET,
        keep_stale: Duration | Unset = UNSET,
        stale_if_error: Duration | Unset = UNSET,
        streams: Streams | Literal["bypass", "record"] | Unset = UNSET,
        collapse: bool | Literal["process", "shared"] = True,
        replay_speed: float = 0.0,
        miss: Literal["respond", "raise"] = "respond",
        accept: Accept | None = None,
        status_header: bool = True,
        on_exchange: Callable[[Exchange], object] | None = None,
        header_options: bool = True,
        budget: Budgets = UNSET,
        embeddings: Embeddings | Literal["request", "items"] | Unset = UNSET,
        heuristics: bool | Unset = UNSET,
    ) -> None:
        file = file_settings()
        plan = Plan(
            mode=setting("mode", mode, parse_mode, file, Mode.AUTO),
            ttl=setting("ttl", ttl, parse_duration, file, "7d"),
            namespace=setting("namespace", namespace, parse_text, file, ""),
            key=setting("key", key, of_type(KeyOptions), file, DEFAULT_KEY),
            rules=setting("rules", rules, all_of_type(Rule), file, ()),
            collapse=collapse is not False,
            collapse_shared=collapse == "shared",
            streams=setting("streams", streams, parse_streams, file, Streams.BYPASS),
            keep_stale=setting("keep_stale", keep_stale, parse_duration, file, "30d"),
            stale_if_error=setting("stale_if_error", stale_if_error, parse_duration, file, 0) or 0.0,  # None: not at all
            miss=check_miss(miss),
            replay_speed=parse_speed(replay_speed),
            header_options=header_options,
            embeddings=setting("embeddings", embeddings, parse_embeddings, file, Embeddings.REQUEST),
            status_header=status_header,
            heuristics=setting("heuristics", heuristics, of_type(bool), file, False),
        )
        self.store = open_store(store, file)
        _check_collapse(collapse, self.store)
        tally = Tally()
        source = EntryStore(self.store, plan, accept, shared=plan.collapse_shared)
        self._kept = KeptStats(self.store, tally, source.queue, partial(_on_kept_error, source))
        self._statistics = Statistics(tally, self._kept)
        source.on_trouble = self._statistics.on_trouble
        source.hits = self._kept.hits
        observers = [*observers_of(self._statistics), *([Callback(on_exchange)] if on_exchange is not None else [])]
        self.engine = Engine(plan, source, observers, on_stored=self._statistics.on_stored, search_seconds=SEARCH_SECONDS)
        self.engine.use_ledger(ledger_for(budget, self.store, file))

    def __repr__(self) -> str:
        return f"Cache({self.store!r}, mode={self.mode.value!r})"

    @property
    def plan(self) -> Plan:
        """The settings in force."""
        return self.engine.plan

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self.plan.mode

    @property
    def stats(self) -> Stats:
        """The statistics of this process so far. Waits for pending writes, so that the counters are accurate."""
        self.engine.source.flush()
        return self._statistics.tally.snapshot()

    def history(self, days: int | None = None) -> dict[date, Stats]:
        """Return the statistics of each of the last ``days`` (UTC; None: all) over all processes that used this store, the oldest first.

        Only disk stores keep statistics; with any other store they are those of this process.
        """
        self.engine.source.flush()
        return self._kept.days(days)

    def spending(self) -> list[Spending]:
        """Return what is spent of each budget by all processes that share it. Raises ``StoreError`` if that cannot be read."""
        return spending_of(self.engine.ledger)

    def entries(self) -> Iterator[Entry]:
        """Yield the stored entries, read one by one. A store of your own needs ``keys()`` for this."""
        return self.engine.source.entries()

    def get(self, key: str) -> Entry | None:
        """Return the entry with this key, fresh or stale; None if there is no complete one."""
        return self.engine.source.look_up(key)

    def explain(self, request: Any) -> Explanation:
        """Return whether this request would be answered from the store, and why not. Nothing is sent.

        ``request``: one of httpx or httpx2, or a dict with ``url`` and, as needed, ``method``, ``headers`` and ``body``.
        Options of the block (``wirecache.options``) and of the request count.
        """
        from wirecache._caches.explain import explain_request

        return explain_request(self.engine, request, current_options.get(), self.engine.source.look_up)

    def discard(self, key: str) -> None:
        """Delete the entry with this key, if there is one."""
        self.engine.source.discard(key)

    def clear(self) -> None:
        """Delete all entries."""
        self.engine.source.clear()

    def prune(self) -> int:
        """Delete the entries that are past their ttl, and return their number."""
        now = time.time()
        stale = [entry.key for entry in self.entries() if not is_fresh(entry, self.plan, now)]
        for key in stale:
            self.engine.source.drop(key)
        return len(stale)

    def flush(self) -> None:
        """Wait for pending writes."""
        self.engine.source.flush()

    async def aflush(self) -> None:
        """Wait for pending writes, in a worker thread, if there are any."""
        if not self.engine.source.flush(0):
            from wirecache._runtime.beside_loop import run_beside_loop

            await run_beside_loop(self.flush)

    def close(self) -> None:
        """Finish the writes and close the store. A closed cache reopens when it is used again."""
        self.engine.source.flush()
        self._kept.save()
        self.engine.source.close()

    async def aclose(self) -> None:
        """Close from an event loop, in a worker thread."""
        from wirecache._runtime.beside_loop import run_beside_loop

        await run_beside_loop(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


def _on_kept_error(source: EntryStore, error: Exception) -> None:
    """Report an error that concerns only the statistics; a failing store is reported where it affects an entry."""
    if isinstance(error, HistoryError):
        source.report(error)


def observers_of(statistics: Statistics) -> list[Observer]:
    """Return the observers that every cache and cassette has."""
    return [statistics, CaptureObserver(), Log(), *log_observers(statistics.tally)]


def check_miss(miss: Literal["respond", "raise"]) -> Literal["respond", "raise"]:
    """Return the option ``miss``. Raises ``ConfigError`` if it is invalid."""
    if miss not in ("respond", "raise"):
        raise ConfigError(f"miss must be 'respond' or 'raise', got {miss!r}")
    return miss


def _check_collapse(collapse: object, store: Store) -> None:
    if collapse not in (True, False, "process", "shared"):
        raise ConfigError(f"collapse must be True or 'process' (within this process), 'shared' (all processes) or False, got {collapse!r}")
    if collapse == "shared" and not can_hold_leases(store):
        raise ConfigError(f"collapse='shared' needs a store with add() and delete(); {type(store).__name__} lacks one of them")
