"""The cache: a store, the settings, and what happened. One serves any number of clients, threads and event loops."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from wirecache._caches.context import Exchange, current_options
from wirecache._core.flows.labels import NO_LABELS, Labels, labels_of
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.keys.canonical import Body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, request_from
from wirecache._core.messages import Entry, Request, Usage
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.freshness import effective_ttl, ttl_left
from wirecache._core.rules.plan import Mode, Plan, Streams, for_call, ttl_in_force
from wirecache._core.rules.rules import Rule, rule_for_model, rules_for
from wirecache._core.status import CacheStatus
from wirecache._core.unset import UNSET, Ttl, Unset
from wirecache._engine.observers import listeners_of
from wirecache._settings.files import file_settings
from wirecache._settings.sources import (
    Duration,
    all_of_type,
    of_type,
    parse_duration,
    parse_mode,
    parse_speed,
    parse_streams,
    parse_text,
    setting,
)
from wirecache._storage.entry_store import Shelf
from wirecache._storage.kept_stats import today
from wirecache._storage.leases import Leases, can_hold_leases
from wirecache._storage.single_flight import claims_of
from wirecache.errors import ConfigError, NotRecorded
from wirecache.stats import Stats, Tally
from wirecache.stores import Place, Store, open_store

if TYPE_CHECKING:
    from wirecache._caches.explain import Explanation, Nearest

__all__ = ["Cache", "explain"]

logger = logging.getLogger("wirecache")


class Cache:
    """Which answers are kept, where, and for how long?

    ``store``: a ``Store``, the path of a directory, a URL (``memory://``, ``redis://host``), a list of these (tiers, the nearest first),
    or None for the default disk store. ``mode``: see ``Mode``. ``ttl``: how long an
    entry is fresh (seconds, timedelta, ``"90s"`` ... ``"2w"``, None for ever). ``namespace``: part of every key. ``key``: what counts
    in a key. ``keep_stale``: how long past its ttl the store keeps an entry, for ``offline``. ``accept``: called with each ``Entry`` that
    would be stored; False, or a text (the reason), refuses it. ``miss``: what offline does without an entry, ``"respond"`` (424) or
    ``"raise"`` (``NotRecorded``).

    ``rules``: user rules, before the built-in ones. ``stale_if_error``: how long past its ttl an entry may answer when upstream
    fails (connect error, timeout, 429, 5xx). ``streams``: ``"bypass"`` (they pass live) or ``"record"`` (they pass as they come, and a
    copy is kept). ``replay_speed``: 0 gives a recorded stream at once, 1 at the pace at which it came, 2 twice as fast.

    ``on_exchange``: called with the ``Exchange`` when each one is over (its body too), in the thread and context of its caller.

    What is left out is taken from ``WIRECACHE_STORE`` (``_MODE``, ``_TTL``, ``_NAMESPACE``, ``_STREAMS``), then from
    ``wirecache.toml`` or ``[tool.wirecache]`` in ``pyproject.toml``; ``ConfigError`` names a wrong value and the allowed ones.
    """

    search_seconds = 0.008  # that a miss may spend on looking for the stored request that is nearest

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
        accept: Callable[[Entry], bool | str] | None = None,
        on_exchange: Callable[[Exchange], object] | None = None,
    ) -> None:
        said = file_settings()
        self.plan = Plan(
            mode=setting("mode", mode, parse_mode, said, Mode.AUTO),
            ttl=setting("ttl", ttl, parse_duration, said, "7d"),
            namespace=setting("namespace", namespace, parse_text, said, ""),
            key=setting("key", key, of_type(KeyOptions), said, DEFAULT_KEY),
            rules=setting("rules", rules, all_of_type(Rule), said, ()),
            collapse=collapse is not False,
            streams=setting("streams", streams, parse_streams, said, Streams.BYPASS),
            stale_if_error=setting("stale_if_error", stale_if_error, parse_duration, said, 0) or 0.0,  # None: not at all
        )
        self.keep_stale = setting("keep_stale", keep_stale, parse_duration, said, "30d")
        if miss not in ("respond", "raise"):
            raise ConfigError(f"miss= is {miss!r}; allowed: respond, raise")
        self.miss = miss
        self.replay_speed = parse_speed(replay_speed)
        self.store = open_store(store, said)
        self._accept = accept
        self._longest_ttl = _longest(self.plan)
        self._tally = Tally()
        self.shelf = Shelf(self.store, self._tally)
        self._history = self.shelf.history
        self.listeners = listeners_of(on_exchange, self._tally)
        self.claims = claims_of(self.store)
        self.leases = Leases(self.store) if _is_shared(collapse, self.store) else None
        self._accept_failed = False

    def __repr__(self) -> str:
        return f"Cache({self.store!r}, mode={self.plan.mode.value!r})"

    # -- what people ask ------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self.plan.mode

    @property
    def stats(self) -> Stats:
        """What happened in this process so far; waits for writes under way, so that the counters are right."""
        self.shelf.flush()
        return self._tally.snapshot()

    def history(self, days: int | None = None) -> dict[date, Stats]:
        """What happened on each of the last ``days`` (UTC; None: on all), in all processes that had this store, the oldest first.

        A store that keeps no such record (all but the disk's) has that of this process alone.
        """
        self.shelf.flush()
        return self._history.days(days)

    def entries(self) -> Iterator[Entry]:
        """The stored entries, one after the other. A store of your own needs ``keys()`` for it."""
        return self.shelf.entries()

    def get(self, key: str) -> Entry | None:
        """The entry of that key, fresh or stale; None if there is none that is whole."""
        return self.shelf.get(key)

    def explain(self, request: Any) -> Explanation:
        """Would this request be answered from the store, and why not?

        ``request``: one of httpx or httpx2, or a dict with ``url`` and, as needed, ``method``, ``headers`` and ``body``.
        Nothing is sent. Options of the block (``wirecache.options``) and of the request count.
        """
        from wirecache._caches.explain import explain, request_of

        asked, content = request_of(request)
        plan = for_call(self.plan, asked, current_options.get(), getattr(request, "extensions", {}).get("wirecache"))
        return explain(asked, content, plan, time.time(), self.get, self.nearest)

    def nearest(self, request: Request, body: Body, plan: Plan) -> Nearest | None:
        """The stored request that is most like this one, found within ``search_seconds`` or not at all."""
        from wirecache._caches.explain import nearest

        try:
            return nearest(self._newest(), request, body, plan, self.search_seconds)
        except Exception as error:
            self.shelf.trouble(error)
            return None

    def _newest(self) -> Iterator[Entry]:
        """The stored entries, the newest first where the store can say so."""
        return self.shelf.newest()

    def discard(self, key: str) -> None:
        """Drop the entry of that key, if there is one."""
        self.shelf.discard(key)

    def reject(self, key: str) -> None:
        """The answer of that key was useless to its caller: a retry shall not get it again."""
        self.discard(key)

    def clear(self) -> None:
        """Drop all entries."""
        self.shelf.clear()

    def prune(self) -> int:
        """Drop the entries that are past their ttl; how many were they?"""
        stale = [entry.key for entry in self.entries() if not self.is_fresh(entry)]
        for key in stale:
            self.shelf.drop(key)
        return len(stale)

    def close(self) -> None:
        """Finish the writes and close the store. A closed cache opens itself again when it is used."""
        self.shelf.flush()
        self._history.save()
        self.shelf.close()

    async def aclose(self) -> None:
        """The same from an event loop, in a worker thread."""
        from anyio.to_thread import run_sync

        await run_sync(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    # -- what the transports ask; nothing here ever raises because of the store -------------------------------------

    def look_up(self, key: str) -> Entry | None:
        """The entry that may answer a request of that key."""
        return self.get(key)

    async def alook_up(self, key: str) -> Entry | None:
        """The same on an event loop: by the store's ``aget``, else in a worker thread."""
        return await self.shelf.aget(key)

    def keep(self, recorder: Recorder, decode: Decode, seconds: float) -> str | None:
        """Take the recorded answer into the store; else the reason why not. ``seconds``: how long upstream took."""
        make = partial(recorder.entry, time.time(), seconds)
        reason = recorder.refusal_reason(decode) or (self._judged(make()) if self._accept is not None else None)
        made = recorder.recording
        if reason is None and not self._write(made.key, recorder.size, make, made.ttl, labels_of(made.request, made.namespace, recorder)):
            reason = "backlog"
        return reason

    def refused(self, reason: str, labels: Labels = NO_LABELS) -> None:
        """Count an answer that is not taken into the store."""
        self._tally.refused(reason, labels, today())
        self._history.touched()

    def paid(self, usage: Usage | None, seconds: float, labels: Labels, *, free: bool = False) -> None:
        """Count what upstream's answer took, and what it cost. ``free``: no tokens, as far as one knows."""
        if free:
            self._tally.spent(seconds, labels, today())
        else:
            self._tally.paid(usage, seconds, labels, today())
        self._history.touched()

    def save(self, entry: Entry) -> bool:
        """Write an entry that is made already; False if too many writes wait."""
        return self._write(entry.key, len(entry.body), lambda: entry, entry.ttl)

    def _write(self, key: str, size: int, make: Callable[[], Entry], own_ttl: Ttl, labels: Labels = NO_LABELS) -> bool:
        lifetime = effective_ttl(own_ttl, self._longest_ttl)
        kept = None if self.keep_stale is None else max(self.keep_stale, self.plan.stale_if_error)
        wanted = None if lifetime is None or kept is None else lifetime + kept
        return self.shelf.write(key, size, make, wanted, labels)

    def flush(self) -> None:
        """Wait for the writes under way."""
        self.shelf.flush()

    async def aflush(self) -> None:
        """The same from an event loop: in a worker thread, and only if there is something to wait for."""
        if not self.shelf.flush(0):
            from anyio.to_thread import run_sync

            await run_sync(self.flush)

    def told(self, message: str, near: Nearest | None) -> str:
        """What the caller of a request without an answer is told; ``near``: the stored request that is nearest."""
        return f"{message} The nearest stored request differs in: {'; '.join(map(str, near.differences))}" if near else message

    def missed(self, message: str) -> None:
        """Say that there is no answer for a request that may not leave."""
        logger.error("%s", message)

    def not_recorded(self, message: str) -> NotRecorded:
        """What is raised for such a request (``miss="raise"``)."""
        return NotRecorded(message)

    def answered(self, status: CacheStatus, entry: Entry | None = None, labels: Labels = NO_LABELS) -> None:
        """Count an exchange whose head is known."""
        self._tally.answered(status, entry, labels, today())
        self._history.touched()

    def log(self, request: Request, status: CacheStatus, code: int, seconds: float, near: Nearest | None = None) -> None:
        """The one line of an exchange that is over. ``seconds`` from the request to here; ``near``: the nearest entry, of a miss."""
        if logger.isEnabledFor(logging.DEBUG):
            differs = "; nearest differs in " + ", ".join(map(str, near.differences)) if near else ""
            told = status.header(code)
            logger.debug("%s %s %d %s %.1f ms%s", request.method, redacted_url(request), code, told, seconds * 1000, differs)

    def is_fresh(self, entry: Entry) -> bool:
        """Is it within its ttl: its own, that of its rule, or the cache's?"""
        asked = entry.request
        rule = rule_for_model(rules_for(self.plan.rules, request_from(asked.method, asked.url)), asked.model) if self.plan.rules else None
        left = ttl_left(entry, ttl_in_force(self.plan, rule), time.time())
        return left is None or left > 0

    def _judged(self, entry: Entry) -> str | None:
        assert self._accept is not None
        try:
            verdict = self._accept(entry)
        except Exception:
            if not self._accept_failed:
                self._accept_failed = True
                logger.warning("wirecache: accept= raised; the answer is not stored", exc_info=True)
            return "accept-error"
        return verdict if isinstance(verdict, str) and verdict else None if verdict else "accept"


def _is_shared(collapse: object, store: Store) -> bool:
    """Do all processes on the store forward an equal request once?"""
    if collapse not in (True, False, "process", "shared"):
        raise ConfigError(f"collapse= is {collapse!r}; allowed: True or 'process' (within this process), 'shared' (all processes), False")
    if collapse == "shared" and not can_hold_leases(store):
        raise ConfigError(f"collapse='shared' needs a store with add() and delete(); {type(store).__name__} has not both")
    return collapse == "shared"


def _longest(plan: Plan) -> float | None:
    """The longest that an entry may be fresh, by the cache's ttl and those of the rules."""
    lifetimes = [plan.ttl, *(rule.ttl_seconds for rule in plan.rules if rule.ttl_seconds is not UNSET)]
    return None if None in lifetimes else max(float(seconds) for seconds in lifetimes if seconds is not None)


def explain(request: Any, cache: Cache | None = None) -> Explanation:
    """``cache.explain(request)``, for the cache that a client gets by default if none is given."""
    return (Cache() if cache is None else cache).explain(request)
