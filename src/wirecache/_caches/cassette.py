"""A cassette: a cache whose answers are files in a directory, recorded once and replayed for ever."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

from wirecache._caches.cache import Cache
from wirecache._core.compare.diff import ABSENT, Difference, difference
from wirecache._core.compare.drift import drift
from wirecache._core.flows.labels import NO_LABELS, Labels
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.flows.replay import redacted
from wirecache._core.keys.canonical import EMPTY, Body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry, Request
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.status import CacheStatus
from wirecache._core.unset import UNSET, Unset
from wirecache._settings.sources import one_of, setting
from wirecache.cassette import CassetteStore
from wirecache.cassette._directory import Directory
from wirecache.cassette._session import SequenceEnd, Session
from wirecache.errors import CassetteError, ConfigError

if TYPE_CHECKING:
    from wirecache._caches.explain import Nearest

__all__ = ["Cassette", "CassetteReport", "Drift"]

logger = logging.getLogger("wirecache")

RecordModes = Literal["none", "once", "new_episodes", "all", "rewrite"]


@dataclass(frozen=True, slots=True)
class CassetteReport:
    """What happened to a cassette since it was opened.

    ``replayed``: answers that came from it. ``recorded``: answers that were written to it. ``live``: requests that went out, and are not
    on it. ``missing``: requests that had no recording, in words. ``unused``: recordings that nobody asked for, by file name.
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


class Drift(NamedTuple):
    """A request whose live answer differs from the recorded one, and where: ``stored`` is what was recorded, ``asked`` what came."""

    method: str
    url: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """The request, and the differences, one a line."""
        return "\n".join([f"{self.method} {self.url}", *(f"  {found}" for found in self.differences)])


class Cassette(Cache):
    """Which exchanges are replayed from a directory, and which are recorded there?

    ``path``: the directory; one file an exchange. ``record_mode``: see ``RecordMode``; what is left out is taken from
    ``WIRECACHE_RECORD_MODE``, else it is ``"none"``: nothing is sent. ``redact``: patterns (regular expressions) of further secrets, or a
    ``Redactor``. ``match``: what counts when a request is compared with those recorded. ``replay_speed``: 0 gives a recorded stream at
    once, 1 at the pace at which it came. ``sequence_end``: what a request gets when it is made more often than it was recorded: the last
    answer again (``"repeat"``), or none (``"fail"``). ``miss``: without a recording, answer 424 (``"respond"``) or raise ``NotRecorded``
    (``"raise"``). ``verify``: send every request, compare the answer with the recording (``"shape"``: status and the shape of its JSON;
    ``"text"``: what was said, too), and write nothing; ``drift`` holds what differs.

    It goes wherever a ``Cache`` goes. Everything is recorded: any method, any status, streams with times, and equal requests that were
    answered differently in their order. Nothing expires.
    """

    search_seconds = 1.0  # a miss on a cassette is a failure to be explained, not a call that waits

    def __init__(
        self,
        path: str | os.PathLike[str],
        record_mode: RecordMode | RecordModes | Unset = UNSET,
        *,
        redact: Redactor | Iterable[str | re.Pattern[str]] = (),
        match: KeyOptions = DEFAULT_KEY,
        replay_speed: float = 0.0,
        sequence_end: SequenceEnd = "repeat",
        verify: Literal["shape", "text"] | None = None,
        miss: Literal["respond", "raise"] = "respond",
    ) -> None:
        if sequence_end not in ("repeat", "fail"):
            raise ConfigError(f"sequence_end= is {sequence_end!r}; allowed: repeat, fail")
        if verify not in (None, "shape", "text"):
            raise ConfigError(f"verify= is {verify!r}; allowed: shape, text, or None")
        self.path = os.fspath(path)
        redactor = redact if isinstance(redact, Redactor) else Redactor(patterns=[redact] if isinstance(redact, str) else redact)
        _check(match, redactor)
        store = CassetteStore(path, redactor=redactor)
        super().__init__(store, ttl=None, key=match, streams="record", replay_speed=replay_speed, miss=miss)
        self.record_mode = setting("record_mode", record_mode, one_of(RecordMode), {}, RecordMode.NONE)
        self._directory = Directory(path, match, redactor)
        self.session = Session(self._directory, self.record_mode, sequence_end)
        self.verify = verify
        self.drift: list[Drift] = []
        self._missing: list[str] = []
        self._wrong = 0  # calls with wrong options
        self._faults: list[CassetteError] = []
        self.session.spare = verify is not None
        where = self.path if self.session.existed else f"{self.path}, which is empty or not there,"
        how = _how(self.path, by_variable=record_mode is UNSET)
        cassette = CassettePlan(self.record_mode, self.session.existed, redactor, where, how, verify is not None)
        self.plan = replace(self.plan, cassette=cassette)

    def __repr__(self) -> str:
        return f"Cassette({self.path!r}, {self.record_mode.value!r})"

    def under_test(self, how: str, *, root: str | os.PathLike[str], since: float, where: str = "") -> None:
        """Write nothing before ``close``, so that a test that fails records nothing (``rollback``).

        ``how``: what a user does to record. ``root``: the directory of all cassettes, where their schema lies. ``since``: when the
        run began, in seconds since the epoch: files that are younger are other tests' and stay.
        ``where``: what messages call the cassette.
        """
        self.session.hold, self.session.since = True, since
        self._directory.use_schema_in(root)
        assert self.plan.cassette is not None
        existed = any(self._directory.made_at(name) < since for name in self._directory.names())
        self.plan = replace(self.plan, cassette=self.plan.cassette._replace(how=how, where=where or self.path, existed=existed))

    def rollback(self) -> None:
        """Forget what was recorded since it was opened; only ``under_test``."""
        self.session.rollback()

    def report(self) -> CassetteReport:
        """What happened since it was opened."""
        stats, session = self.stats, self.session
        live = stats.misses + stats.bypassed - session.recorded - len(self._missing) - self._wrong
        return CassetteReport(stats.hits, session.recorded, max(0, live), tuple(self._missing), tuple(session.unused))

    # -- what a cache asks of its store --------------------------------------------------------------------------------

    def get(self, key: str) -> Entry | None:
        """The first recording of that key, or None."""
        names = self._directory.of(key)
        return self._directory.read(names[0]) if names else None

    def entries(self) -> Iterator[Entry]:
        """The recordings, by the names of their files."""
        return (self._directory.read(name) for name in self._directory.names())

    def discard(self, key: str) -> None:
        """Remove the recordings of that key."""
        for name in self._directory.of(key, or_damaged=True):
            self._directory.remove(name)
        self.session.forget(key)

    def reject(self, key: str) -> None:
        """Nothing: an answer that the caller found useless happened, too, and its retry is the next of its sequence."""

    def clear(self) -> None:
        """Remove all recordings."""
        for name in self._directory.names():
            self._directory.remove(name)

    def prune(self) -> int:
        """Nothing: recordings do not expire."""
        return 0

    def close(self) -> None:
        """Write what is still to be written, and say what happened; ``CassetteError`` if something could not be written."""
        if not self.verify:  # which writes nothing, and so replaces nothing
            if not self.session.spare and self.report().live:
                self.session.spare = True  # what went out and was not recorded would be taken for what nobody asked for
            self._guard(self.session.commit)
        if self._faults:
            faults, self._faults = self._faults, []
            raise faults[0]
        logger.info("wirecache: cassette %s: %s", self.path, self.report())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.spare = self.session.spare or error is not None  # a block that was broken off did not ask for everything
        super().__exit__(kind, error, trace)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.spare = self.session.spare or error is not None
        await super().__aexit__(kind, error, trace)

    # -- what the transports ask ---------------------------------------------------------------------------------------

    def look_up(self, key: str) -> Entry | None:
        """The next recording of that key in its sequence."""
        return self.session.play(key)

    async def alook_up(self, key: str) -> Entry | None:
        """The same; one file is read in less time than a thread takes to begin, all of them are not."""
        if self._directory.is_indexed(key):
            return self.session.play(key)
        from anyio.to_thread import run_sync

        return await run_sync(self.session.play, key)

    def keep(self, recorder: Recorder, decode: Decode, seconds: float) -> str | None:
        """Take the answer onto the cassette; else the reason why not."""
        reason = recorder.refusal_reason(decode)
        if reason is None:
            entry = recorder.entry(time.time(), seconds)
            if self.verify:
                self._compare(entry)
                return "verify"
            if self._guard(lambda: self.session.record(entry)):
                self._tally.add("stored")
                return None
            reason = "cassette-error"
        logger.warning("wirecache: an answer was not recorded on the cassette %s: %s", self.path, reason)
        return reason

    def _compare(self, live: Entry) -> None:
        """Note where the live answer differs from the recorded one."""
        asked = live.request
        try:
            recorded = self.session.play(live.key)
        except CassetteError as error:
            self.drift.append(Drift(asked.method, asked.url, (difference("cassette", str(error), ABSENT),)))
            return
        found = drift(recorded, live, text=self.verify == "text") if recorded else [difference("cassette", ABSENT, "answered")]
        if found:
            self.drift.append(Drift(asked.method, asked.url, tuple(found)))

    def answered(self, status: CacheStatus, entry: Entry | None = None, labels: Labels = NO_LABELS) -> None:
        """Count an exchange whose head is known."""
        self._wrong += status.detail == "config-error"
        super().answered(status, entry, labels)

    def told(self, message: str, near: Nearest | None) -> str:
        """The same in lines: what was asked, the nearest recording and where it differs, how to record."""
        if near is None:
            return message
        what, _, how = message.rpartition("\n")
        name = next(iter(self._directory.of(near.entry.key)), "one that is gone")
        return f"{what}\nThe nearest recording, {name}, differs in:\n{near}\n{how}"

    def missed(self, message: str) -> None:
        """Note it for the report, and say so."""
        self._missing.append(message)
        super().missed(message)

    def nearest(self, request: Request, body: Body, plan: Plan) -> Nearest | None:
        """The recording that is most like this request."""
        return super().nearest(*self._redacted(request, body), plan)

    def log(self, request: Request, status: CacheStatus, code: int, seconds: float, near: Nearest | None = None) -> None:
        """The one line of an exchange that is over."""
        if logger.isEnabledFor(logging.DEBUG):
            super().log(self._redacted(request, EMPTY)[0], status, code, seconds, near)

    def _redacted(self, request: Request, body: Body) -> tuple[Request, Body]:
        assert self.plan.cassette is not None
        return redacted(request, body, self.plan.cassette.redactor, self.plan.key.headers)

    def _newest(self) -> Iterator[Entry]:
        return self._directory.newest()

    def _guard(self, action: Callable[[], object]) -> bool:
        """Do it; what goes wrong is told at once, and raised by ``close``: here it would look like a fault of the network."""
        try:
            action()
        except (OSError, CassetteError) as error:
            fault = error if isinstance(error, CassetteError) else CassetteError(f"{self.path}: {error.strerror or error}")
            self._faults.append(fault)
            self.session.spare = True
            logger.error("wirecache: the cassette cannot be written: %s", fault)
            return False
        return True


def _check(match: KeyOptions, redactor: Redactor) -> None:
    """``ConfigError`` for what cannot be compared, since a cassette does not hold it."""
    if not isinstance(match, KeyOptions):
        raise ConfigError(f"match= is {match!r}; allowed: a KeyOptions")
    if match.credentials:
        raise ConfigError("match= has credentials=True; a cassette holds no credentials, so none can be compared")
    for name in match.headers:
        if redactor.header(name, "x") is None:
            raise ConfigError(f"match= has {name!r} among its headers; a cassette does not hold it, so it cannot be compared")


def _how(path: str, *, by_variable: bool) -> str:
    by = f"Cassette({path!r}, record_mode='new_episodes')"
    return f"run it once with {by}" + (", or with WIRECACHE_RECORD_MODE=new_episodes" if by_variable else "")
