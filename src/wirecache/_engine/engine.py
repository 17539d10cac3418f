"""The engine behind both caches and cassettes: it plans a call, runs its flow against a source, and notifies the observers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from wirecache._core.flows.admission import CUT_SHORT
from wirecache._core.flows.effects import Effect, Flow, Outcome, Refuse, Relay, Reuse, Turn
from wirecache._core.flows.exchange import Exchange
from wirecache._core.flows.inference import config_error_flow
from wirecache._core.flows.invalidation import invalidate_changed, may_change
from wirecache._core.flows.labels import labels_of
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.flows.refusal import Refusal, explain_end, refusal
from wirecache._core.keys.canonical import EMPTY, Body
from wirecache._core.messages import Head, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.plan import CallOptions, Plan, cassette_in_force, for_call
from wirecache._core.status import CacheStatus
from wirecache._engine.item_claims import ItemClaims
from wirecache._engine.nearest import nearest_in
from wirecache._engine.observers import Observer
from wirecache._engine.routing import BLOCKS, SAFE_METHODS, flow_for, sampled_flow
from wirecache._engine.source import Source
from wirecache._engine.spending import Spending
from wirecache._runtime.warn_once import WarnOnce
from wirecache._storage.single_flight import InFlight, Leader
from wirecache.errors import NotRecorded

if TYPE_CHECKING:
    from wirecache._core.compare.nearest import Nearest
    from wirecache._storage.ledger import Ledger

__all__ = ["CacheLike", "Call", "Engine"]

logger = logging.getLogger("wirecache")


S = TypeVar("S", bound=Source)


class Engine(Generic[S]):
    """Runs the exchanges of one cache or cassette.

    ``on_stored``: called with the exchange when its answer has been written. ``search_seconds``: how long a miss may search for the nearest
    stored request.
    """

    def __init__(
        self,
        plan: Plan,
        source: S,
        observers: Sequence[Observer],
        *,
        on_stored: Callable[[Exchange], object],
        search_seconds: float,
    ) -> None:
        self.plan = plan
        self.source = source
        self.on_stored = on_stored
        self.search_seconds = search_seconds
        self.not_recorded: Callable[[str], NotRecorded] = NotRecorded  # what ``miss="raise"`` raises
        self.on_head: tuple[Callable[[Exchange], None], ...] = ()
        self.on_end: tuple[Callable[[Exchange], None], ...] = ()
        self.ledger: Ledger | None = None  # of the budgets, if there are any
        self.serves_gets = False  # has there been a GET or HEAD?
        self._warn = WarnOnce()
        for observer in observers:
            self.observe(observer)

    def observe(self, observer: Observer) -> None:
        """Add an observer, to be notified from now on."""
        kind = type(observer)
        self.on_head += (observer.on_head,) if kind.on_head is not Observer.on_head else ()
        self.on_end += (observer.on_end,) if kind.on_end is not Observer.on_end else ()

    def use_ledger(self, ledger: Ledger | None) -> None:
        """Enforce these budgets from now on."""
        self.ledger, self.plan = ledger, replace(self.plan, is_budgeted=ledger is not None)

    def visible_request(self, request: Request, body: Body = EMPTY) -> tuple[Request, Body]:
        """Return the request as it may be shown: unchanged, or on a cassette with its secrets redacted."""
        if self.plan.cassette is None:
            return request, body
        from wirecache._core.keys.redacted_request import redacted_request

        redactor = self.plan.cassette.redactor.copy()  # a copy, since looking at a request must not teach the redactor new secrets
        return redacted_request(request, body, redactor, self.plan.key.headers)

    def url_of(self, request: Request) -> str:
        """Return the URL of a request without its credentials."""
        return redacted_url(self.visible_request(request)[0])

    def nearest(self, request: Request, body: Body, plan: Plan) -> Nearest | None:
        """Return the stored request that is most like this one, or the best that is found within ``search_seconds``."""
        return nearest_in(self.source, self.search_seconds, *self.visible_request(request, body), plan, self._warn)


class CacheLike(Protocol):
    """Anything that has an engine: a ``Cache`` or a ``Cassette``."""

    @property
    def engine(self) -> Engine[Any]:
        """The engine that runs its exchanges."""
        ...


class Call:
    """One request on its way through the engine. Its exchange ends exactly once, whatever happens.

    ``options``: those of the enclosing ``options()`` block. ``extension``: the request's ``extensions["wirecache"]``.
    """

    __slots__ = (
        "_config_error", "_is_over", "engine", "exchange", "in_flight", "leader", "plan", "request", "spending", "started", "stored_before",
    )  # fmt: skip

    def __init__(self, engine: Engine[Any], request: Request, options: CallOptions | None, extension: Any) -> None:
        self._is_over = False
        self.leader: Leader | ItemClaims | None = None
        self.spending: Spending | None = None  # what it has reserved in the budgets
        self._config_error: str | None = None
        self.in_flight: InFlight | None = None
        self.engine = engine
        self.request = request
        self.started = time.perf_counter()
        self.exchange = Exchange(request, time.time(), engine.url_of, engine.source.reject)
        flights = engine.source.single_flight
        self.stored_before = flights.stored if flights is not None else 0
        try:
            self.plan = for_call(engine.plan, request, options, extension)
        except ValueError as error:
            self.plan, self._config_error = engine.plan, str(error)

    def flow(self) -> Flow:
        """Return the flow of this request."""
        if self._config_error is not None:
            return config_error_flow(self._config_error)
        if self.request.method in SAFE_METHODS:
            self.engine.serves_gets = True
        return (sampled_flow if BLOCKS else flow_for(self.request, self.plan))(self.request, self.plan, self.exchange.started_at)

    def aftermath(self, outcome: Outcome, head: Head) -> Generator[Effect, Any, None] | None:
        """Return the effects to run once the head of upstream's answer is known (invalidation), or None."""
        if type(outcome) is not Relay or self.plan.cassette is not None or not may_change(self.request, self.plan):
            return None
        if not self.engine.serves_gets and find_endpoint(self.request.path):
            return None  # a program that only calls models need not look up what a GET may have stored
        return invalidate_changed(self.request, self.plan, head)

    # -- concurrent equal calls ---------------------------------------------------------------------------------------

    def claim(self, key: str, *, is_sync: bool) -> Turn:
        """Claim the right to forward this key within the process. ``is_sync``: a follower would block its thread."""
        flights = self.engine.source.single_flight
        if flights is None:
            return Turn.ALONE
        joined = flights.join(key)
        if isinstance(joined, InFlight):
            self.in_flight = joined
            return Turn.ALONE if joined.waits_for_this_caller(is_sync=is_sync) else Turn.FOLLOW
        self.leader = joined
        return Turn.LEAD if flights.stored == self.stored_before else Turn.LOOK_AGAIN

    def on_settled(self, action: Callable[[bool], object]) -> None:
        """Register an action to call when this call settles, with whether its answer is stored."""
        if self.leader is not None:
            self.leader.on_settled = action

    def _settle(self, stored: bool) -> None:
        """Tell the followers whether the answer is stored."""
        leader, self.leader = self.leader, None
        if leader is not None:
            leader.settle(stored)

    # -- the head of the answer ---------------------------------------------------------------------------------------

    def _head(self, outcome: Outcome, code: int) -> None:
        exchange = self.exchange
        exchange.status, exchange.code = outcome.status, code
        exchange.labels = labels_of(self.request, self.plan.namespace, outcome)
        if isinstance(outcome, Reuse):
            exchange.entry = outcome.entry
        for on_head in self.engine.on_head:
            on_head(exchange)

    def reuse(self, outcome: Reuse) -> None:
        """Record that the caller gets the entry."""
        self._head(outcome, outcome.entry.status)
        self.exchange.item_keys = outcome.keys
        if self.leader is not None:
            self._settle(outcome.status.collapsed)
        if not outcome.entry.ended_by_reader:
            self.end(outcome.status)

    def end_part(self, outcome: Reuse, wants_more: bool) -> None:
        """End the replay of a recording that its reader cut short. Raises ``NotRecorded`` if more is wanted than was recorded."""
        if wants_more:
            request, file = self.engine.visible_request(self.request)[0], self.engine.source.label(outcome.entry)
            self.exchange.message = explain_end(request, outcome.entry, file, cassette_in_force(self.plan))
        self.end(outcome.status)
        if wants_more:
            raise self.engine.not_recorded(self.exchange.message or "")

    def relay(self, outcome: Relay, code: int) -> None:
        """Record that the caller gets upstream's answer. Without a recorder this ends the exchange; otherwise ``keep`` does."""
        self._head(outcome, code)
        if outcome.recorder is None:
            self.exchange.recorded_usage, self.exchange.item_keys = outcome.usage, outcome.keys
            if self.spending is not None and outcome.usage is not None:
                self.spending.is_whole, self.spending.code = True, 200  # part of it was billed, whatever the last answer was
            self._settle(False)
            if outcome.meter is None:
                self.end(outcome.status)
        elif outcome.status.fwd == "miss" and logger.isEnabledFor(logging.DEBUG):
            found = self.engine.nearest(self.request, outcome.recorder.recording.request_body, self.plan)
            self.exchange.differences = tuple(map(str, found.differences)) if found else ()

    def explained(self, outcome: Refuse) -> Refuse:
        """Return the refusal with the nearest stored request and how it differs. This may take ``search_seconds``."""
        if outcome.body is None or (found := self.engine.nearest(self.request, outcome.body, self.plan)) is None:
            return outcome
        from wirecache._core.compare.nearest import with_nearest

        self.exchange.differences = tuple(map(str, found.differences))
        return outcome._replace(message=with_nearest(outcome.message, found, self.engine.source.label(found.entry), self.plan))

    def refuse(self, outcome: Refuse) -> Refusal:
        """Return the answer that says that nothing was sent. Raises ``NotRecorded`` with ``miss="raise"``."""
        exchange, message = self.exchange, outcome.message
        exchange.message = message
        answer = refusal(message, outcome.status)
        self._head(outcome, answer.code)
        self._settle(False)
        self.end(outcome.status)
        if self.plan.miss == "raise" and exchange.is_missing and self.request.method not in SAFE_METHODS:
            raise self.engine.not_recorded(message)
        return answer

    # -- the end ------------------------------------------------------------------------------------------------------

    def keep(self, recorder: Recorder, decode: Decode, *, can_wait: bool) -> CacheStatus:
        """Store the answer, whose body is over, if it is complete and good; return the status. ``can_wait``: the caller is synchronous."""
        exchange, source = self.exchange, self.engine.source
        seconds = time.perf_counter() - self.started
        try:
            reason = source.keep(recorder, decode, time.time(), seconds, partial(self.engine.on_stored, exchange))
        except BaseException as error:
            self.fail(error)
            raise
        self._settle(reason is None)
        self._note_usage(recorder, reason)
        if reason is None and can_wait:
            source.flush_if_cheap(seconds)
        status = exchange.status.settled(reason)
        self.end(status, seconds)
        return status

    def measure(self, meter: Recorder, decode: Decode) -> None:
        """Record the usage that the body of an unrecorded answer reports, and end the exchange."""
        self._note_usage(meter, meter.refusal_reason(decode))
        self.end(self.exchange.status)

    def _note_usage(self, recorder: Recorder, reason: str | None) -> None:
        """Record the usage that an answer reported. ``reason``: why it is not stored."""
        self.exchange.recorded_usage = recorder.usage
        if self.spending is not None:
            self.spending.is_whole = reason not in CUT_SHORT

    def fail(self, error: BaseException) -> None:
        """End the exchange without an answer. The caller gets the exception."""
        if self._is_over:
            return
        self._settle(False)
        self._head(Relay(CacheStatus(fwd="miss", detail=type(error).__name__)), 0)
        self.end(self.exchange.status)

    def end(self, status: CacheStatus, seconds: float | None = None) -> None:
        """End the exchange and notify the observers. Later calls do nothing. ``seconds``: since the request; until now if left out."""
        if self._is_over:
            return
        self._is_over = True
        exchange = self.exchange
        exchange.status = status
        exchange.seconds = time.perf_counter() - self.started if seconds is None else seconds
        if self.spending is not None:
            self.spending.settle(exchange)
        for on_end in self.engine.on_end:
            on_end(exchange)

    def abandon(self) -> None:
        """End the exchange of a response that was dropped unread."""
        self._settle(False)
        self.end(self.exchange.status.settled("abandoned"))
