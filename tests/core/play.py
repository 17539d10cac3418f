"""Play a flow by hand: make its messages, answer its effects one by one, look at its outcome. No mocks, no clock."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hypothesis import settings

from wirecache._core.flows.effects import Claim, Effect, Flow, Follow, Lookup, Outcome, Turn
from wirecache._core.messages import Entry, Head, Request, RequestSummary, Usage
from wirecache._core.unset import UNSET

CHAT = "https://api.openai.com/v1/chat/completions"
KEY = "ab" * 32
JSON = {"content-type": "application/json"}
ANSWER = {"choices": [{"finish_reason": "stop", "message": {"content": "hi"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}
WHOLE = json.dumps(ANSWER).encode()

# The same examples in every run: a suite that a stranger runs fails only where something was changed. EXAMPLES=1000 make test tries more.
quick = settings(max_examples=int(os.environ.get("EXAMPLES", "40")), deadline=None, database=None, derandomize=True)

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def pairs_of(headers: Headers) -> list[tuple[bytes, bytes]]:
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(name.encode(), value.encode()) for name, value in items]


def fields_of(headers: Headers) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in pairs_of(headers):
        fields[name.lower()] = fields[name.lower()] + b", " + value if name.lower() in fields else value
    return fields


def ask(url: str = CHAT, method: str = "POST", headers: Headers = ()) -> Request:
    """A request as the bridge makes one."""
    at = urlsplit(url)
    return Request(
        method=method,
        scheme=at.scheme,
        host=at.hostname or "",
        port=at.port,
        path=at.path.encode(),
        query=at.query.encode(),
        fields=fields_of(headers),
    )


def head(status: int = 200, headers: Headers = JSON) -> Head:
    """The head of an answer."""
    return Head(status, fields_of(headers), tuple(pairs_of(headers)))


def entry(**changes: Any) -> Entry:
    """An entry of one chat answer, stored at second 1000."""
    made = Entry(
        key=KEY,
        status=200,
        headers=((b"content-type", b"application/json"),),
        body=WHOLE,
        stored_at=1000.0,
        seconds=0.5,
        http_version=b"HTTP/1.1",
        usage=Usage(5, 7),
        ttl=UNSET,
        summary=RequestSummary("POST", CHAT, "chat", "m", {}).to_bytes(),
        request_body=b"{}",
    )
    return made._replace(**changes)


class Played(NamedTuple):
    effects: list[Effect]
    outcome: Outcome


def play(flow: Flow, *answers: Any, shared: Entry | None = None) -> Played:
    """Give the flow these answers, in order; it must end with the last of them.

    Claims are answered and not listed: the call leads, or follows one that stored ``shared``.
    """
    effects: list[Effect] = []
    try:
        effect = _claimed(flow, next(flow), shared)
        for answer in answers:
            effects.append(effect)
            effect = _claimed(flow, flow.send(answer), shared)
    except StopIteration as stop:
        assert len(effects) == len(answers), f"it ended early, after {effects}"
        outcome: Outcome = stop.value
        return Played(effects, outcome)
    raise AssertionError(f"it did not end, but yields {effect}")


def _claimed(flow: Flow, effect: Effect, shared: Entry | None) -> Effect:
    if isinstance(effect, Claim):
        effect = flow.send(Turn.LEAD if shared is None else Turn.FOLLOW)
        if shared is not None:
            assert isinstance(effect, Follow)
            assert isinstance(flow.send(True), Lookup)
            effect = flow.send(shared)
    return effect
