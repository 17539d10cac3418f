"""How does a near store spare the way to a far one? Read through, copied upwards; written to all.

The decision is a flow, as that of an exchange is: it yields what is to be asked of which tier, and one driver of each colour does it.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias

from wirecache._runtime.driver import adrive, drive
from wirecache.errors import ConfigError, StoreError
from wirecache.stores._background import in_thread
from wirecache.stores._memory import MemoryStore
from wirecache.stores._protocol import Store, drop

__all__ = ["TieredStore"]

logger = logging.getLogger("wirecache")

COPY_TTL = 3600.0  # seconds that a copy lasts if its tier cannot say how long the original does
COPY_WAIT = 0.1  # seconds that a reader waits for a copy
MOST_WARNINGS = 20

Found: TypeAlias = tuple[bytes, float | None] | None


class _Read(NamedTuple):
    """Look into a tier. Answered with the value and the seconds that are left to it, or None."""

    tier: Store
    key: str


class _Copy(NamedTuple):
    """Put a value that was found below into a tier. Answered with nothing; it may come to nothing."""

    tier: Store
    key: str
    value: bytes
    ttl: float | None


_Step: TypeAlias = _Read | _Copy


class TieredStore:
    """Several stores, the nearest first, as one: ``TieredStore([MemoryStore(), DiskStore(), RedisStore(url)])``.

    ``get`` asks one after the other; what it finds is copied into those before, for as long as it lasts where it was. ``set``,
    ``delete`` and ``clear`` go to all. ``add`` is decided by the last one, which is the one that most share. Tiers are stores, paths or
    URLs. A tier that fails is passed over, and said to be in trouble once for each cause; ``StoreError`` only if all of them fail.
    What another process writes or drops in a shared tier is not seen while a nearer one still has the old value.
    """

    def __init__(self, tiers: Sequence[Store | str | os.PathLike[str]]) -> None:
        from wirecache.stores._open import one_store

        if isinstance(tiers, (str, bytes)) or not tiers:
            raise ConfigError(f"the tiers are {tiers!r}; allowed: a list of stores, paths or URLs, the nearest first")
        self.tiers: tuple[Store, ...] = tuple(one_store(tier, f"tiers[{at}]") for at, tier in enumerate(tiers))
        self._copying: dict[int, Future[None]] = {}  # by tier: the copy that is under way
        self._listeners: list[weakref.WeakMethod[Callable[[Exception], None]]] = []
        self._warned: set[str] = set()
        _stores.add(self)

    def __repr__(self) -> str:
        return f"TieredStore([{', '.join(map(repr, self.tiers))}])"

    @property
    def location(self) -> tuple[object, ...]:
        """Where the entries are: two stores of the same tiers are one store."""
        return "tiered", *(getattr(tier, "location", None) or id(tier) for tier in self.tiers)

    def get(self, key: str) -> bytes | None:
        """The value of the nearest tier that has one, or None."""
        found = self.get_with_ttl(key)
        return None if found is None else found[0]

    async def aget(self, key: str) -> bytes | None:
        """The same on an event loop."""
        found = await self.aget_with_ttl(key)
        return None if found is None else found[0]

    def get_with_ttl(self, key: str) -> Found:
        """The value and the seconds that are left to it (None: for ever), or None."""
        return drive(self._find(key), self._perform)

    async def aget_with_ttl(self, key: str) -> Found:
        """The same on an event loop."""
        return await adrive(self._find(key), self._aperform)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key, in every tier that can."""
        self._all(lambda tier: tier.set(key, value, ttl=ttl), self.tiers)

    def delete(self, key: str) -> bool:
        """Drop the key from every tier; was there one in any?"""
        return any(self._all(lambda tier: drop(tier, key), self.tiers))

    def close(self) -> None:
        """Close every tier that can be closed."""
        self._all(lambda tier: getattr(tier, "close")(), self._those_with("close"))  # noqa: B009  # optional in the contract

    def __getattr__(self, name: str) -> Any:
        """``keys`` if a tier has it, ``newest`` too; ``clear`` if all of them do; ``add`` if the last one does."""
        tiers = self.__dict__.get("tiers", ())
        has = [hasattr(tier, name) for tier in tiers]
        if name in ("keys", "newest") and any(hasattr(tier, "keys") for tier in tiers):
            return lambda: self._listed(name)
        if name == "clear" and all(has):
            return self._clear
        if name == "add" and has[-1:] == [True]:
            return tiers[-1].add
        if name in ("add_history", "history") and any(has):
            return getattr(next(tier for tier in reversed(tiers) if hasattr(tier, name)), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _clear(self) -> None:
        self._all(lambda tier: getattr(tier, "clear")(), self.tiers)  # noqa: B009

    def tell(self, listener: Callable[[Exception], None]) -> None:
        """Call this method with the error of each tier that is passed over, instead of a warning. It is held weakly."""
        self._listeners = [known for known in self._listeners if known() is not None]
        self._listeners.append(weakref.WeakMethod(listener))

    # -- reading: the flow, and who runs it ------------------------------------------------------------------------

    def _find(self, key: str) -> Generator[_Step, Any, Found]:
        errors: list[Exception] = []
        without: list[Store] = []
        found: Found = None
        for tier in self.tiers:
            try:
                found = yield _Read(tier, key)
            except Exception as error:
                errors.append(error)
                continue
            if found is not None:
                for above in reversed(without):
                    yield _Copy(above, key, *found)
                break
            without.append(tier)
        self._passed_over(errors, len(self.tiers))
        return found

    def _perform(self, step: _Step) -> Any:
        match step:
            case _Read(tier, key):
                if (reader := getattr(tier, "get_with_ttl", None)) is not None:
                    return reader(key)
                return _unknown_ttl(tier.get(key))
            case _Copy():
                return self._copy(step)

    async def _aperform(self, step: _Step) -> Any:
        from anyio.to_thread import run_sync

        match step:
            case _Read(tier, key):
                if (reader := getattr(tier, "aget_with_ttl", None)) is not None:
                    return await reader(key)
                if (reader := getattr(tier, "aget", None)) is not None and tier is self.tiers[0]:
                    return _unknown_ttl(await reader(key))  # the first one's is never copied
                return await run_sync(self._perform, step)
            case _Copy(tier):
                return self._copy(step) if isinstance(tier, MemoryStore) else await run_sync(self._copy, step)

    def _copy(self, step: _Copy) -> None:
        """Begin it, and wait a moment; a tier that is still busy with the one before gets none: it is only a copy."""
        tier, key, value, ttl = step
        if isinstance(tier, MemoryStore):
            tier.set(key, value, ttl=ttl)
            return
        before = self._copying.get(id(tier))
        if before is not None and not before.done():
            return
        copying = self._copying[id(tier)] = in_thread(lambda: tier.set(key, value, ttl=ttl), "wirecache-copy")
        try:
            copying.result(COPY_WAIT)
        except TimeoutError:
            pass
        except Exception as error:
            self._passed_over([error], len(self.tiers))

    # -- all tiers --------------------------------------------------------------------------------------------------

    def _those_with(self, name: str) -> list[Store]:
        return [tier for tier in self.tiers if hasattr(tier, name)]

    def _all(self, action: Callable[[Store], Any], tiers: Iterable[Store]) -> list[Any]:
        """Do it in each tier, whatever becomes of it in the others."""
        done, errors = [], []
        for tier in tiers:
            try:
                done.append(action(tier))
            except Exception as error:
                errors.append(error)
        self._passed_over(errors, len(done) + len(errors))
        return done

    def _listed(self, name: str) -> Iterator[str]:
        seen: set[str] = set()
        for tier in self._those_with("keys"):
            try:
                for key in (getattr(tier, name, None) or getattr(tier, "keys"))():  # noqa: B009
                    if key not in seen:
                        seen.add(key)
                        yield key
            except Exception as error:
                self._passed_over([error], len(self.tiers))

    def _passed_over(self, errors: list[Exception], asked: int) -> None:
        """Say it, if others could do what these could not."""
        if errors and len(errors) == asked:
            raise errors[0] if asked == 1 else StoreError("; ".join(map(_told, errors))) from errors[0]
        for error in errors:
            listeners = [known for listener in self._listeners if (known := listener()) is not None]
            for listen in listeners:
                listen(error)
            if not listeners and _told(error) not in self._warned and len(self._warned) < MOST_WARNINGS:
                self._warned.add(_told(error))
                logger.warning("wirecache: a tier of the store is in trouble, the others go on without it: %s", _told(error))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"


def _unknown_ttl(value: bytes | None) -> Found:
    return None if value is None else (value, COPY_TTL)


_stores: weakref.WeakSet[TieredStore] = weakref.WeakSet()


def _after_fork() -> None:
    """Whoever was copying in the parent is not in the child."""
    for store in list(_stores):
        store._copying.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
