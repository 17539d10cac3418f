"""What an exchange is counted by: host, endpoint, model and namespace."""

from __future__ import annotations

import pytest

from tests.core.play import CHAT, ask, entry, head
from wirecache._core.flows.effects import Outcome, Refuse, Relay, Reuse
from wirecache._core.flows.labels import Labels, labels_of
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.keys.canonical import parse_body
from wirecache._core.messages import Request
from wirecache._core.status import CacheStatus

BODY = parse_body(b'{"model": "m2"}')
STATUS = CacheStatus(fwd="miss")
RECORDER = Recorder(Recording("k", head(), ask(), "chat", "m3", BODY, 100))


@pytest.mark.parametrize(
    ("request_", "outcome", "labels"),
    [
        pytest.param(ask(), Reuse(entry(), STATUS, 0.0), Labels("api.openai.com", "chat", "m", "ns"), id="reuse: the entry's"),
        pytest.param(ask(), Reuse(entry(summary=b"damaged"), STATUS, 0.0), Labels("api.openai.com", "", "", "ns"), id="a damaged summary"),
        pytest.param(ask(), Relay(STATUS, RECORDER), Labels("api.openai.com", "chat", "m3", "ns"), id="relay: the recorder's"),
        pytest.param(ask(), Relay(STATUS, None, "m4"), Labels("api.openai.com", "chat", "m4", "ns"), id="relay without one"),
        pytest.param(ask(), Refuse(STATUS, "no", BODY), Labels("api.openai.com", "chat", "m2", "ns"), id="refuse: the request's"),
        pytest.param(ask("http://h:8000/v1/files"), Relay(STATUS), Labels("h:8000", "", "", "ns"), id="no inference"),
        pytest.param(ask(CHAT, "GET"), Relay(STATUS), Labels("api.openai.com", "http", "", "ns"), id="a GET"),
    ],
)
def test_labels(request_: Request, outcome: Outcome, labels: Labels) -> None:
    assert labels_of(request_, "ns", outcome) == labels
