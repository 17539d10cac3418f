"""The cassette that people hold: its answers are files in a directory, recorded once and replayed for ever."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from wirecache._caches.cache import check_miss, observers_of
from wirecache._caches.context import current_options
from wirecache._core.flows.exchange import Exchange
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.left_alone import LEFT_ALONE, parse_hosts
from wirecache._core.rules.plan import Mode, Plan, Streams
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.stats import Stats
from wirecache._core.unset import UNSET, Unset
from wirecache._engine.engine import Engine
from wirecache._engine.observers import Observer, Statistics
from wirecache._settings.files import file_settings
from wirecache._settings.parsers import one_of, parse_mode, parse_speed, parse_text
from wirecache._settings.sources import setting
from wirecache._storage.kept_stats import days_by_date
from wirecache._storage.tally import Tally
from wirecache.cassette._directory import Directory
from wirecache.cassette._session import CassetteSession, Drift, SequenceEnd, Verify
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from wirecache._caches.explain import Explanation

__all__ = ["Cassette", "CassetteReport", "hold_for_test"]

logger = logging.getLogger("wirecache")

SEARCH_SECONDS = 1.0  # a miss on a cassette is a failure to be explained, not a call that waits
RecordModes = Literal["none", "once", "new_episodes", "all", "rewrite"]


@dataclass(frozen=True, slots=True)
class CassetteReport:
    """What happened to a cassette since it was opened.

    ``replayed``: answers that came from it. ``recorded``: answers that were written to it. ``live``: requests that went out, and are not
    on it. ``missing``: requests that had no recording, in words. ``unused``: recordings that nothing requested, by file name.
    """

    replayed: int
    recorded: int
    live: int
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        counts = f"{self.replayed} replayed, {self.recorded} recorded, {self.live} live, {len(self.unused)} unused"
        return f"{counts}, {len(self.missing)} missing" if self.missing else counts


class Cassette:
    """Which exchanges are replayed from a directory, and which are recorded there?

    ``path``: the directory; one file an exchange. ``record_mode``: see ``RecordMode``; what is left out is taken from
    ``WIRECACHE_RECORD_MODE``, else it is ``"none"``: nothing is sent. ``redact``: patterns (regular expressions) of further secrets, or a
    ``Redactor``. ``match``: what counts when a request is compared with those recorded. ``replay_speed``: 0 gives a recorded stream at
    once, 1 as it came. ``sequence_end``: what a request gets when it is made more often than it was recorded: the last answer again
    (``"repeat"``), or none (``"fail"``). ``miss``: without a recording, answer 424 (``"respond"``) or raise ``NotRecorded``
    (``"raise"``). ``verify``: send every request, compare the answer with the recording (``"shape"``: status and the shape of its JSON;
    ``"text"``: also the text), and write nothing; ``drift`` holds what differs. ``ignore_hosts``: globs of hosts (``"*.example.com"``,
    ``"localhost:4318"``) that are left alone: their requests are sent and not recorded. ``ignore_localhost``: this machine, too.

    It goes wherever a ``Cache`` goes. Everything is recorded: any method, any status, streams with times, and equal requests that were
    answered differently in their order. Nothing expires.
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
    ) -> None:
        if sequence_end not in ("repeat", "fail"):
            raise ConfigError(f"sequence_end must be 'repeat' or 'fail', got {sequence_end!r}")
        if verify not in (None, "shape", "text"):
            raise ConfigError(f"verify must be 'shape', 'text' or None, got {verify!r}")
        self.path = os.fspath(path)
        redactor = redact if isinstance(redact, Redactor) else Redactor(patterns=[redact] if isinstance(redact, str) else redact)
        _check_match(match, redactor)
        self.record_mode = setting("record_mode", record_mode, one_of(RecordMode), {}, RecordMode.NONE)
        directory = Directory(path, match, redactor)
        session = CassetteSession(directory, self.record_mode, sequence_end, verify)
        name = self.path if session.existed else f"{self.path}, which is empty or not there,"
        how_to_record = _how_to_record(self.path, by_variable=record_mode is UNSET)
        self._statistics = Statistics(Tally())
        self._outcomes = _Outcomes()
        plan = _plan(match, check_miss(miss), parse_speed(replay_speed))
        cassette_plan = CassettePlan(
            self.record_mode, session.existed, session.redactor, name, how_to_record, verify is not None,
            _ignored_hosts(ignore_hosts), bool(ignore_localhost),
        )  # fmt: skip
        self.engine = Engine(
            replace(plan, cassette=cassette_plan),
            session,
            [*observers_of(self._statistics), self._outcomes],
            on_stored=self._statistics.on_stored,
            search_seconds=SEARCH_SECONDS,
        )

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
        """What happened in this process so far."""
        return self._statistics.tally.snapshot()

    def history(self, days: int | None = None) -> dict[date, Stats]:
        """Return what happened on each of the last ``days`` (UTC; None: on all) in this process: a cassette keeps no statistics."""
        return days_by_date(self._statistics.tally, days)

    def report(self) -> CassetteReport:
        """Return what happened since it was opened."""
        session, outcomes = self.engine.source, self._outcomes
        live = max(0, outcomes.forwarded - session.recorded)
        return CassetteReport(outcomes.replayed, session.recorded, live, tuple(outcomes.missing), tuple(session.unused))

    def get(self, key: str) -> Entry | None:
        """Return the first recording of that key, or None."""
        return self.engine.source.get(key)

    def entries(self) -> Iterator[Entry]:
        """Yield the recordings, by the names of their files."""
        return self.engine.source.entries()

    def explain(self, request: Any) -> Explanation:
        """Return whether this request would be replayed, and why not. Nothing is sent. ``request`` as in ``Cache.explain``."""
        from wirecache._caches.explain import explain_request

        return explain_request(self.engine, request, current_options.get(), self.engine.source.get)

    def discard(self, key: str) -> None:
        """Remove the recordings of that key."""
        self.engine.source.discard(key)

    def clear(self) -> None:
        """Remove all recordings."""
        self.engine.source.clear()

    def prune(self) -> int:
        """Return 0: recordings do not expire."""
        return 0

    def close(self) -> None:
        """Write what is still to be written, and log what happened; ``CassetteError`` if something could not be written."""
        if not self.engine.source.keep_unused and self.report().live > self._outcomes.left_alone:
            self.engine.source.keep_unused = True  # what went out and was not recorded would be taken for what nothing requested
        self.engine.source.close()
        logger.info("wirecache: cassette %s: %s", self.path, self.report())

    async def aclose(self) -> None:
        """Close from an event loop, in a worker thread."""
        from anyio.to_thread import run_sync

        await run_sync(self.close)

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
        """Remove nothing if the block was broken off: it did not request everything."""
        self.engine.source.keep_unused = self.engine.source.keep_unused or error is not None


def hold_for_test(cassette: Cassette, *, how_to_record: str, root: str | os.PathLike[str], run_started_at: float, name: str = "") -> None:
    """Let a cassette write nothing before ``close``, so that a test that fails records nothing (``session.rollback``).

    ``how_to_record``: what a user does to record. ``root``: the directory of all cassettes, where their schema lies. ``run_started_at``:
    in seconds since the epoch; files that are younger are other tests' and stay. ``name``: what messages call the cassette.
    """
    session = cassette.engine.source
    session.is_held, session.run_started_at = True, run_started_at
    session.directory.use_schema_in(root)
    existed = any(session.directory.made_at(file) < run_started_at for file in session.directory.names())
    assert cassette.plan.cassette is not None
    changed = cassette.plan.cassette._replace(how_to_record=how_to_record, name=name or cassette.path, existed=existed)
    cassette.engine.plan = replace(cassette.plan, cassette=changed)


class _Outcomes(Observer):
    """Counts what a report says: an observer."""

    def __init__(self) -> None:
        self.replayed = 0
        self.forwarded = 0
        self.left_alone = 0
        self.missing: list[str] = []

    def on_head(self, exchange: Exchange) -> None:
        """Count it by what became of it."""
        self.replayed += exchange.status.hit
        self.forwarded += exchange.is_forwarded
        self.left_alone += exchange.is_forwarded and exchange.status.detail in LEFT_ALONE

    def on_end(self, exchange: Exchange) -> None:
        """Note a request without a recording."""
        if exchange.is_missing and exchange.message is not None:
            self.missing.append(exchange.message)


def _plan(match: KeyOptions, miss: Literal["respond", "raise"], replay_speed: float) -> Plan:
    """Return the settings of a cassette; mode and namespace are those of the environment and the settings file, as for a cache.

    Of the modes only offline counts: one that is set for all caches must not let the tests of a cassette send anything.
    """
    file = file_settings()
    mode = setting("mode", UNSET, parse_mode, file, Mode.AUTO)
    return Plan(
        mode=Mode.OFFLINE if mode is Mode.OFFLINE else Mode.AUTO,
        ttl=None,
        namespace=setting("namespace", UNSET, parse_text, file, ""),
        key=match,
        streams=Streams.RECORD,
        miss=miss,
        replay_speed=replay_speed,
    )


def _ignored_hosts(hosts: str | Iterable[str]) -> tuple[str, ...]:
    try:
        return parse_hosts(hosts)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _check_match(match: KeyOptions, redactor: Redactor) -> None:
    """Raise ``ConfigError`` for what cannot be compared, since a cassette does not hold it."""
    if not isinstance(match, KeyOptions):
        raise ConfigError(f"match must be a KeyOptions, got {match!r}")
    if match.credentials:
        raise ConfigError("match must not have credentials=True: a cassette holds no credentials, so none can be compared")
    for name in match.headers:
        if redactor.header(name, "x") is None:
            raise ConfigError(f"match must not have {name!r} among its headers: a cassette does not hold it, so it cannot be compared")


def _how_to_record(path: str, *, by_variable: bool) -> str:
    by_argument = f"Cassette({path!r}, record_mode='new_episodes')"
    return f"run it once with {by_argument}" + (", or with WIRECACHE_RECORD_MODE=new_episodes" if by_variable else "")
