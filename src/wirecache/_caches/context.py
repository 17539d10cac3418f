"""What holds for the calls of a block, and what happened in it? Context variables: threads and tasks see their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Literal

from wirecache._core.flows.labels import NO_LABELS, Labels
from wirecache._core.messages import Usage
from wirecache._core.rules.plan import CallOptions, Mode, Streams, parse_options
from wirecache._core.status import CacheStatus
from wirecache._core.unset import UNSET, Unset
from wirecache.errors import ConfigError

__all__ = ["Exchange", "capture", "captured", "current_options", "options"]

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
    """Options for the calls made in this block, in this thread or task; an inner block lies over an outer one.

    ``ttl`` as for ``Cache`` (it is kept with what is stored), ``mode``, ``namespace`` and ``streams`` too; ``sample=i`` asks for the
    i-th draw of the same prompt, which has an entry of its own. ``ConfigError`` names a wrong value.
    """
    given: dict[str, Any] = {"mode": mode, "namespace": namespace, "sample": sample, "streams": streams}
    if ttl is not UNSET:
        given["ttl"] = ttl
    try:
        said = parse_options(given, "options: ")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    outer = current_options.get()
    token = current_options.set(said.over(outer) if outer else said)
    try:
        yield
    finally:
        current_options.reset(token)


class Exchange:
    """One request and what became of it. ``status``, ``seconds`` and ``usage`` may still change while its body is under way.

    ``host``, ``endpoint``, ``model`` and ``namespace``: where it is counted; empty if not known. ``usage``: the provider's own count of
    the tokens, None if it is not known. ``saved``: the seconds that upstream had taken for the entry that was reused, else None.
    """

    __slots__ = ("_discard", "code", "endpoint", "host", "method", "model", "namespace", "saved", "seconds", "status", "url", "usage")

    def __init__(
        self, method: str, url: str, code: int, status: CacheStatus, discard: Callable[[str], None], labels: Labels = NO_LABELS
    ) -> None:
        self.method = method
        self.url = url
        self.code = code  # the HTTP status
        self.status = status
        self.seconds: float | None = None  # from the request to the end of the body; None while that is under way
        self.host, self.endpoint, self.model, self.namespace = labels
        self.usage: Usage | None = None
        self.saved: float | None = None
        self._discard = discard

    def __repr__(self) -> str:
        return f"<Exchange {self.method} {self.url} {self.code} {self.status.header(self.code)}>"

    def discard(self) -> None:
        """The answer was useless: drop it from the store, so that a retry goes upstream."""
        if self.status.key is not None:
            self._discard(self.status.key)


@contextmanager
def capture() -> Iterator[list[Exchange]]:
    """The exchanges of this block, in this thread or in the tasks it starts, as a list that grows."""
    exchanges: list[Exchange] = []
    token = _captures.set((*_captures.get(), exchanges))
    try:
        yield exchanges
    finally:
        _captures.reset(token)


def captured() -> tuple[list[Exchange], ...]:
    """The lists that the exchange going on belongs to."""
    return _captures.get()
