"""What is replayed from a cassette, and what is written to it, from when it is opened until it is closed? The source of a ``Cassette``."""

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
    """A request whose live answer differs from the recorded one, and where: ``stored`` was recorded, the other is what came."""

    method: str
    url: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """The request, and the differences, one a line."""
        return "\n".join([f"{self.method} {self.url}", *(f"  {found}" for found in self.differences)])


class CassetteSession:
    """One use of a cassette: sequences go on where they are, and what is replaced or unused is known at the end.

    ``is_held``: nothing is written before ``close``. ``run_started_at``: files written later than this (seconds since the epoch) are the
    work of others who record the same cassette at the same time, and are never removed. ``keep_unused``: nothing is removed, since not
    all that was to be recorded again was. ``verify``: nothing is written; ``drift`` collects where live answers differ.
    """

    is_held = False
    run_started_at = math.inf
    keep_unused = False
    single_flight = None  # what equal requests are answered with is a matter of their order

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
        # What is replayed, and what may be replaced, in their order: each with its stamp, as far as that is needed.
        self._old = {name: directory.stamp(name) if mode.replaces else (0, 0) for name in directory.names()}
        self._calls: Counter[str] = Counter()  # how often each key was replayed
        self._used: set[str] = set()
        self._held: list[tuple[Entry, Redactor]] = []  # still to be written, with what was secret when each was received
        self._repeated: dict[str, list[tuple[Entry, Redactor]]] = {}  # equal to the last of their sequence
        self._last: dict[str, Entry] = {}
        self._written: dict[str, int] = {}  # how many of each key were written
        self._kept: set[str] = set()  # names that were written
        self._faults: list[CassetteError] = []

    @property
    def existed(self) -> bool:
        """Whether there were recordings before."""
        return bool(self._old)

    @property
    def unused(self) -> list[str]:
        """The names of the recordings that were there before and that nothing requested; what need not be requested is none of them."""
        unused = (name for name in self._old if name not in self._used and name not in self._kept)
        return [name for name in unused if not is_optional(self.directory, name)]

    # -- replaying ----------------------------------------------------------------------------------------------------

    def look_up(self, key: str) -> Entry | None:
        """Return the next recording of that key; None if there is none, or its sequence is over and may not repeat its end.

        A file that cannot be read is a ``CassetteError``, which ``close`` raises again: an application may go on without the answer.
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
                raise self.directory.unreadable[0]  # it may be the one
            if not names or (index >= len(names) and self._sequence_end == "fail"):
                return None
            name = names[min(index, len(names) - 1)]
            entry = self.directory.read(name)
            self._calls[key] += 1
            self._used.add(name)
            return entry

    async def alook_up(self, key: str) -> Entry | None:
        """Look up on an event loop: one file is read in less time than a thread takes to start, all of them are not."""
        if self.directory.is_indexed(key):
            return self.look_up(key)
        from wirecache._runtime.beside_loop import run_beside_loop

        return await run_beside_loop(self.look_up, key)

    def newest(self) -> Iterator[Entry]:
        """Yield the recordings, the newest first."""
        return self.directory.newest()

    def entries(self) -> Iterator[Entry]:
        """Yield the recordings, by the names of their files."""
        return (self.directory.read(name) for name in self.directory.names())

    def get(self, key: str) -> Entry | None:
        """Return the first recording of that key, or None."""
        names = self.directory.of(key)
        return self.directory.read(names[0]) if names else None

    def label(self, entry: Entry) -> str:
        """Return the name of the file of the entry."""
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
        """Record an entry that is made already."""
        is_saved = self._guarded(lambda: self._record(entry))
        self.recorded += is_saved
        return is_saved

    def _record(self, entry: Entry) -> None:
        """Write it, or hold it until ``close``. Equal answers to equal requests are one recording, as long as no other follows them."""
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
        """Learn the secrets that the answer names, and return what redacts it: what is known by now."""
        request = f"{entry.request.url} {bytes(entry.request_body).decode('utf-8', 'replace')}"
        self.redactor.learn_from_answer(entry.body, request)
        return self.redactor.snapshot()

    def _compare(self, live: Entry, *, with_text: bool) -> None:
        """Note where the live answer differs from the recorded one."""
        request = live.request
        live = live._replace(body=self._learned_from(live).data(live.body))  # as it would be recorded
        try:
            recorded = self._next(live.key)
        except CassetteError as error:
            self.drift.append(Drift(request.method, request.url, (difference("cassette", str(error), ABSENT),)))
            return
        found = drift(recorded, live, text=with_text) if recorded else [difference("cassette", ABSENT, "answered")]
        if found:
            self.drift.append(Drift(request.method, request.url, tuple(found)))

    def discard(self, key: str) -> None:
        """Remove the recordings of that key."""
        with self._lock:
            for name in self.directory.of(key, or_damaged=True):
                self.directory.remove(name)
                self._old.pop(name, None)  # a file that is recorded under this name now was not there before
            self._held = [held for held in self._held if held[0].key != key]
            self._last.pop(key, None)
            self._repeated.pop(key, None)

    def reject(self, key: str) -> None:
        """Do nothing: an answer that its caller found useless happened too, and its retry is the next of its sequence."""

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
        """Write what is held, and remove what the mode says is replaced. ``CassetteError`` for what could not be written, or read."""
        if not self.verify:  # which writes nothing, and so replaces nothing
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
        """Forget what is held, and leave what was there before."""
        with self._lock:
            self._held, self.keep_unused = [], True

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Call the action; a failure is logged at once and raised by ``close``: here it would look like a fault of the network."""
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
        """Write what is held. What cannot be written is lost: trying it again and again would delay all that follows."""
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
        """Return the names of the recordings of that key that were there before."""
        return [name for name in self.directory.of(key, or_damaged=or_damaged) if name in self._old]

    def _replaced(self) -> list[str]:
        """Return the old recordings in whose place nothing was written: of the keys requested, or (``rewrite``) of all.

        What another process wrote meanwhile is not among them.
        """
        requested = (name for key in self._written for name in self._before(key, or_damaged=True))
        old = list(self._old) if self.mode is RecordMode.REWRITE else requested
        return [name for name in old if name not in self._kept and self._is_unchanged(name)]

    def _is_unchanged(self, name: str) -> bool:
        stamp = self.directory.stamp(name)
        return stamp == self._old[name] and stamp[0] / 1e9 < self.run_started_at
