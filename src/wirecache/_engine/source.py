"""Where do answers come from, and where are they kept? The contract of a source; a cache's is a store, a cassette's a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.messages import Entry
from wirecache._storage.single_flight import SingleFlight

__all__ = ["Source"]


class Source(Protocol):
    """What the engine looks up in and keeps to.

    - ``look_up`` and ``alook_up`` return an entry that is whole, or None. They never raise because of a store; a cassette raises
      ``CassetteError`` for a file that cannot be read.
    - ``keep`` takes a recorded answer, or returns the reason why not. ``on_stored`` is called when it is written, perhaps later and in
      another thread.
    - ``single_flight`` is where equal calls meet, or None if each goes its own way.
    """

    @property
    def single_flight(self) -> SingleFlight | None:
        """Where equal calls meet."""
        ...

    def look_up(self, key: str) -> Entry | None:
        """Return the entry that answers the next request of that key."""
        ...

    async def alook_up(self, key: str) -> Entry | None:
        """Look up on an event loop."""
        ...

    def keep(self, recorder: Recorder, decode: Decode, now: float, seconds: float, on_stored: Callable[[], object]) -> str | None:
        """Take a recorded answer. ``now``: seconds since the epoch. ``seconds``: how long upstream took."""
        ...

    def save(self, entry: Entry) -> bool:
        """Take an entry that is made already; return whether it is taken."""
        ...

    def discard(self, key: str) -> None:
        """Drop what is stored under the key."""
        ...

    def reject(self, key: str) -> None:
        """An answer of that key was useless to its caller."""
        ...

    def newest(self) -> Iterator[Entry]:
        """Yield the entries, the newest first where that is known."""
        ...

    def label(self, entry: Entry) -> str:
        """Return what messages call the entry."""
        ...

    def flush(self, timeout: float = ...) -> bool:
        """Wait for writes under way, and return whether they are done."""
        ...

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Wait a moment for the write that was just begun, of the answer to a call that took so long."""
        ...
