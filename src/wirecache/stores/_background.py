"""How is something done while the caller waits only as long as it wants to? In a thread of its own, behind a future."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["in_thread"]

T = TypeVar("T")


def in_thread(action: Callable[[], T], name: str) -> Future[T]:
    """Begin it in a thread of that name; it ends with the program at the latest."""
    from concurrent.futures import Future

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError:  # the interpreter is ending and starts no thread any more
        run()
    return future
