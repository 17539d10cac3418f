"""Options for the calls of a block, and captures of its exchanges: context variables, which each thread and task has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Literal

from wirecache._core.flows.exchange import Exchange
from wirecache._core.rules.plan import CallOptions, Mode, Streams, parse_options
from wirecache._core.unset import UNSET, Unset
from wirecache._engine.observers import Observer
from wirecache._engine.sampling import BLOCKS, Samples
from wirecache.errors import ConfigError

__all__ = ["CaptureObserver", "capture", "current_options", "options", "samples"]

current_options: ContextVar[CallOptions | None] = ContextVar("wirecache options", default=None)
_captures: ContextVar[tuple[list[Exchange], ...]] = ContextVar("wirecache captures", default=())


@contextmanager
def options(
    *,
    ttl: float | str | timedelta | Unset | None = UNSET,
    mode: Mode | Literal["auto", "offline", "refresh", "off"] | None = None,
    namespace: str | None = None,
    sample: int | None = None,
    streams: Streams | Literal["bypass", "record"] | None = None,
) -> Iterator[None]:
    """Set options for the calls made in this block, in this thread or task; an inner block overrides an outer one (namespaces nest).

    ``ttl`` (stored with the entries), ``mode``, ``namespace`` and ``streams``: as for ``Cache``. ``sample=i``: the i-th sample of the
    same prompt, which has an entry of its own. Raises ``ConfigError`` for an invalid value.
    """
    given: dict[str, Any] = {"mode": mode, "namespace": namespace, "sample": sample, "streams": streams}
    if ttl is not UNSET:
        given["ttl"] = ttl
    try:
        parsed = parse_options(given, "options: ")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    outer = current_options.get()
    token = current_options.set(parsed.within(outer) if outer else parsed)
    try:
        yield
    finally:
        current_options.reset(token)


@contextmanager
def capture() -> Iterator[list[Exchange]]:
    """Capture the exchanges of this block, made in this thread and in tasks that it starts, in a growing list."""
    exchanges: list[Exchange] = []
    token = _captures.set((*_captures.get(), exchanges))
    try:
        yield exchanges
    finally:
        _captures.reset(token)


@contextmanager
def samples() -> Iterator[None]:
    """Number equal requests in this block: each repetition is a sample of its own, and has its own entry.

    The first one is sample 0, the next one 1. So a run that sends a prompt n times stores n answers, and a second run gets the same ones.
    The block applies to all caches, threads and tasks of the process; an inner block starts again from 0. A call that fails gives its
    number back, so that a retry is the same sample. Calls that set their sample (``options(sample=i)``) keep it.
    """
    block = Samples()
    BLOCKS.append(block)
    try:
        yield
    finally:
        BLOCKS.remove(block)


class CaptureObserver(Observer):
    """Adds each exchange to the captures of the blocks around it."""

    def on_head(self, exchange: Exchange) -> None:
        """Add the exchange."""
        for exchanges in _captures.get():
            exchanges.append(exchange)
