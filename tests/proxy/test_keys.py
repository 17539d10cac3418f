"""One key, store and cassette in the process and over the proxy: each provider, streams too, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.provider import CHAT, GEMINI, MESSAGE, Answer, Provider
from tests.provider_events import STREAMS, Streamed
from tests.proxy.serving import serving
from wirecache import Cache, Cassette, cached_client, make_key
from wirecache._engine.engine import CacheLike
from wirecache.serve import PROVIDERS

PROMPT = [{"role": "user", "content": "hi"}]
BODY = {"model": "m", "messages": PROMPT, "temperature": 0.5}
COHERE = {"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}}
OLLAMA = {"model": "m", "message": {"role": "assistant", "content": "hi"}, "done": True, "done_reason": "stop"}


class Call(NamedTuple):
    """A call of one provider: its path, and what answers it, once whole and once as a stream."""

    path: str
    answer: Any
    stream: Streamed
    headers: dict[str, str]
    body: dict[str, Any] = BODY
    stream_path: str = ""


BEARER = {"authorization": "Bearer sk-secret"}
OPENAI = Call("/v1/chat/completions", CHAT, STREAMS["openai-chat"], BEARER)
GOOGLE = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CALLS = {
    **dict.fromkeys(PROVIDERS, OPENAI),
    "anthropic": Call("/v1/messages", MESSAGE, STREAMS["anthropic"], {"x-api-key": "sk", "anthropic-version": "2023-06-01"}),
    "gemini": Call(
        "/v1beta/models/m:generateContent", GEMINI, STREAMS["gemini"], {"x-goog-api-key": "k"}, GOOGLE, STREAMS["gemini"].path + "&key=k"
    ),
    "vertex": Call(
        "/v1/projects/p/locations/global/publishers/google/models/m:generateContent", GEMINI, STREAMS["gemini"], BEARER, GOOGLE,
        "/v1/projects/p/locations/global/publishers/google/models/m:streamGenerateContent?alt=sse",
    ),
    "groq": OPENAI._replace(path="/openai/v1/chat/completions", stream=STREAMS["groq"]),
    "mistral": OPENAI._replace(stream=STREAMS["mistral"]),
    "together": OPENAI._replace(stream=STREAMS["together"]),
    "cerebras": OPENAI._replace(stream=STREAMS["cerebras"]),
    "cohere": OPENAI._replace(path="/v2/chat", answer=COHERE, stream=STREAMS["cohere"]),
    "ollama": OPENAI._replace(path="/api/chat", answer=OLLAMA, stream=STREAMS["ollama"], body={**BODY, "stream": False}),
    "openrouter": OPENAI._replace(path="/api/v1/chat/completions"),
    "fireworks": OPENAI._replace(path="/inference/v1/chat/completions"),
    "zai": OPENAI._replace(path="/api/paas/v4/chat/completions"),
    "perplexity": OPENAI._replace(path="/chat/completions"),
}  # fmt: skip
Open = Callable[[Path, bool], CacheLike]


def a_store(folder: Path, first: bool) -> CacheLike:
    """Return a cache on the disk store of the folder."""
    return Cache(folder, streams="record")


def a_cassette(folder: Path, first: bool) -> CacheLike:
    """Return the cassette of the folder, first recorded, then replayed."""
    return Cassette(folder, "once" if first else "none")


def script(provider: Provider, call: Call) -> None:
    """Let the provider answer the call, whole or as a stream."""

    def answer(request: Any) -> Answer:
        streams = request.json.get("stream") or "alt=sse" in request.path
        return Answer(200, {"content-type": call.stream.kind}, call.stream.events) if streams else Answer.of(call.answer)

    provider.script = answer


def request_of(call: Call, stream: bool) -> tuple[str, dict[str, Any]]:
    """Return the path and the options of the request."""
    body = {**call.body, "stream": True} if stream and not call.stream_path else call.body
    path = call.stream_path if stream and call.stream_path else call.path
    return path, {"headers": {**call.headers, "content-type": "application/json"}, "content": json.dumps(body)}


@contextmanager
def way(name: str, provider: Provider, cache: Any, upstream: str) -> Iterator[Callable[..., Any]]:
    """Yield what sends a request in that way: in this process, or through a proxy."""
    with cache:
        if name == "process":
            with cached_client(cache) as client:
                yield lambda path, **options: client.post(provider.url + path, **options)
        else:
            with serving(cache, provider) as proxy:
                yield lambda path, **options: proxy.post(f"/{upstream}{path}", **options)


WAYS = [("process", "proxy"), ("proxy", "process")]


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="stream")])
@pytest.mark.parametrize(
    ("upstream", "open_cache", "ways"),
    [pytest.param(name, a_store, WAYS[index % 2], id=f"{name}, store") for index, name in enumerate(PROVIDERS)]
    # What differs between providers is their paths and their shapes: each shape is tried with all that can be combined with it.
    + [
        pytest.param(name, a_cassette, ways, id=f"{name}, cassette, {' then '.join(ways)}")
        for name in ("openai", "anthropic", "gemini", "ollama")
        for ways in WAYS
    ],
)
def test_what_one_way_stored_answers_the_other(
    upstream: str, open_cache: Open, ways: tuple[str, str], stream: bool, provider: Provider, tmp_path: Path
) -> None:
    call = CALLS[upstream]
    script(provider, call)
    path, options = request_of(call, stream)
    bodies, statuses = [], []
    for index, name in enumerate(ways):
        with way(name, provider, open_cache(tmp_path / "kept", index == 0), upstream) as send:
            response = send(path, **options)
            bodies.append(response.content)
            statuses.append(response.headers["cache-status"])
            assert response.headers["content-type"] == (call.stream.kind if stream else "application/json")
    assert provider.calls == 1
    assert bodies[0] == bodies[1] == (b"".join(call.stream.events) if stream else json.dumps(call.answer).encode())
    assert "fwd=miss" in statuses[0]
    assert "; hit;" in statuses[1]
    assert statuses[0].partition("key=")[2][:66] == statuses[1].partition("key=")[2][:66]


@pytest.mark.parametrize("upstream", [name for name in PROVIDERS if name != "ollama"])
def test_the_key_is_that_of_the_providers_own_address(upstream: str, tmp_path: Path) -> None:
    call = CALLS[upstream]
    path, options = request_of(call, False)
    with Cache(tmp_path, mode="offline") as cache, serving(cache) as proxy:
        response = proxy.post(f"/{upstream}{path}", **options)
    assert response.status_code == 424
    assert (
        f'key="{make_key("POST", PROVIDERS[upstream] + path, options["headers"], options["content"])}"' in response.headers["cache-status"]
    )


def test_a_key_of_the_proxy_itself_counts_for_nothing(provider: Provider, tmp_path: Path) -> None:
    path, options = request_of(OPENAI, False)
    keys = set()
    with Cache(tmp_path) as cache, serving(cache, provider, token="t0ken") as proxy:
        for prefix, headers in (("/token/t0ken", {}), ("", {"x-wirecache-token": "t0ken"}), ("", {"proxy-authorization": "Bearer t0ken"})):
            response = proxy.post(f"{prefix}/openai{path}", content=options["content"], headers={**options["headers"], **headers})
            keys.add(response.headers["cache-status"].partition("key=")[2])
    assert len(keys) == 1
    assert provider.calls == 1
    sent = provider.requests[0]
    assert "t0ken" not in repr(sent)
    assert sent.path == path
