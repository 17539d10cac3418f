"""A coding agent runs again in another directory: over the proxy as in the process, the answer names that one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.provider import CHAT, Answer, Provider
from tests.provider_events import SSE
from tests.proxy.serving import serving
from wirecache import Cache, Cassette, KeyOptions, cached_client

OPTIONS = KeyOptions(normalize="coding-agent")
PATH = "/v1/chat/completions"
FIRST, SECOND = "/tmp/agent-one", "/tmp/agent-number-2"


def request(place: str, stream: bool) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": f"cwd: {place}"}], **({"stream": True} if stream else {})}


def answer(sent: Any) -> Answer:
    if not sent.json.get("stream"):
        message = {"role": "assistant", "content": f"I work in {FIRST}."}
        return Answer.of({**CHAT, "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})
    pieces: list[dict[str, Any]] = [{"index": 0, "delta": {"content": text}} for text in ("I work in /tmp/", "agent-on", "e.")]
    pieces.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: %b\n\n" % json.dumps({"id": "c", "choices": [piece]}).encode() for piece in pieces]
    return Answer(200, {"content-type": SSE}, [*events, b"data: [DONE]\n\n"])


def text_in(body: bytes) -> str:
    if not body.startswith(b"data:"):
        text: str = json.loads(body)["choices"][0]["message"]["content"]
        return text
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
    return "".join(event["choices"][0]["delta"].get("content", "") for event in events)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "make", [lambda folder, _: Cache(folder, streams="record", key=OPTIONS), lambda folder, mode: Cassette(folder, mode, match=OPTIONS)]
)
def test_the_directory_of_this_run(make: Callable[[Path, str], Any], stream: bool, provider: Provider, tmp_path: Path) -> None:
    provider.script = answer
    with make(tmp_path / "kept", "once") as cache, cached_client(cache) as client:
        assert text_in(client.post(provider.url + PATH, json=request(FIRST, stream)).content) == f"I work in {FIRST}."
    with make(tmp_path / "kept", "none") as cache, serving(cache, provider) as proxy:
        response = proxy.post("/openai" + PATH, json=request(SECOND, stream))
        assert text_in(response.content) == f"I work in {SECOND}."
        assert response.headers.get("content-length") in (None, str(len(response.content)))
        assert "detail=rebound" in response.headers["cache-status"]
        unchanged = proxy.post("/openai" + PATH, json=request(FIRST, stream))
        assert unchanged.content == b"".join(answer(provider.requests[0]).chunks)
    assert provider.calls == 1
