"""What was played from a cassette, and what is to be written to it, from when it is opened until it is closed?"""

from __future__ import annotations

import math
import threading
from collections import Counter
from typing import Literal

from wirecache._core.messages import Entry
from wirecache._core.rules.record_modes import RecordMode
from wirecache.cassette._directory import Directory

__all__ = ["SequenceEnd", "Session"]

SequenceEnd = Literal["repeat", "fail"]


class Session:
    """One use of a cassette: sequences go on where they are, and what is replaced or unused is known at the end.

    ``hold``: nothing is written before ``commit``. ``since``: files written later than this (seconds since the epoch) are the work of
    others who record the same cassette at the same time, and are never removed. ``spare``: nothing is removed, since not all that was
    to be recorded again was.
    """

    hold = False
    since = math.inf
    spare = False

    def __init__(self, directory: Directory, mode: RecordMode, sequence_end: SequenceEnd) -> None:
        self.directory = directory
        self.mode = mode
        self._sequence_end = sequence_end
        self._lock = threading.RLock()
        # What is played, and what may be replaced, in their order: each with its stamp, as far as that will be asked for.
        self._old = {name: directory.stamp(name) if mode.replaces else (0, 0) for name in directory.names()}
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
    def replay_flow(self) -> int:
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
            last = self._last.get(entry.key)
            if last is not None and self._sequence_end == "repeat" and _same(last, entry):
                self._again.setdefault(entry.key, []).append(entry)
            else:
                self._held += [*self._again.pop(entry.key, ()), entry]
                if not self.hold:
                    self._write()
            self._last[entry.key] = entry
            self.recorded += 1

    def forget(self, key: str) -> None:
        """What was recorded under the key was removed, or is not to be written."""
        with self._lock:
            self._held = [entry for entry in self._held if entry.key != key]
            self._last.pop(key, None)
            self._again.pop(key, None)

    def commit(self) -> None:
        """Write what is held, and remove what the mode says is replaced."""
        with self._lock:
            self._write()
            if self.mode.replaces and not self.spare:
                for name in self._replaced():
                    self.directory.remove(name)

    def rollback(self) -> None:
        """Forget what is held, and let what was there before be."""
        with self._lock:
            self._held, self.spare = [], True

    def _write(self) -> None:
        """Write what is held. What cannot be written is lost: trying it again and again would hold up all that follows."""
        waiting, self._held = self._held, []
        for entry in waiting:
            number = self._made.get(entry.key, 0) + 1
            before = self._before(entry.key, or_damaged=True) if self.mode.replaces else []
            if number <= len(before):
                self.directory.replace(before[number - 1], entry)
                self._kept.add(before[number - 1])
            else:
                self._kept.add(self.directory.add(entry))
            self._made[entry.key] = number

    def _before(self, key: str, *, or_damaged: bool = False) -> list[str]:
        """The recordings of that key that were there before."""
        return [name for name in self.directory.of(key, or_damaged=or_damaged) if name in self._old]

    def _replaced(self) -> list[str]:
        """The old recordings in whose place nothing was written: of the keys asked for, or (``rewrite``) of all.

        What another process wrote meanwhile is none of them.
        """
        asked_for = (name for key in self._made for name in self._before(key, or_damaged=True))
        gone = list(self._old) if self.mode is RecordMode.REWRITE else asked_for
        return [name for name in gone if name not in self._kept and self._is_as_it_was(name)]

    def _is_as_it_was(self, name: str) -> bool:
        stamp = self.directory.stamp(name)
        return stamp == self._old[name] and stamp[0] / 1e9 < self.since


def _same(one: Entry, other: Entry) -> bool:
    return (one.status, one.body) == (other.status, other.body)
