"""What was played from a cassette, and what is to be written to it, from when it is opened until it is closed?"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from wirecache._core.messages import Entry
from wirecache._core.record_modes import RecordMode
from wirecache.cassette._directory import Directory

__all__ = ["SequenceEnd", "Session"]

SequenceEnd = Literal["repeat", "fail"]


class Session:
    """One use of a cassette: sequences go on where they are, and what is replaced or unused is known at the end.

    ``hold``: nothing is written before ``commit``. ``since``: files written later than this (seconds since the epoch) are the work of
    others who record the same cassette at the same time, and are never removed.
    """

    hold = False
    since = math.inf

    def __init__(self, directory: Directory, mode: RecordMode, sequence_end: SequenceEnd) -> None:
        self.directory = directory
        self.mode = mode
        self._sequence_end = sequence_end
        self._lock = threading.RLock()
        self._old = dict.fromkeys(directory.names())  # what is played, and what may be replaced; in their order
        self._calls: Counter[str] = Counter()  # how often each key was played
        self._used: set[str] = set()
        self._held: list[Entry] = []  # still to be written
        self._again: dict[str, list[Entry]] = {}  # equal to the last of their sequence
        self._last: dict[str, Entry] = {}
        self._made: dict[str, int] = {}  # how many of each key were written
        self._kept: set[str] = set()  # names that were written
        self.recorded = 0

    @property
    def existed(self) -> bool:
        """Were there recordings before?"""
        return bool(self._old)

    @property
    def played(self) -> int:
        """How many answers came from it."""
        return sum(self._calls.values())

    @property
    def unused(self) -> list[str]:
        """The recordings that were there before, and that nobody asked for."""
        return [name for name in self._old if name not in self._used and name not in self._kept]

    def play(self, key: str) -> Entry | None:
        """The next recording of that key; None if there is none, or its sequence is over and may not repeat its end."""
        with self._lock:
            names = self._before(key)
            at = self._calls[key]
            if not names or (at >= len(names) and self._sequence_end == "fail"):
                return None
            name = names[min(at, len(names) - 1)]
            entry = self.directory.read(name)
            self._calls[key] += 1
            self._used.add(name)
            return entry

    def record(self, entry: Entry) -> None:
        """Write it, or keep it for ``commit``. Equal answers to equal requests are one recording, as long as no other follows them."""
        with self._lock:
            self.recorded += 1
            last = self._last.get(entry.key)
            self._last[entry.key] = entry
            if last is not None and self._sequence_end == "repeat" and _same(last, entry):
                self._again.setdefault(entry.key, []).append(entry)
                return
            made = [*self._again.pop(entry.key, ()), entry]
            if self.hold:
                self._held += made
            else:
                self._write(made)

    def commit(self) -> None:
        """Write what is held, and remove what the mode says is replaced."""
        with self._lock:
            self._write(self._held)
            self._held = []
            if self.mode.replaces:
                for name in self._replaced():
                    self.directory.remove(name)

    def rollback(self) -> None:
        """Forget what is held."""
        with self._lock:
            self._held, self._made = [], {}

    def _write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            number = self._made[entry.key] = self._made.get(entry.key, 0) + 1
            before = self._before(entry.key) if self.mode.replaces else []
            if number <= len(before):
                self.directory.replace(before[number - 1], entry)
                self._kept.add(before[number - 1])
            else:
                self._kept.add(self.directory.add(entry))

    def _before(self, key: str) -> list[str]:
        """The recordings of that key that were there before."""
        return [name for name in self.directory.of(key) if name in self._old]

    def _replaced(self) -> list[str]:
        """The old recordings in whose place nothing was written: of the keys asked for, or (``rewrite``) of all."""
        asked_for = (name for key in self._made for name in self._before(key))
        gone = self._old if self.mode is RecordMode.REWRITE else asked_for
        return [name for name in gone if name not in self._kept and self.directory.made_at(name) < self.since]


def _same(one: Entry, other: Entry) -> bool:
    return (one.status, one.body) == (other.status, other.body)
