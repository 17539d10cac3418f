"""How does a fast store save the way to a slow one? Read through, copied upwards; written to all.

The decision is a flow, like that of an exchange: it yields each step on a tier, and one driver for sync code and one for event loops
performs them.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from operator import methodcaller
from typing import Any, NamedTuple, TypeAlias

from wirecache._runtime.driver import adrive, drive
from wirecache._runtime.forks import reset_after_fork
from wirecache._runtime.threads import run_in_thread
from wirecache._runtime.warn_once import WarnOnce
from wirecache.errors import ConfigError, StoreError
from wirecache.stores._memory import MemoryStore
from wirecache.stores._protocol import GONE, Store, drop
from wirecache.stores._read_only import is_read_only, read_only_error
from wirecache.stores._url import one_store

__all__ = ["TieredStore"]

COPY_TTL = 3600.0  # seconds that a copy lasts if its tier cannot say how long the original does
COPY_WAIT = 0.1  # seconds that a reader waits for a copy

ValueAndTtl: TypeAlias = tuple[bytes, float | None]


class _Read(NamedTuple):
    """Look into a tier. Answered with the value and the seconds until it expires, or None."""

    tier: Store
    key: str


class _Copy(NamedTuple):
    """Put a value that was found in a lower tier into this one. Answered with nothing; the copy may be skipped."""

    tier: Store
    key: str
    value: bytes
    ttl: float | None


_Step: TypeAlias = _Read | _Copy


class TieredStore:
    """Several stores, the nearest first, as one: ``TieredStore([MemoryStore(), DiskStore(), RedisStore(url)])``.

    ``get`` reads one after the other; a value that is found is copied into the tiers before, for as long as it lasts where it was.
    ``set``, ``delete`` and ``clear`` go to all. ``add`` is decided by the last one, which is the one that most processes share.
    A tier that is read-only is read, and left as it is.
    ``tiers``: stores, paths or URLs. A tier that fails is skipped, with one warning for each cause; ``StoreError`` only if all fail.
    What another process writes to or deletes from a shared tier is not seen while a nearer one still has the old value.
    """

    def __init__(self, tiers: Sequence[Store | str | os.PathLike[str]]) -> None:
        if isinstance(tiers, (str, bytes)) or not tiers:
            raise ConfigError(f"tiers must be a list of stores, paths or URLs, the nearest first, got {tiers!r}")
        self.tiers: tuple[Store, ...] = tuple(one_store(tier, f"tiers[{index}]") for index, tier in enumerate(tiers))
        self._writable = tuple(tier for tier in self.tiers if not is_read_only(tier))
        self.read_only = not self._writable
        self._copies: dict[int, Future[None]] = {}  # the copy under way, by the id of its tier
        self._listeners: list[weakref.WeakMethod[Callable[[Exception], None]]] = []
        self._warn_once = WarnOnce()
        reset_after_fork(self)

    def __repr__(self) -> str:
        return f"TieredStore([{', '.join(map(repr, self.tiers))}])"

    @property
    def location(self) -> tuple[object, ...]:
        """Where the entries are: two stores of the same tiers are one store."""
        return "tiered", *(getattr(tier, "location", None) or id(tier) for tier in self.tiers)

    def get(self, key: str) -> bytes | None:
        """Return the value of the nearest tier that has one, or None."""
        found = self.get_with_ttl(key)
        return None if found is None else found[0]

    async def aget(self, key: str) -> bytes | None:
        """Return the value of the nearest tier that has one, or None."""
        found = await self.aget_with_ttl(key)
        return None if found is None else found[0]

    def get_with_ttl(self, key: str) -> ValueAndTtl | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return drive(self._find(key), self._perform)

    async def aget_with_ttl(self, key: str) -> ValueAndTtl | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return await adrive(self._find(key), self._aperform)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one, each of the nearest tier; they are copied into tiers in memory alone."""
        wanted, found = list(keys), dict[str, bytes]()
        missed: list[Store] = []
        errors: list[Exception] = []
        for tier in self.tiers:
            rest = [key for key in wanted if key not in found]
            try:
                values = _many(tier, rest) if rest else {}
            except Exception as error:
                errors.append(error)
                continue
            for upper in missed:
                for key, value in values.items():
                    upper.set(key, value, ttl=COPY_TTL)
            missed += [tier] if isinstance(tier, MemoryStore) else []
            found |= values
        self._report(errors, attempts=len(self.tiers))
        return found

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key, in every tier that can."""
        if self.read_only:
            raise read_only_error(self)
        self._on_each(self._writable, lambda tier: tier.set(key, value, ttl=ttl))

    def delete(self, key: str) -> bool:
        """Delete the key from every tier that can be written. Return whether any of them had it.

        One that is read-only may still have it: a mark in the tiers before hides that.
        """
        if self.read_only:
            raise read_only_error(self)
        had = any(self._on_each(self._writable, lambda tier: drop(tier, key)))
        if len(self._writable) < len(self.tiers):
            self._on_each(self._writable, lambda tier: tier.set(key, GONE, ttl=None))
        return had

    def close(self) -> None:
        """Close every tier that can be closed."""
        self._on_each(self._tiers_with("close"), methodcaller("close"))

    def __getattr__(self, name: str) -> Any:
        """Return ``keys`` if a tier has it, ``newest`` and ``pin`` too; ``clear`` if all of them do; ``add`` if the last one does.

        Of what changes a store, only those that can be written are asked.
        """
        if name in ("keys", "newest") and any(hasattr(tier, "keys") for tier in self.__dict__.get("tiers", ())):
            return lambda: self._list(name)
        tiers = self.__dict__.get("tiers" if name == "history" else "_writable", ())
        has = [hasattr(tier, name) for tier in tiers]
        if name == "clear" and has and all(has):
            return self._clear
        if name == "pin" and any(has):
            return self._pin
        if name == "add" and has[-1:] == [True]:
            return tiers[-1].add
        if name in ("add_history", "history", "add_hits", "hits", "count") and any(has):
            tier = next(tier for tier in reversed(tiers) if hasattr(tier, name))
            if name != "count" or tier is tiers[-1] or not isinstance(tier, MemoryStore):  # a shared tier is not counted in one process
                return getattr(tier, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _pin(self, key: str) -> bool:
        return any(self._on_each([tier for tier in self._writable if hasattr(tier, "pin")], methodcaller("pin", key)))

    def _clear(self) -> None:
        self._on_each(self._writable, methodcaller("clear"))

    def add_error_listener(self, listener: Callable[[Exception], None]) -> None:
        """Call this method with the error of each tier that is skipped, instead of logging a warning. It is held weakly."""
        self._listeners = [reference for reference in self._listeners if reference() is not None]
        self._listeners.append(weakref.WeakMethod(listener))

    def after_fork(self) -> None:
        """Forget the copies under way: their threads are the parent's."""
        self._copies.clear()
        self._warn_once.after_fork()

    # -- reading: the flow, and how its steps are performed --------------------------------------------------------

    def _find(self, key: str) -> Generator[_Step, Any, ValueAndTtl | None]:
        errors: list[Exception] = []
        missed: list[Store] = []
        found: ValueAndTtl | None = None
        for tier in self.tiers:
            try:
                found = yield _Read(tier, key)
            except Exception as error:
                errors.append(error)
                continue
            if found is not None:
                for upper in reversed(missed):
                    yield _Copy(upper, key, *found)
                break
            if not is_read_only(tier):
                missed.append(tier)
        self._report(errors, attempts=len(self.tiers))
        return found

    def _perform(self, step: _Step) -> Any:
        match step:
            case _Read(tier, key):
                if (reader := getattr(tier, "get_with_ttl", None)) is not None:
                    return reader(key)
                return _with_copy_ttl(tier.get(key))
            case _Copy():
                return self._copy(step)

    async def _aperform(self, step: _Step) -> Any:
        from wirecache._runtime.beside_loop import run_beside_loop

        match step:
            case _Read(tier, key):
                if (reader := getattr(tier, "aget_with_ttl", None)) is not None:
                    return await reader(key)
                if (reader := getattr(tier, "aget", None)) is not None and tier is self.tiers[0]:
                    return _with_copy_ttl(await reader(key))  # the ttl does not matter: the first tier's values are never copied
                return await run_beside_loop(self._perform, step)
            case _Copy(tier):
                return self._copy(step) if isinstance(tier, MemoryStore) else await run_beside_loop(self._copy, step)

    def _copy(self, step: _Copy) -> None:
        """Start the copy and wait a moment for it. A tier that is still busy with the last one gets none: it is only a copy."""
        tier, key, value, ttl = step
        if isinstance(tier, MemoryStore):
            tier.set(key, value, ttl=ttl)
            return
        previous = self._copies.get(id(tier))
        if previous is not None and not previous.done():
            return
        copy = self._copies[id(tier)] = run_in_thread(lambda: tier.set(key, value, ttl=ttl), "wirecache-copy")
        try:
            copy.result(COPY_WAIT)
        except TimeoutError:
            pass
        except Exception as error:
            self._report([error], attempts=len(self.tiers))

    # -- several tiers, some of which may fail ---------------------------------------------------------------------

    def _tiers_with(self, method: str) -> list[Store]:
        return [tier for tier in self.tiers if hasattr(tier, method)]

    def _on_each(self, tiers: Iterable[Store], action: Callable[[Store], Any]) -> list[Any]:
        """Call the action with each tier, even after one has failed. Return the results of those that have not."""
        results, errors = [], []
        for tier in tiers:
            try:
                results.append(action(tier))
            except Exception as error:
                errors.append(error)
        self._report(errors, attempts=len(results) + len(errors))
        return results

    def _list(self, method: str) -> Iterator[str]:
        seen: set[str] = set()
        for tier in self._tiers_with("keys"):
            try:
                for key in getattr(tier, method if hasattr(tier, method) else "keys")():
                    if key not in seen:
                        seen.add(key)
                        yield key
            except Exception as error:
                self._report([error], attempts=len(self.tiers))

    def _report(self, errors: list[Exception], attempts: int) -> None:
        """Raise if all attempts failed, else report each error to the listeners, or in a warning if there are none."""
        if errors and len(errors) == attempts:
            raise errors[0] if attempts == 1 else StoreError("; ".join(map(_text, errors))) from errors[0]
        for error in errors:
            listeners = [listener for reference in self._listeners if (listener := reference()) is not None]
            for listener in listeners:
                listener(error)
            if not listeners:
                text = _text(error)
                self._warn_once(text, "wirecache: a tier of the store is in trouble, the others go on without it: %s", text)


def _many(tier: Store, keys: list[str]) -> dict[str, bytes]:
    """Return the values of those keys that the tier has."""
    get_many: Callable[[list[str]], dict[str, bytes]] | None = getattr(tier, "get_many", None)
    if get_many is not None:
        return get_many(keys)
    return {key: value for key in keys if (value := tier.get(key)) is not None}


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"


def _with_copy_ttl(value: bytes | None) -> ValueAndTtl | None:
    return None if value is None else (value, COPY_TTL)
