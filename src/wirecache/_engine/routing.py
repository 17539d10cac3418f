"""Which flow does a request take: a cassette's, HTTP's own rules, or that of inference?"""

from __future__ import annotations

from collections.abc import Callable

from wirecache._core.flows.effects import Flow
from wirecache._core.flows.inference import inference_flow
from wirecache._core.messages import Request
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.rules import rules_for

__all__ = ["SAFE_METHODS", "flow_for"]

SAFE_METHODS = frozenset({"GET", "HEAD"})


def flow_for(request: Request, plan: Plan) -> Callable[[Request, Plan, float], Flow]:
    """Return the flow of this request. A GET or HEAD takes that of HTTP's own rules, unless a rule of the user names it."""
    if plan.cassette is not None:
        from wirecache._core.flows.replay import replay_flow  # and with it all patterns of secrets, which only a cassette needs

        return replay_flow
    if request.method in SAFE_METHODS and not (plan.rules and rules_for(plan.rules, request)):
        from wirecache._engine.rfc9111 import http_flow

        return http_flow
    return inference_flow
