"""``Cassette``: a cache whose answers are files in a directory, recorded once and replayed from then on."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from wirecache._caches.budgets import Budgets, Spending, ledger_for, spending_of
from wirecache._caches.cache import check_miss, observers_of
from wirecache._caches.cassette_options import check_match, how_to_record, ignored_hosts, open_session, plan_of
from wirecache._caches.context import current_options
from wirecache._core.flows.exchange import Exchange
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.left_alone import LEFT_ALONE
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.stats import Stats
from wirecache._core.unset import UNSET, Unset
from wirecache._engine.accounting import Statistics
from wirecache._engine.engine import Engine
from wirecache._engine.observers import Observer
from wirecache._settings.files import file_settings
from wirecache._settings.parsers import one_of, parse_speed
from wirecache._settings.sources import setting
from wirecache._storage.kept_stats import days_by_date
from wirecache._storage.tally import Tally
from wirecache.cassette._directory import Directory
from wirecache.cassette._session import Drift, SequenceEnd, Verify

if TYPE_CHECKING:
    from wirecache._caches.explain import Explanation

__all__ = ["Cassette", "CassetteReport", "hold_for_test"]

logger = logging.getLogger("wirecache")

SEARCH_SECONDS = 1.0  # a miss on a cassette is a failure to explain, and no call waits for it
RecordModes = Literal["none", "once", "new_episodes", "all", "rewrite", "fork"]


@dataclass(frozen=True, slots=True)
class CassetteReport:
    """What happened on a cassette since it was opened.

    ``replayed``: answers that came from it. ``recorded``: answers that were written to it. ``live``: requests that were sent but not
    recorded. ``missing``: messages about requests without a recording. ``unused``: file names of recordings that nothing requested.
    ``child``: where a fork was written. ``live_from``: the step from which on it was live.
    """

    replayed: int
    recorded: int
    live: int
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    child: str | None = None
    live_from: int | None = None

    def __str__(self) -> str:
        """Return a one-line summary."""
        counts = f"{self.replayed} replayed, {self.recorded} recorded, {self.live} live, {len(self.unused)} unused"
        counts += f", {len(self.missing)} missing" if self.missing else ""
        if self.child is None:
            return counts
        return f"{counts}; {'not forked' if self.live_from is None else f'live from step {self.live_from}'}, written to {self.child}"


class Cassette:
    """A cassette: exchanges that are recorded to a directory and replayed from it.

    ``path``: the directory; one file per exchange. ``record_mode``: see ``RecordMode``; by default ``WIRECACHE_RECORD_MODE``, else
    ``"none"``: nothing is sent. ``redact``: patterns (regular expressions) of further secrets, or a ``Redactor``. ``match``: what counts
    when a request is compared with the recorded ones. ``replay_speed``: 0 replays a recorded stream at once, 1 at its recorded pace.
    ``sequence_end``: what a request gets that is made more often than it was recorded: the last answer again
    (``"repeat"``), or none (``"fail"``). ``miss``: without a recording, answer 424 (``"respond"``) or raise ``NotRecorded``
    (``"raise"``). ``verify``: send every request, compare the answer with the recording (``"shape"``: status and the shape of its JSON;
    ``"text"``: also the text), and write nothing; ``drift`` lists the differences. ``ignore_hosts``: globs of hosts (``"*.example.com"``,
    ``"localhost:4318"``) to leave alone: their requests are sent and not recorded. ``ignore_localhost``: leave this machine alone, too.
    ``from_step``: with ``"fork"``, the first step that is sent whatever it requests (steps are the requests of the run, counted from 1);
    None: replay until the first request that was not recorded. ``child``: with ``"fork"``, the directory to which the run is written; by
    default a new one beside ``path`` whose name ends with ``-fork``.
    ``budget``: a ``Budget`` or several for what is sent; replays cost nothing. It is counted in the store that ``Cache()`` uses.

    A cassette can be used wherever a ``Cache`` can. Everything is recorded: any method, any status, streams with their timing, and
    different answers to equal requests in order. Nothing expires.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        record_mode: RecordMode | RecordModes | Unset = UNSET,
        *,
        redact: Redactor | Iterable[str | re.Pattern[str]] = (),
        match: KeyOptions = DEFAULT_KEY,
        replay_speed: float = 0.0,
        sequence_end: SequenceEnd = "repeat",
        verify: Verify | None = None,
        miss: Literal["respond", "raise"] = "respond",
        ignore_hosts: str | Iterable[str] = (),
        ignore_localhost: bool = False,
        from_step: int | None = None,
        child: str | os.PathLike[str] | None = None,
        budget: Budgets = UNSET,
    ) -> None:
        self.path = os.fspath(path)
        redactor = redact if isinstance(redact, Redactor) else Redactor(patterns=[redact] if isinstance(redact, str) else redact)
        check_match(match, redactor)
        self.record_mode = setting("record_mode", record_mode, one_of(RecordMode), {}, RecordMode.NONE)
        directory = Directory(path, match, redactor)
        session, fork = open_session(
            directory, self.record_mode, sequence_end=sequence_end, verify=verify, from_step=from_step,
            child=None if child is None else os.fspath(child),
        )  # fmt: skip
        name = self.path if session.existed else f"{self.path}, which is empty or not there,"
        self._statistics = Statistics(Tally())
        self._outcomes = _Outcomes()
        plan = plan_of(match, check_miss(miss), parse_speed(replay_speed))
        how = how_to_record(self.path, by_variable=record_mode is UNSET)
        cassette_plan = CassettePlan(
            self.record_mode, session.existed, session.redactor, name, how, verify is not None,
            ignored_hosts(ignore_hosts), bool(ignore_localhost), fork, session.mcp,
        )  # fmt: skip
        self.engine = Engine(
            replace(plan, cassette=cassette_plan),
            session,
            [*observers_of(self._statistics), self._outcomes],
            on_stored=self._statistics.on_stored,
            search_seconds=SEARCH_SECONDS,
        )
        self.engine.use_ledger(ledger_for(budget, None, file_settings()))

    def __repr__(self) -> str:
        return f"Cassette({self.path!r}, {self.record_mode.value!r})"

    @property
    def plan(self) -> Plan:
        """The settings in force."""
        return self.engine.plan

    @property
    def drift(self) -> list[Drift]:
        """The requests whose live answers differ from the recordings, with ``verify``."""
        return self.engine.source.drift

    @property
    def stats(self) -> Stats:
        """The statistics of this process so far."""
        return self._statistics.tally.snapshot()

    @property
    def child(self) -> str | None:
        """The directory to which a fork is written; None in other record modes."""
        source = self.engine.source
        return None if source.target is source.directory else str(source.target.path)

    def history(self, days: int | None = None) -> dict[date, Stats]:
        """Return this process's statistics of each of the last ``days`` (UTC; None: all). A cassette does not keep statistics."""
        return days_by_date(self._statistics.tally, days)

    def spending(self) -> list[Spending]:
        """Return what is spent of each budget by all processes that share it. Raises ``StoreError`` if that cannot be read."""
        return spending_of(self.engine.ledger)

    def report(self) -> CassetteReport:
        """Return what happened since the cassette was opened."""
        session, outcomes = self.engine.source, self._outcomes
        live = max(0, outcomes.forwarded - session.recorded)
        fork = self.plan.cassette.fork if self.plan.cassette else None
        return CassetteReport(
            outcomes.replayed, session.recorded, live, tuple(outcomes.missing), tuple(session.unused),
            self.child, fork.live_from if fork else None,
        )  # fmt: skip

    def get(self, key: str) -> Entry | None:
        """Return the first recording with this key, or None."""
        return self.engine.source.get(key)

    def entries(self) -> Iterator[Entry]:
        """Yield the recordings in the order of their file names."""
        return self.engine.source.entries()

    def explain(self, request: Any) -> Explanation:
        """Return whether this request would be replayed, and why not. Nothing is sent. ``request`` as in ``Cache.explain``."""
        from wirecache._caches.explain import explain_request

        return explain_request(self.engine, request, current_options.get(), self.engine.source.get)

    def discard(self, key: str) -> None:
        """Remove the recordings with this key."""
        self.engine.source.discard(key)

    def clear(self) -> None:
        """Remove all recordings."""
        self.engine.source.clear()

    def prune(self) -> int:
        """Return 0: recordings do not expire."""
        return 0

    def close(self) -> None:
        """Write what is pending and log a summary. Raises ``CassetteError`` if something could not be written."""
        if not self.engine.source.keep_unused and self.report().live > self._outcomes.left_alone:
            self.engine.source.keep_unused = True  # recordings of requests that were sent live would seem unused
        self.engine.source.close()
        logger.info("wirecache: cassette %s: %s", self.path, self.report())

    async def aclose(self) -> None:
        """Close from an event loop, in a worker thread."""
        from wirecache._runtime.beside_loop import run_beside_loop

        await run_beside_loop(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave(error)
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave(error)
        await self.aclose()

    def _leave(self, error: BaseException | None) -> None:
        """Keep unused recordings if the block ended with an exception, since it did not request everything."""
        self.engine.source.keep_unused = self.engine.source.keep_unused or error is not None


def hold_for_test(cassette: Cassette, *, how_to_record: str, root: str | os.PathLike[str], run_started_at: float, name: str = "") -> None:
    """Make a cassette write nothing before ``close``, so that a failing test records nothing (``session.rollback``).

    ``how_to_record``: tells the user how to record. ``root``: the directory of all cassettes, which holds their schema.
    ``run_started_at``: in seconds since the epoch; later files belong to other tests and are kept. ``name``: its name in messages.
    """
    session = cassette.engine.source
    session.is_held, session.run_started_at = True, run_started_at
    session.target.use_schema_in(root)
    existed = any(session.directory.made_at(file) < run_started_at for file in session.directory.names())
    assert cassette.plan.cassette is not None
    changed = cassette.plan.cassette._replace(how_to_record=how_to_record, name=name or cassette.path, existed=existed)
    cassette.engine.plan = replace(cassette.plan, cassette=changed)


class _Outcomes(Observer):
    """Counts exchanges for the report."""

    def __init__(self) -> None:
        self.replayed = 0
        self.forwarded = 0
        self.left_alone = 0
        self.missing: list[str] = []

    def on_head(self, exchange: Exchange) -> None:
        """Count the exchange by its outcome."""
        self.replayed += exchange.status.hit
        self.forwarded += exchange.is_forwarded
        self.left_alone += exchange.is_forwarded and exchange.status.detail in LEFT_ALONE

    def on_end(self, exchange: Exchange) -> None:
        """Remember a request without a recording."""
        if exchange.is_missing and exchange.message is not None:
            self.missing.append(exchange.message)
