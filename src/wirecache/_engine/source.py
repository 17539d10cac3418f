"""The interface of a source, from which answers are read and to which they are written: a cache's store, or a cassette's session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.messages import Entry
from wirecache._storage.single_flight import SingleFlight

__all__ = ["Source"]


class Source(Protocol):
    """What the engine reads answers from and writes them to.

    - ``look_up`` and ``alook_up`` return a complete entry, or None. A failing store never makes them raise; a cassette raises
      ``CassetteError`` for a file that cannot be read.
    - ``keep`` accepts a recorded answer, or returns the reason why it does not. ``on_stored`` is called once the answer is written,
      perhaps later and in another thread.
    - ``single_flight`` coordinates concurrent equal calls; it is None if each is forwarded by itself.
    """

    @property
    def single_flight(self) -> SingleFlight | None:
        """What coordinates concurrent equal calls, or None."""
        ...

    def look_up(self, key: str) -> Entry | None:
        """Return the entry that answers the next request with this key, or None."""
        ...

    async def alook_up(self, key: str) -> Entry | None:
        """Return the entry as ``look_up`` does, on an event loop."""
        ...

    def keep(self, recorder: Recorder, decode: Decode, now: float, seconds: float, on_stored: Callable[[], object]) -> str | None:
        """Store a recorded answer, or return why not. ``now``: seconds since the epoch. ``seconds``: how long upstream took."""
        ...

    def save(self, entry: Entry) -> bool:
        """Store a ready-made entry; return whether it was accepted."""
        ...

    def discard(self, key: str) -> None:
        """Delete what is stored under the key."""
        ...

    def reject(self, key: str) -> None:
        """Delete the answer of this key because it was useless to its caller."""
        ...

    def newest(self) -> Iterator[Entry]:
        """Yield the entries, the newest first if the order is known."""
        ...

    def label(self, entry: Entry) -> str:
        """Return the entry's name in messages."""
        ...

    def flush(self, timeout: float = ...) -> bool:
        """Wait for pending writes, and return whether they are done."""
        ...

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Wait briefly for the write that was just begun, if that is short compared with the call's ``call_seconds``."""
        ...
