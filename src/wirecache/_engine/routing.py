"""Which flow does a request take: a cassette's, HTTP's own rules, or that of inference?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wirecache._core.flows.effects import READ_BODY, Flow, Outcome, Refuse, Relay
from wirecache._core.flows.inference import inference_flow, reuse_of, stale_reuse, target_bypass_reason, why_body_bypasses
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import key_of
from wirecache._core.messages import Request
from wirecache._core.rules.eligibility import too_large
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.plan import Embeddings, Plan
from wirecache._core.rules.rules import rules_for
from wirecache._engine.sampling import BLOCKS

__all__ = ["BLOCKS", "SAFE_METHODS", "flow_for", "sampled_flow"]

SAFE_METHODS = frozenset({"GET", "HEAD"})


def flow_for(request: Request, plan: Plan) -> Callable[[Request, Plan, float], Flow]:
    """Return the flow for this request. A GET or HEAD follows HTTP's own rules unless a user's rule matches it."""
    if plan.cassette is not None:
        from wirecache._core.flows.replay import replay_flow as flow  # imports all patterns of secrets, which only cassettes need
    elif request.method in SAFE_METHODS and not (plan.rules and rules_for(plan.rules, request)):
        from wirecache._engine.rfc9111 import http_flow

        return http_flow
    else:
        flow = inference_flow if plan.embeddings is Embeddings.REQUEST else _by_items_flow
    if plan.key.normalize == "coding-agent":
        from wirecache._core.flows.rebinding import rebinding_flow

        return partial(rebinding_flow, flow)
    return flow


def _by_items_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer a request for several embeddings item by item, and anything else as a whole."""
    from wirecache._core.flows.embeddings import embeddings_flow
    from wirecache._core.flows.items import Judge

    judge = Judge(target_bypass_reason, why_body_bypasses, reuse_of, stale_reuse)
    outcome = yield from embeddings_flow(request, plan, now, judge)
    return outcome if outcome is not None else (yield from inference_flow(request, plan, now))


def sampled_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Run the request's flow as the next sample, if it is an inference request that does not set ``sample`` itself.

    A request that fails gives its number back, so that a retry is the same sample.
    """
    flow, samples = flow_for(request, plan), next(iter(BLOCKS[-1:]), None)
    if samples is None or request.method != "POST" or plan.sample or too_large(request, plan.max_body) or not find_endpoint(request.path):
        return (yield from flow(request, plan, now))
    body = parse_body((yield READ_BODY), request.fields.get(b"content-type", b""))
    try:
        key = key_of(request, body, plan.key, plan.namespace)
    except Exception:  # the user's normalize raised, as the flow will report
        return (yield from flow(request, plan, now))
    sample = samples.take(key)
    try:
        outcome = yield from flow(request, replace(plan, sample=sample), now)
    except Exception:
        samples.give_back(key, sample)
        raise
    if _has_failed(outcome):
        samples.give_back(key, sample)
    return outcome


def _has_failed(outcome: Outcome) -> bool:
    """Return whether the caller gets an error, and so may retry."""
    return isinstance(outcome, Refuse) or (isinstance(outcome, Relay) and (outcome.status.fwd_status or 0) >= 400)
