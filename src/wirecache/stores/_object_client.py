"""The client of an object store, shared by threads and event loops, with a circuit breaker.

obstore has one client for all of them, which works in threads of its own. These do not survive a fork, so that a call in the child would
block for ever. So the child of a process that has used obstore gets an error instead.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from wirecache._runtime.event_loops import in_asyncio
from wirecache._runtime.forks import keep_for_parent
from wirecache.errors import StoreError
from wirecache.stores._breaker import Breaker
from wirecache.stores._object_errors import cause, is_absent, is_outage
from wirecache.stores._object_url import ObjectAddress

__all__ = ["ObjectClient"]

T = TypeVar("T")
PROBE = "wirecache-probe"  # the name of an object that need not exist

_used_by: list[int] = []  # the process that has obstore's threads


class ObjectClient:
    """The client of one store. Errors are raised as ``StoreError``, during an outage without delay."""

    def __init__(self, address: ObjectAddress, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        address.client(timeout)  # so that an invalid option is an error now
        self.breaker: Breaker[Any] = Breaker(self._connect, self._describe, wait=timeout, polls=True, thread_name="wirecache-objects")

    def run(self, action: Callable[[Any], T]) -> T:
        """Return the result of the action, called with the client."""
        client = self.breaker.get()
        try:
            return action(client)
        except Exception as error:
            raise self._store_error(client, error) from None

    async def arun(self, action: Callable[[Any], Awaitable[T]], in_thread: Callable[[], T]) -> T:
        """Return the result of the action, called with the client; under trio and while not connected, that of ``in_thread``."""
        client = self.breaker.current
        if client is None:
            self.breaker.raise_if_down()
        if client is None or not in_asyncio():
            from wirecache._runtime.beside_loop import run_beside_loop

            return await run_beside_loop(in_thread)
        try:
            return await action(client)
        except Exception as error:
            raise self._store_error(client, error) from None

    def close(self) -> None:
        """Drop the client. The next use creates another one."""
        self.breaker.reset()

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        self.breaker.after_fork()
        client = self.breaker.reset()
        if client is not None:
            keep_for_parent(client)

    def _connect(self) -> Any:
        """Return a client that has just received an answer."""
        import obstore

        if not _used_by:
            _used_by.append(os.getpid())
        if _used_by[0] != os.getpid():
            raise StoreError(
                f"{self._address} cannot be used in this process, which was forked after obstore had been used: "
                "start it with multiprocessing's spawn or forkserver, or make the first call after the fork"
            )
        client = self._address.client(self._timeout)
        try:
            obstore.get(client, PROBE)
        except Exception as error:
            if is_outage(error) and not is_absent(error):
                raise
        return client

    def _describe(self, error: BaseException | None) -> str:
        """Return the message of an outage."""
        if isinstance(error, StoreError):
            return str(error)
        reason = f"no answer within {self._timeout:g} s" if error is None else cause(error)
        return f"{self._address} is unavailable ({reason}); it is tried again every few seconds"

    def _store_error(self, client: Any, error: Exception) -> StoreError:
        return self.breaker.failed(client, error) if is_outage(error) else StoreError(f"{self._address}: {cause(error)}")
