"""The record of one exchange, a request and its outcome. Statistics, logs and callbacks are all made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wirecache._core.flows.labels import NO_LABELS
from wirecache._core.flows.spending import EXCEEDED, UNPRICED, UNREADABLE
from wirecache._core.messages import Entry, Request, Usage
from wirecache._core.status import UNKNOWN, CacheStatus

__all__ = ["BUDGET_DETAILS", "Cost", "Exchange"]

BUDGET_DETAILS = (EXCEEDED, UNPRICED, UNREADABLE)
NOT_INFERENCE = frozenset({"", "http"})  # endpoints whose answers cost no tokens
DAY = 86_400  # seconds


class Cost(NamedTuple):
    """What an exchange cost and what it saved.

    ``spent_seconds``: how long upstream took, None if nothing was sent. ``saved_seconds``: how long it had taken for the reused entry,
    else None. ``billed`` and ``saved``: the provider's own count of the tokens, or None. ``is_uncounted``: tokens were billed, but the
    provider's count is not known (a stream that was bypassed).
    """

    spent_seconds: float | None = None
    saved_seconds: float | None = None
    billed: Usage | None = None
    saved: Usage | None = None
    is_uncounted: bool = False


class Exchange:
    """One request and its outcome. ``status``, ``seconds`` and ``usage`` may still change while the body is being read.

    ``code``: the HTTP status, 0 if there was no answer. ``seconds``: from the request to the end of the body, None until then.
    ``host``, ``endpoint``, ``model`` and ``namespace``: the labels it is counted under; empty if not known. ``usage``: the provider's own
    count of the tokens, None if it is not known. ``started_at``: in seconds since the epoch. ``message``: what the caller of a refused
    request gets. ``differences``: how the nearest stored request differs from one that missed, as text, if it was searched for.
    """

    __slots__ = (
        "_discard", "_request", "_url", "_url_of", "code", "day", "differences", "entry", "is_forwarded", "item_keys", "labels", "message",
        "recorded_usage", "seconds", "started_at", "status",
    )  # fmt: skip

    def __init__(self, request: Request, started_at: float, url_of: Callable[[Request], str], discard: Callable[[str], None]) -> None:
        self._request = request
        self._url: str | None = None
        self._url_of = url_of
        self._discard = discard
        self.started_at = started_at
        self.day = int(started_at) // DAY  # the day it is counted on: days since 1970-01-01, UTC
        self.status: CacheStatus = UNKNOWN
        self.labels = NO_LABELS
        self.code = 0
        self.seconds: float | None = None
        self.entry: Entry | None = None  # the reused one
        self.is_forwarded = False
        self.item_keys: tuple[str, ...] = ()  # keys of the entries that the answer was composed of
        self.recorded_usage: Usage | None = None
        self.message: str | None = None
        self.differences: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Exchange {self.method} {self.url} {self.code} {self.status.header(self.code)}>"

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._request.method

    @property
    def url(self) -> str:
        """The URL of the request, without its credentials."""
        if self._url is None:
            self._url = self._url_of(self._request)
        return self._url

    @property
    def host(self) -> str:
        """The host, with its port if that is not the default one."""
        return self.labels.host

    @property
    def endpoint(self) -> str:
        """The kind of inference ("chat", "embeddings"), ``http`` for a GET; empty if not known."""
        return self.labels.endpoint

    @property
    def model(self) -> str:
        """The model that was requested; empty if not known."""
        return self.labels.model

    @property
    def namespace(self) -> str:
        """The namespace of the key."""
        return self.labels.namespace

    @property
    def usage(self) -> Usage | None:
        """The provider's own count of the tokens, of the reused answer for a hit; None if it is not known."""
        return self.entry.usage if self.entry is not None else self.recorded_usage

    @property
    def saved(self) -> float | None:
        """The seconds that upstream had taken for the entry that was reused, else None."""
        return self.entry.seconds if self.entry is not None else None

    @property
    def cost(self) -> Cost:
        """What it cost and saved. An exchange that is not inference, was reused, or failed without a count cost no tokens."""
        spent = self.seconds if self.is_forwarded else None
        if self.entry is not None:
            return Cost(spent, self.entry.seconds, None, self.entry.usage)
        if not self.is_forwarded or self.labels.endpoint in NOT_INFERENCE:
            return Cost(spent)
        billed = self.recorded_usage
        return Cost(spent, None, billed, None, is_uncounted=billed is None and 200 <= self.code < 300)

    @property
    def refusal_reason(self) -> str | None:
        """The reason why upstream's answer was not stored; None if it was stored or was not meant to be."""
        status = self.status
        if not self.is_forwarded or self.entry is not None or not self.code or status.fwd == "bypass" or status.stored:
            return None
        return status.detail or ""

    @property
    def is_missing(self) -> bool:
        """Whether it was refused because nothing is stored for it (not for a wrong option or a budget, nor as an MCP server may refuse)."""
        return self.message is not None and self.status.detail not in ("config-error", "listening", "session-end", *BUDGET_DETAILS)

    @property
    def is_over_budget(self) -> bool:
        """Whether it was refused because of a budget."""
        return self.message is not None and self.status.detail in BUDGET_DETAILS

    def discard(self) -> None:
        """Delete the answer from the store because it was useless, so that a retry goes upstream."""
        for key in self.item_keys or (self.status.key,):
            if key is not None:
                self._discard(key)
