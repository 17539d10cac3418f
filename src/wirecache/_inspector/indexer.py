"""The indexer: reads the sources and their changes into the index, in the background, newest first, while somebody uses the pages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wirecache._inspector.index_rows import indexed, price_of
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.search_index import SearchIndex
from wirecache._inspector.source import Source
from wirecache.errors import WirecacheError
from wirecache.prices import Prices

__all__ = ["Indexer", "Progress"]

logger = logging.getLogger("wirecache")

BATCH = 100  # exchanges written at once
PRICED_AT_ONCE = 20
AGAIN = 2.0  # seconds between two scans of the sources, while the pages are in use
AT_START = 0.5  # seconds that the first page may wait
IDLE = 30.0  # seconds without a request after which the pages count as unused
UNCHANGED = 50  # unchanged exchanges in a row, newest first, after which older ones are assumed to be unchanged, too


class Progress(NamedTuple):
    """The progress of the index: ``done`` of ``total`` exchanges. ``errors``: what could not be read, one per cause."""

    done: int
    total: int
    ready: bool
    errors: tuple[str, ...]


class Indexer:
    """Keeps the index of the sources. It begins with the first ``touch``; ``close`` ends it."""

    def __init__(self, sources: Sequence[Source], index: SearchIndex, prices: Prices | None) -> None:
        self.sources = sources
        self.index = index
        self._prices = prices
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._first = threading.Event()
        self._closing = threading.Event()
        self._touched = self._began = 0.0
        self._totals: dict[str, int] = {}
        self._errors: list[str] = []

    def touch(self) -> None:
        """Start indexing, or keep looking for changes, because somebody is using a page."""
        self._touched = time.monotonic()
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="wirecache-ui-index", daemon=True)
                self._began = time.monotonic()
                self._thread.start()
            self._wake.set()

    def wait(self, timeout: float) -> bool:
        """Return whether everything has been read, after ``timeout`` seconds at most."""
        self.touch()
        return self._first.wait(timeout)

    def wait_at_start(self) -> None:
        """Wait a moment after the first ``touch``, since a small store is read at once; not at all later."""
        self.touch()
        self._first.wait(max(0.0, self._began + AT_START - time.monotonic()))

    def refresh(self, source: Source, ref: str) -> None:
        """Reread one exchange now, because it was changed here."""
        entry = source.read(ref)
        if entry is None:
            self.index.remove(source.id, [ref])
        else:
            self.index.add([indexed(source, ref, entry, time.time())])

    @property
    def progress(self) -> Progress:
        """How much has been indexed so far."""
        done = self.index.count()
        return Progress(done, max(sum(self._totals.values()), done), self._first.is_set(), tuple(self._errors))

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._wake.set()
        if (thread := self._thread) is not None:
            thread.join(5)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            for source in self.sources:
                self._look_at(source)
            self._first.set()
            self._price()
            if time.monotonic() - self._touched > IDLE:
                self._wake.wait()
            else:
                self._closing.wait(AGAIN)

    def _price(self) -> None:
        """Price what has no price yet. This takes longer than everything else, so it comes last, and yields most of the time to pages."""
        while self._prices is not None and not self._closing.is_set() and (rows := self.index.unpriced(PRICED_AT_ONCE)):
            started = time.perf_counter()
            self.index.set_costs([(price_of(row, self._prices), row.source, row.ref) for row in rows])
            if len(rows) == PRICED_AT_ONCE:
                self._closing.wait(3 * (time.perf_counter() - started))

    def _look_at(self, source: Source) -> None:
        try:
            refs = list(dict.fromkeys(source.refs()))
            self._totals[source.id] = len(refs)
            known = self.index.stamps(source.id)
            if gone := known.keys() - set(refs):
                self.index.remove(source.id, gone)
            batch: list[tuple[IndexRow, tuple[str, str, str]]] = []
            for each in self._changed(source, refs, known):
                batch.append(each)
                if len(batch) >= BATCH:
                    self.index.add(batch)
                    batch = []
            if batch:
                self.index.add(batch)
            self.index.set_hits(source.id, source.hits())
        except (WirecacheError, OSError) as error:
            self._note(f"{source.name}: {error}")
        except Exception as error:
            self._note(f"{source.name}: {error!r}")
            logger.warning("wirecache: the list cannot be made: %r", error, exc_info=True)

    def _changed(self, source: Source, refs: list[str], known: dict[str, float]) -> Iterator[tuple[IndexRow, tuple[str, str, str]]]:
        """Yield what is new or was rewritten. Known exchanges are checked, newest first, until many in a row are unchanged."""
        unchanged = 0
        for ref in refs:
            if self._closing.is_set():
                return
            if ref in known and unchanged >= UNCHANGED:
                continue
            entry = source.read(ref)
            if entry is None:
                continue
            if known.get(ref) == entry.stored_at:
                unchanged += 1
                continue
            unchanged = 0 if ref in known else unchanged
            yield indexed(source, ref, entry, time.time())

    def _note(self, error: str) -> None:
        if error not in self._errors:
            self._errors.append(error)
