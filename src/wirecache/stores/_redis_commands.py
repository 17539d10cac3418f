"""The commands sent to Redis, each set in one round trip, with one command per key, since a cluster refuses several keys in one.

The errors of a pipeline are raised unchanged: redis-py would add the key, and the beginning of a value, to their messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["add_hits", "hits_of", "milliseconds", "raise_first", "set_value", "unlink", "value_and_pttl", "values_of"]

FIRST_LIFE = 3_600_000  # ms until a counter expires if this process ends before it knows when the value does
NEVER, GONE = -1, -2  # results of PTTL for a key that does not expire, and for a missing one


def milliseconds(ttl: float | None) -> int | None:
    """Return the lifetime in the form that Redis takes."""
    return None if ttl is None else max(1, int(ttl * 1000))


def raise_first(results: list[Any]) -> list[Any]:
    """Return the results of a pipeline, or raise the first of its errors."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def value_and_pttl(client: Any, name: str) -> Any:
    """Return the value and the milliseconds until it expires, for ``raise_first``; with an async client, a coroutine."""
    return client.pipeline(transaction=False).get(name).pttl(name).execute(raise_on_error=False)


def values_of(client: Any, names: Iterable[str]) -> list[bytes | None]:
    """Return the values under these names."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.get(name)
    return _executed(pipeline)


def set_value(client: Any, name: str, counter: str, value: bytes, ttl: float | None) -> None:
    """Set the value, and delete the counter of the previous one."""
    pipeline = client.pipeline(transaction=False)
    pipeline.set(name, value, px=milliseconds(ttl))
    pipeline.unlink(counter)  # a cluster's pipeline returns None for it
    _executed(pipeline)


def unlink(client: Any, names: Iterable[str]) -> list[int]:
    """Delete the keys. Return for each the number deleted, 1 or 0."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.unlink(name)
    return _executed(pipeline)


def add_hits(client: Any, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to counters, each given by its name and that of its value, which it does not outlive. This takes two round trips."""
    adding = client.pipeline(transaction=False)
    for (name, counter), count in counts.items():
        adding.incrby(counter, count).pexpire(counter, FIRST_LIFE).pttl(name)
    added = adding.execute(raise_on_error=False)
    keeping = client.pipeline(transaction=False)
    for (_, counter), count, left in zip(counts, added[::3], added[2::3], strict=True):
        if left == GONE or isinstance(count, Exception):  # somebody else has stored a non-number there
            keeping.unlink(counter)
        elif left == NEVER:
            keeping.persist(counter)
        else:
            keeping.pexpire(counter, left)
    _executed(keeping)
    raise_first(added)


def hits_of(client: Any, names: Iterable[tuple[str, str]]) -> list[int]:
    """Return the counters, each given by the name of its value and its own; 0 for a value that is gone, for example evicted."""
    pipeline = client.pipeline(transaction=False)
    for name, counter in names:
        pipeline.get(counter).pttl(name)  # not EXISTS: on a cluster redis-py sends that by itself
    found = pipeline.execute(raise_on_error=False)
    raise_first(found[1::2])
    return [int(count) if left != GONE and _is_number(count) else 0 for count, left in zip(found[::2], found[1::2], strict=True)]


def _is_number(count: Any) -> bool:
    return isinstance(count, bytes) and count.isdigit()


def _executed(pipeline: Any) -> list[Any]:
    return raise_first(pipeline.execute(raise_on_error=False))
