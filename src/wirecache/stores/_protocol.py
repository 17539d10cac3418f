"""What must a store do? Keep bytes under a key. Two methods are enough for a custom one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["GONE", "Store", "drop"]

GONE = b"gone"  # what a store without delete() is given for an entry that must go


@runtime_checkable
class Store(Protocol):
    """Bytes in, bytes out.

    - ``get`` returns what the last ``set`` of that key was given, whole, or None. Anything else it may return
      is detected by the frame's checksum and treated as a miss.
    - ``set`` replaces. ``ttl`` (seconds, None for ever) is how long the value may be needed: it may be dropped after, or
      earlier if room is needed.
    - Both may raise; the request then goes on as if there were no cache. Both are called from several threads.
    - Optional: ``delete(key)``, ``keys()``, ``clear()``, ``close()``, and ``aget(key)`` for a read that may run on an event loop
      (without it, an async client reads in a worker thread). Writes always run in a worker thread.
    - Optional: ``newest()`` lists the keys with the newest first. ``add(key, value, *, ttl)`` keeps the value only if there is none,
      and returns whether it was kept; of several callers at once, in whatever thread or process, one gets True.
      ``get_with_ttl(key)``, ``aget_with_ttl(key)`` return the value and the seconds until it expires (None: never), or None.
    - Optional: ``pin(key)`` keeps the value for ever, whatever the limits of the store, until it is deleted or replaced. It returns
      whether there is one.
    - Optional: ``get_many(keys)`` returns a dict of the values of those keys that have one.
    - Optional: ``set_many(values)`` does what ``set`` does for several keys, all or nothing: ``values`` maps each to its value and ttl.
    - Optional: ``add_history(lines)`` adds to the statistics that are kept across runs, all or nothing, and ``history(since)`` lists them;
      see ``DiskStore``.
    - Optional: ``add_hits(counts)`` adds to how often the value of each key was reused, and ``hits()`` returns that by key. The count goes
      with the value: there is none for a value that is gone, and one that is set again begins anew.
    - Optional: ``count(counter, amounts, *, ttl)`` adds whole numbers (by name, some below 0) to a counter, and returns all of its
      sums with these in them; of several callers at once, in whatever process, each sees its own place. A sum of 0 may be left out.
      The counter is kept for ``ttl`` seconds after its last use.
    - Optional: ``location``, hashable: stores of one location are one store, opened more than once.
    """

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        ...

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        ...


def drop(store: Store, key: str) -> bool:
    """Delete the key, whether the store has ``delete`` or not. Return False if there was no value, as far as the store can say."""
    delete = getattr(store, "delete", None)
    if delete is not None:
        return bool(delete(key))
    store.set(key, GONE, ttl=0.0)
    return True
