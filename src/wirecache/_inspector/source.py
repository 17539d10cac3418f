"""What is a store or a cassette to the pages? A list of exchanges that can be read one by one.

A ``ref`` names an exchange within its source: the key in a store, the path of the file (relative, with ``/``) in cassettes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from wirecache._core.messages import Entry

if TYPE_CHECKING:
    from wirecache._caches.explain import Explanation, FindNearest
    from wirecache._engine.miss_log import Miss

__all__ = ["Source"]


class Source(Protocol):
    """A list of exchanges.

    - ``id`` names it in addresses, ``name`` for people; ``is_cassette`` tells the kinds apart.
    - ``refs`` lists the exchanges, the newest first where that is known. Others may change them at any time.
    - ``read`` returns an exchange, or None if it is gone or cannot be read.
    - ``expires_at`` returns when an entry becomes stale, in seconds since the epoch; None: never.
    """

    id: str
    name: str
    is_cassette: bool

    def refs(self) -> Iterator[str]:
        """Yield the refs."""
        ...

    def read(self, ref: str) -> Entry | None:
        """Return the exchange, or None."""
        ...

    def test_of(self, ref: str) -> str:
        """Return the test, or the directory, that a recording belongs to; empty in a store."""
        ...

    def expires_at(self, entry: Entry, now: float) -> float | None:
        """Return when the entry becomes stale."""
        ...

    def hits(self) -> dict[str, int]:
        """Return how often each exchange was reused, by ref; nothing where that is not counted."""
        ...

    def misses(self) -> list[Miss]:
        """Return the calls of this process that had no entry here since this was opened."""
        ...

    def explain(self, request: Any, find_nearest: FindNearest) -> Explanation:
        """Return what would happen to the request. Nothing is sent. ``find_nearest`` may be used to find the stored one that is nearest."""
        ...

    def drop(self, ref: str) -> None:
        """Remove the exchange."""
        ...

    def pin(self, ref: str, entry: Entry) -> None:
        """Keep the exchange for ever: it is never stale, and no limit drops it."""
        ...

    def put(self, ref: str, entry: Entry) -> None:
        """Write the exchange in the place of the one under this ref, or where it was."""
        ...
