"""Work in a thread, behind a future, so that the caller can stop waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["run_in_thread"]

T = TypeVar("T")


def run_in_thread(action: Callable[[], T], name: str) -> Future[T]:
    """Run the action in a daemon thread with this name. Return a future of its result.

    Each call uses a new thread and no executor: the interpreter waits for an executor's threads at exit, and a lock held by another
    process can block one for a minute.
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
    except RuntimeError:  # at interpreter exit no thread can be started
        run()
    return future
