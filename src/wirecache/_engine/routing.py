"""Which flow does a request take: a cassette's, HTTP's own rules, or that of inference?"""

from __future__ import annotations

from collections.abc import Callable

from wirecache._core.flows.effects import Flow
from wirecache._core.flows.inference import inference_flow, reuse_of, stale_reuse, target_bypass_reason, why_body_bypasses
from wirecache._core.messages import Request
from wirecache._core.rules.plan import Embeddings, Plan
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
    return inference_flow if plan.embeddings is Embeddings.REQUEST else _by_items_flow


def _by_items_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer item by item what asks for several vectors, and all else as one request."""
    from wirecache._core.flows.embeddings import embeddings_flow
    from wirecache._core.flows.items import Judge

    judge = Judge(target_bypass_reason, why_body_bypasses, reuse_of, stale_reuse)
    outcome = yield from embeddings_flow(request, plan, now, judge)
    return outcome if outcome is not None else (yield from inference_flow(request, plan, now))
