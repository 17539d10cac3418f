"""Trials of other key options on all stored requests, one by one in the background; the pages show the progress."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from wirecache._core.flows.rekey import recomputed_key
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._inspector.source import Source
from wirecache.errors import WirecacheError

__all__ = ["Merge", "Trial", "Trials"]

logger = logging.getLogger("wirecache")

AT_START = 0.1  # seconds that a page waits, which suffices for a small store
SLICE = 0.02  # seconds of work, after which pages get as much time
SHOWN_GROUPS, SHOWN_REFS = 10, 20
KEPT = 4  # trials


@dataclass(frozen=True, slots=True)
class Merge:
    """The effect of key options: of ``tried`` stored requests, ``merged`` would share ``shared`` keys.

    ``groups``: of the largest, how many share the key, and the first of them. ``total``: how many were stored when the trial began.
    ``is_hit``: whether the request would have an entry; None without a request, and while that is not known. ``is_whole``: all were tried.
    """

    tried: int
    total: int
    merged: int
    shared: int
    groups: list[tuple[int, list[str]]]
    is_hit: bool | None
    is_whole: bool
    error: str


class Trial:
    """The stored requests of a source under other options. ``key``: of the request that somebody pasted; empty without one."""

    def __init__(self, source: Source, options: KeyOptions, key: str, form: dict[str, str]) -> None:
        self.source = source
        self.options = options
        self.form = form
        self._key = key
        self._by_key: dict[str, dict[str, str]] = {}  # under the options: the present keys, each with a ref
        self._shared: dict[str, dict[str, str]] = {}  # those with more than one
        self._tried = self._total = 0
        self._error = ""
        self._is_whole = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the trial, and wait a moment for its end."""
        threading.Thread(target=self._run, name="wirecache-ui-trial", daemon=True).start()
        self._ended.wait(AT_START)

    def stop(self) -> None:
        """Stop the trial."""
        self._stopped.set()

    @property
    def is_running(self) -> bool:
        """Whether the trial is still running."""
        return not self._ended.is_set()

    def merge(self) -> Merge:
        """Return the result so far."""
        with self._lock:
            largest = nlargest(SHOWN_GROUPS, self._shared.values(), key=len)
            groups = [(len(refs), list(refs.values())[:SHOWN_REFS]) for refs in largest]
            merged = sum(map(len, self._shared.values()))
            is_hit = self._key in self._by_key if self._key else None
            if is_hit is False and not self._is_whole:
                is_hit = None  # an entry may still be found
            return Merge(self._tried, self._total, merged, len(self._shared), groups, is_hit, self._is_whole, self._error)

    def _run(self) -> None:
        try:
            refs = list(dict.fromkeys(self.source.refs()))
            self._total = len(refs)
            self._is_whole = all(self._try(ref) for ref in self._paced(refs))
        except (WirecacheError, OSError) as error:
            self._error = str(error)
        except Exception as error:
            self._error = repr(error)
            logger.warning("wirecache: key options cannot be tried: %r", error, exc_info=True)
        finally:
            self._ended.set()

    def _paced(self, refs: list[str]) -> Iterator[str]:
        """Yield the refs, with pauses."""
        began = time.perf_counter()
        for ref in refs:
            yield ref
            if (took := time.perf_counter() - began) > SLICE:
                self._stopped.wait(took)
                began = time.perf_counter()

    def _try(self, ref: str) -> bool:
        """Try one; False if the trial was stopped."""
        entry = self.source.read(ref)
        if entry is not None:
            key, present = recomputed_key(entry, self.options), recomputed_key(entry, DEFAULT_KEY)
            with self._lock:
                self._tried += 1
                found = self._by_key.setdefault(key, {})
                found[present] = ref
                if len(found) > 1:
                    self._shared[key] = found
        return not self._stopped.is_set()


class Trials:
    """The latest trials, by number; older ones are stopped and forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Trial] = {}
        self._number = 0

    def begin(self, source: Source, options: KeyOptions, key: str, form: dict[str, Any]) -> str:
        """Start a trial, unless an equal one is running, and return its number."""
        trial = Trial(source, options, key, form)
        with self._lock:
            for number, known in self._kept.items():
                if known.is_running and known.form == form:
                    return number
            self._number += 1
            number = str(self._number)
            self._kept[number] = trial
            while len(self._kept) > KEPT:
                self._kept.pop(next(iter(self._kept))).stop()
        trial.start()
        return number

    def get(self, number: str) -> Trial | None:
        """Return the trial of that number, or None if it is forgotten."""
        return self._kept.get(number)

    def close(self) -> None:
        """Stop all."""
        with self._lock:
            for trial in self._kept.values():
                trial.stop()
