"""How is work run in a thread so that the caller can stop waiting for it? Behind a future."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["run_in_thread"]

T = TypeVar("T")


def run_in_thread(action: Callable[[], T], name: str) -> Future[T]:
    """Run the action in a daemon thread of that name. Return a future of its result.

    A new thread each time, not an executor's: the interpreter waits for an executor's threads at exit, and a lock held by another
    process can hold one up for a minute.
    """
    from concurrent.futures import Future

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError:  # at interpreter exit no thread can be started any more
        run()
    return future
