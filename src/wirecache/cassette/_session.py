"""The source of a ``Cassette``: one session of replaying and recording, from opening to closing it."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from wirecache._core.compare.diff import ABSENT, Difference, difference
from wirecache._core.compare.drift import drift
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.mcp_session import McpSession
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.privacy.session_redactor import SessionRedactor
from wirecache._core.rules.record_modes import RecordMode
from wirecache.cassette._directory import Directory
from wirecache.cassette._optional import is_optional
from wirecache.errors import CassetteError

__all__ = ["CassetteSession", "Drift", "SequenceEnd", "Verify"]

logger = logging.getLogger("wirecache")

SequenceEnd = Literal["repeat", "fail"]
Verify = Literal["shape", "text"]


class Drift(NamedTuple):
    """A request whose live answer differs from the recorded one, and the differences, in which ``stored`` is the recorded value."""

    method: str
    url: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return the request and the differences, one per line."""
        return "\n".join([f"{self.method} {self.url}", *(f"  {found}" for found in self.differences)])


class CassetteSession:
    """One use of a cassette. It keeps the position in each sequence, and at the end knows what is replaced or unused.

    ``is_held``: write nothing before ``close``. ``run_started_at``: files written later than this (seconds since the epoch) belong to
    others that record the same cassette concurrently, and are never removed. ``keep_unused``: remove nothing, since not everything was
    recorded again. ``verify``: write nothing; ``drift`` collects the differences of live answers.
    """

    is_held = False
    run_started_at = math.inf
    keep_unused = False
    single_flight = None  # equal requests are answered in sequence, so they are not collapsed

    def __init__(
        self,
        directory: Directory,
        mode: RecordMode,
        sequence_end: SequenceEnd,
        verify: Verify | None = None,
        *,
        target: Directory | None = None,
    ) -> None:
        self.directory = directory
        self.target = target or directory  # where recordings are written
        self.redactor = SessionRedactor(directory.redactor)
        self.mcp = McpSession()
        self.mode = mode
        self.verify = verify
        self.drift: list[Drift] = []
        self.recorded = 0
        self.keep_unused = verify is not None
        self._sequence_end = sequence_end
        self._lock = threading.RLock()
        # What may be replayed and replaced, in order: each with its stamp, if that is needed.
        self._old = {name: directory.stamp(name) if mode.replaces else (0, 0) for name in directory.names()}
        self._calls: Counter[str] = Counter()  # how often each key was replayed
        self._used: set[str] = set()
        self._held: list[tuple[Entry, Redactor]] = []  # still to be written, with the redactor as of when each was received
        self._repeated: dict[str, list[tuple[Entry, Redactor]]] = {}  # answers equal to the last of their sequence
        self._last: dict[str, Entry] = {}
        self._written: dict[str, int] = {}  # how many were written of each key
        self._kept: set[str] = set()  # names that were written
        self._faults: list[CassetteError] = []

    @property
    def existed(self) -> bool:
        """Whether there were recordings before."""
        return bool(self._old)

    @property
    def unused(self) -> list[str]:
        """The names of earlier recordings that nothing requested, without optional ones."""
        unused = (name for name in self._old if name not in self._used and name not in self._kept)
        return [name for name in unused if not is_optional(self.directory, name)]

    # -- replaying ----------------------------------------------------------------------------------------------------

    def look_up(self, key: str) -> Entry | None:
        """Return the next recording with this key; None if there is none, or its sequence is exhausted and may not repeat.

        An unreadable file raises ``CassetteError``, which ``close`` raises again, since an application may go on without the answer.
        """
        try:
            return self._next(key)
        except CassetteError as error:
            if str(error) not in map(str, self._faults):
                self._faults.append(error)
            self.keep_unused = True
            raise

    def _next(self, key: str) -> Entry | None:
        with self._lock:
            names = self._before(key)
            index = self._calls[key]
            if not names and self.mode is RecordMode.NONE and self.directory.unreadable:
                raise self.directory.unreadable[0]  # this may be the requested one
            if not names or (index >= len(names) and self._sequence_end == "fail"):
                return None
            name = names[min(index, len(names) - 1)]
            entry = self.directory.read(name)
            self._calls[key] += 1
            self._used.add(name)
            return entry

    async def alook_up(self, key: str) -> Entry | None:
        """Return the recording as ``look_up`` does, on an event loop: in a worker thread only if all files are to be read."""
        if self.directory.is_indexed(key):
            return self.look_up(key)
        from wirecache._runtime.beside_loop import run_beside_loop

        return await run_beside_loop(self.look_up, key)

    def newest(self) -> Iterator[Entry]:
        """Yield the recordings, the newest first."""
        return self.directory.newest()

    def entries(self) -> Iterator[Entry]:
        """Yield the recordings in the order of their file names."""
        return (self.directory.read(name) for name in self.directory.names())

    def get(self, key: str) -> Entry | None:
        """Return the first recording with this key, or None."""
        names = self.directory.of(key)
        return self.directory.read(names[0]) if names else None

    def label(self, entry: Entry) -> str:
        """Return the name of the entry's file."""
        names = self.directory.of(entry.key)
        own = (name for name in names if (made := self.directory.read(name)).body == entry.body and made.stored_at == entry.stored_at)
        return next(own, next(iter(names), "one that is gone"))

    # -- recording ----------------------------------------------------------------------------------------------------

    def keep(self, recorder: Recorder, decode: Decode, now: float, seconds: float, on_stored: Callable[[], object]) -> str | None:
        """Record an answer, or return the reason why not. ``seconds``: how long upstream took."""
        reason = recorder.refusal_reason(decode)
        if reason is None:
            entry = self.mcp.recorded(recorder.entry(now, seconds), recorder.recording.request)
            if self.verify:
                self._compare(entry, with_text=self.verify == "text")
                return "verify"
            if self._guarded(lambda: self._record(entry)):
                self.recorded += 1
                on_stored()
                return None
            reason = "cassette-error"
        logger.warning("wirecache: an answer was not recorded on the cassette %s: %s", self.target.path, reason)
        return reason

    def save(self, entry: Entry) -> bool:
        """Record a ready-made entry."""
        is_saved = self._guarded(lambda: self._record(entry))
        self.recorded += is_saved
        return is_saved

    def _record(self, entry: Entry) -> None:
        """Write the entry, or hold it until ``close``. Equal answers to equal requests are stored once, unless a different one follows."""
        with self._lock:
            held = entry, self._learned_from(entry)
            last = self._last.get(entry.key)
            if last is not None and self._sequence_end == "repeat" and last.answer == entry.answer:
                self._repeated.setdefault(entry.key, []).append(held)
            else:
                self._held += [*self._repeated.pop(entry.key, ()), held]
                if not self.is_held:
                    self._write()
            self._last[entry.key] = entry

    def _learned_from(self, entry: Entry) -> Redactor:
        """Learn the secrets that the answer names, and return a redactor with everything known now."""
        request = f"{entry.request.url} {bytes(entry.request_body).decode('utf-8', 'replace')}"
        self.redactor.learn_from_answer(entry.body, request)
        return self.redactor.snapshot()

    def _compare(self, live: Entry, *, with_text: bool) -> None:
        """Collect the differences of the live answer from the recorded one."""
        request = live.request
        live = live._replace(body=self._learned_from(live).data(live.body))  # redacted, as it would be recorded
        try:
            recorded = self._next(live.key)
        except CassetteError as error:
            self.drift.append(Drift(request.method, request.url, (difference("cassette", str(error), ABSENT),)))
            return
        found = drift(recorded, live, text=with_text) if recorded else [difference("cassette", ABSENT, "answered")]
        if found:
            self.drift.append(Drift(request.method, request.url, tuple(found)))

    def discard(self, key: str) -> None:
        """Remove the recordings with this key."""
        with self._lock:
            for name in self.directory.of(key, or_damaged=True):
                self.directory.remove(name)
                self._old.pop(name, None)  # a new recording under this name is not an earlier one
            self._held = [held for held in self._held if held[0].key != key]
            self._last.pop(key, None)
            self._repeated.pop(key, None)

    def reject(self, key: str) -> None:
        """Do nothing: a useless answer is part of the run, too, and its retry is the next of the sequence."""

    def clear(self) -> None:
        """Remove all recordings."""
        for name in self.directory.names():
            self.directory.remove(name)

    def flush(self, timeout: float = 0.0) -> bool:
        """Return True: nothing is written in the background."""
        return True

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Do nothing: nothing is written in the background."""

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what is held, and remove what is replaced. Raises ``CassetteError`` for what could not be written or read."""
        if not self.verify:  # nothing is written, so nothing is replaced
            self._guarded(self._commit)
        if self._faults:
            faults, self._faults = self._faults, []
            raise faults[0]

    def _commit(self) -> None:
        with self._lock:
            self._write()
            if self.mode.replaces and not self.keep_unused:
                for name in self._replaced():
                    self.directory.remove(name)

    def rollback(self) -> None:
        """Discard what is held, and keep the earlier recordings."""
        with self._lock:
            self._held, self.keep_unused = [], True

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Run the action. A failure is logged at once and raised by ``close``, since here it would look like a network error."""
        try:
            action()
        except (OSError, CassetteError) as error:
            fault = error if isinstance(error, CassetteError) else CassetteError(f"{self.target.path}: {error.strerror or error}")
            self._faults.append(fault)
            self.keep_unused = True
            logger.error("wirecache: the cassette cannot be written: %s", fault)
            return False
        return True

    def _write(self) -> None:
        """Write what is held. What cannot be written is lost, since retries would delay everything after it."""
        held, self._held = self._held, []
        for entry, redactor in held:
            number = self._written.get(entry.key, 0) + 1
            before = self._before(entry.key, or_damaged=True) if self.mode.replaces else []
            if number <= len(before):
                self.directory.replace(before[number - 1], entry, redactor)
                self._kept.add(before[number - 1])
            else:
                self._kept.add(self.target.add(entry, redactor))
            self._written[entry.key] = number

    def _before(self, key: str, *, or_damaged: bool = False) -> list[str]:
        """Return the names of the earlier recordings with this key."""
        return [name for name in self.directory.of(key, or_damaged=or_damaged) if name in self._old]

    def _replaced(self) -> list[str]:
        """Return the earlier recordings to remove, which were not overwritten: of the requested keys, or (``rewrite``) of all.

        What another process wrote meanwhile is left out.
        """
        requested = (name for key in self._written for name in self._before(key, or_damaged=True))
        old = list(self._old) if self.mode is RecordMode.REWRITE else requested
        return [name for name in old if name not in self._kept and self._is_unchanged(name)]

    def _is_unchanged(self, name: str) -> bool:
        stamp = self.directory.stamp(name)
        return stamp == self._old[name] and stamp[0] / 1e9 < self.run_started_at
