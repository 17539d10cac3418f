"""What one call costs in the budgets: reserved before the call is sent, settled when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirecache._core.flows.effects import Admit
from wirecache._core.flows.exchange import Exchange
from wirecache._core.flows.spending import Denial
from wirecache._core.messages import Request
from wirecache._core.rules.budget import is_local

if TYPE_CHECKING:
    from wirecache._storage.ledger import Admission, Ledger

__all__ = ["Spending", "reserve"]

# The exceptions that httpx and httpx2 raise before a request has left, by the class names that both have.
_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "LocalProtocolError", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})


class Spending:
    """What one call has reserved.

    ``code``: the status of upstream's answer, 0 if there is none. ``error``: what was raised instead. ``is_whole``: the known usage covers
    the whole answer.
    """

    __slots__ = ("_admission", "code", "error", "is_whole")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.code = 0
        self.error: BaseException | None = None
        self.is_whole = False

    def settle(self, exchange: Exchange) -> None:
        """Count what the call cost: nothing if upstream refused it. A call abandoned after it was sent may have been billed."""
        is_billed = 200 <= self.code < 300 or (not self.code and self.error is not None and _may_have_arrived(self.error))
        self._admission.settle(exchange.recorded_usage, is_billed=is_billed, is_whole=self.is_whole)


def reserve(ledger: Ledger, effect: Admit, request: Request, url: str, namespace: str) -> tuple[Spending | None, Denial | None]:
    """Reserve what a call may cost; return the reservation, or why the call is denied. ``url``: without credentials. This may block."""
    from wirecache._storage.ledger import Spender

    what = f"{request.method} {url}" + (f" of model {effect.model!r}" if effect.model else "")
    host = request.host if request.port is None else f"{request.host}:{request.port}"
    local = is_local(request.host, request.socket, effect.model)
    admitted = ledger.admit(Spender(host, effect.endpoint, effect.model, namespace, what, local))
    return (None, admitted) if isinstance(admitted, Denial) else (Spending(admitted), None)


def _may_have_arrived(error: BaseException) -> bool:
    return not any(kind.__name__ in _NOT_SENT for kind in type(error).__mro__)
