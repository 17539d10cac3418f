"""The contract of a store, which keeps bytes under keys. A custom store needs only two methods."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["GONE", "Store", "drop"]

GONE = b"gone"  # stored to delete an entry in a store without delete()


@runtime_checkable
class Store(Protocol):
    """Bytes in, bytes out.

    - ``get`` returns the complete value of the last ``set`` of that key, or None. Anything else is detected by the frame's
      checksum and treated as a miss.
    - ``set`` replaces the value. ``ttl`` (seconds, None for ever) is how long the value may be needed: it may be dropped after
      that, or earlier if space is needed.
    - Both may raise; the request then proceeds as if there were no cache. Both are called from several threads.
    - Optional: ``delete(key)``, ``keys()``, ``clear()``, ``close()``, and ``aget(key)`` for a read that may run on an event loop
      (without it, an async client reads in a worker thread). Writes always run in a worker thread.
    - Optional: ``newest()`` lists the keys with the newest first. ``add(key, value, *, ttl)`` keeps the value only if there is none,
      and returns whether it was kept; of several concurrent callers, in any threads or processes, one gets True.
      ``get_with_ttl(key)``, ``aget_with_ttl(key)`` return the value and the seconds until it expires (None: never), or None.
    - Optional: ``pin(key)`` keeps the value for ever, whatever the limits of the store, until it is deleted or replaced. It returns
      whether there is one.
    - Optional: ``get_many(keys)`` returns a dict of the values of those keys that have one.
    - Optional: ``set_many(values)`` sets several keys, all or nothing: ``values`` maps each to its value and ttl.
    - Optional: ``add_history(lines)`` adds to the statistics that are kept across runs, all or nothing, and ``history(since)`` lists them;
      see ``DiskStore``.
    - Optional: ``add_hits(counts)`` adds to how often the value of each key was reused, and ``hits()`` returns that by key. The count
      belongs to the value: there is none for a value that is gone, and it restarts when the key is set again.
    - Optional: ``count(counter, amounts, *, ttl)`` adds integers (by name, possibly negative) to a counter, and returns all of its
      sums including these, atomically, so that each of several concurrent callers sees its own addition. A sum of 0 may be left out.
      The counter is kept for ``ttl`` seconds after its last use.
    - Optional: ``location``, hashable: stores with the same location are the same store, opened more than once.
    """

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        ...

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        ...


def drop(store: Store, key: str) -> bool:
    """Delete the key, even if the store has no ``delete``. Return False if the store says that there was no value."""
    delete = getattr(store, "delete", None)
    if delete is not None:
        return bool(delete(key))
    store.set(key, GONE, ttl=0.0)
    return True
