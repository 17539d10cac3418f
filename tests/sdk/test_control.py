"""Options for one call through each SDK's own way of sending headers; and which calls share an answer, and which never may."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
from google.genai.types import GenerateContentConfig, HttpOptions
from pydantic import BaseModel, Field, ValidationError

from tests.provider import Provider
from tests.sdk.table import SDKS, Sdk
from wirecache import Cache, cached_client, make_key

HOUR = {"Wirecache-TTL": "1h"}
PROMPT: list[Any] = [{"role": "user", "content": "hi"}]
# How each SDK sends headers with one call.
WITH_HEADERS: dict[str, Callable[[Any], Any]] = {
    "openai": lambda client: client.chat.completions.create(model="m", messages=PROMPT, extra_headers=HOUR),
    "anthropic": lambda client: client.messages.create(model="m", max_tokens=9, messages=PROMPT, extra_headers=HOUR),
    "groq": lambda client: client.chat.completions.create(model="m", messages=PROMPT, extra_headers=HOUR),
    "mistral": lambda client: client.chat.complete(model="m", messages=PROMPT, http_headers=HOUR),
    "google-genai": lambda client: client.models.generate_content(
        model="m", contents="hi", config=GenerateContentConfig(http_options=HttpOptions(headers=HOUR))
    ),
}


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_a_ttl_for_one_call(sdk: Sdk, provider: Provider, tmp_path: Path) -> None:
    call = next(call for name, call in WITH_HEADERS.items() if sdk.name.startswith(name))
    with Cache(tmp_path / "s", ttl=0) as cache, sdk.client(cache, provider.url) as client:
        call(client)
        call(client)
        assert provider.calls == 1
        (entry,) = cache.entries()
        assert entry.ttl == 3600.0
        assert provider.requests[0].header("wirecache-ttl") is None


# -- pairs ------------------------------------------------------------------------------------------------------------


class Colour(BaseModel):
    name: str = Field(description="the name")


class Described(BaseModel):
    name: str = Field(description="the name of the colour")


Described.__name__ = "Colour"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
}
CALL: dict[str, Any] = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": "1"}'}}
TURN: list[Any] = [*PROMPT, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "call_1", "content": "1"}]
EXTRA: list[dict[str, Any]] = [{"top_k": 1}, {"top_k": 2}, {"top_k": "1"}, {"top_k": True}, {"top_k": None}, {"a": {"b": 1}}]
BASE: dict[str, Any] = {"model": "m", "messages": PROMPT}
# One call a row; no two may share an answer.
CALLS: list[dict[str, Any]] = [
    BASE,
    *({**BASE, "model": model} for model in ("m2", "M", "m ", "gpt-4o-2024-08-06", "gpt-4o")),
    *({**BASE, "messages": [{"role": "user", "content": text}]} for text in ("Hi", "hi ", "hi\n", "h\u00ec", "hi\u0300", "", "1", "true")),
    *({**BASE, "messages": [{"role": role, "content": "s"}, *PROMPT]} for role in ("system", "developer", "assistant")),
    {**BASE, "messages": [*PROMPT, *PROMPT]},
    {**BASE, "messages": [{"role": "user", "content": "hi", "name": "n"}]},
    {**BASE, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    *({**BASE, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]} for url in ("a", "b")),
    *({**BASE, "seed": seed} for seed in (0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, 2**63, 2**64, 2**64 + 1, 2**70, 2**70 + 1)),
    *({**BASE, "temperature": value} for value in (0, 0.1, 0.10000001, 1, 2)),
    *({**BASE, "top_p": value} for value in (0, 0.1, 1)),
    *({**BASE, "max_tokens": value} for value in (1, 10, 100)),
    *({**BASE, "max_completion_tokens": value} for value in (1, 10)),
    *({**BASE, "stop": value} for value in ("a", ["a"], ["a", "b"], ["b", "a"], ["ab"])),
    *({**BASE, "n": value} for value in (1, 2)),
    *({**BASE, "user": value} for value in ("a", "b")),
    *({**BASE, "logit_bias": value} for value in ({"1": 1}, {"1": 2}, {"2": 1})),
    *({**BASE, name: 0.5} for name in ("presence_penalty", "frequency_penalty")),
    *({**BASE, "logprobs": value} for value in (True, False)),
    {**BASE, "logprobs": True, "top_logprobs": 2},
    *({**BASE, "service_tier": value} for value in ("auto", "flex")),
    *({**BASE, "reasoning_effort": value} for value in ("low", "high")),
    *({**BASE, "response_format": {"type": kind}} for kind in ("text", "json_object")),
    *({**BASE, "metadata": value} for value in ({"a": "1"}, {"a": "2"}, {"b": "1"})),
    *({**BASE, "store": value} for value in (True, False)),
    {**BASE, "tools": [TOOL]},
    *({**BASE, "tools": [TOOL], "tool_choice": value} for value in ("auto", "none", "required")),
    {**BASE, "tools": [{**TOOL, "function": {**TOOL["function"], "description": "d"}}]},
    {**BASE, "tools": [{**TOOL, "function": {**TOOL["function"], "strict": True}}]},
    {**BASE, "tools": [{**TOOL, "function": {**TOOL["function"], "name": "g"}}]},
    {**BASE, "tools": [TOOL], "parallel_tool_calls": False},
    {**BASE, "messages": TURN},
    {**BASE, "messages": [*TURN[:-1], {**TURN[-1], "tool_call_id": "call_2"}]},
    {**BASE, "messages": [*TURN[:-1], {**TURN[-1], "content": "2"}]},
    {**BASE, "messages": [PROMPT[0], {"role": "assistant", "tool_calls": [{**CALL, "id": "call_2"}]}, TURN[2]]},
    *({**BASE, "extra_body": value} for value in EXTRA),
    *({**BASE, "extra_body": {"thinking": value}} for value in ({"type": "enabled", "budget_tokens": 1}, {"type": "disabled"})),
    *({**BASE, "extra_query": value} for value in ({"api-version": "1"}, {"api-version": "2"}, {"v": "1"})),
    *({**BASE, "extra_headers": {"OpenAI-Beta": value}} for value in ("assistants=v1", "assistants=v2")),
    *({**BASE, "extra_headers": {"anthropic-beta": value}} for value in ("a", "b", "a,b")),
    *({**BASE, "extra_headers": {"Accept": value}} for value in ("text/plain", "audio/mpeg")),
    *({**BASE, "extra_headers": {"Wirecache-Sample": value}} for value in ("1", "2")),
]  # fmt: skip


class Watched:
    """The OpenAI SDK, and the requests that it makes of calls."""

    def __init__(self, library: Any, base_url: str) -> None:
        self.seen: list[Any] = []

        def answer(request: Any) -> Any:
            self.seen.append(request)
            return library.Response(500, json={"error": {"message": "no"}})

        http = library.Client(transport=library.MockTransport(answer))
        self.client = openai.OpenAI(api_key="k", base_url=base_url, http_client=http, max_retries=0)

    def request(self, call: dict[str, Any]) -> Any:
        with pytest.raises(openai.APIStatusError):
            self.client.chat.completions.create(**call)
        return self.seen[-1]

    def key(self, call: dict[str, Any]) -> str:
        request = self.request(call)
        sample = int(request.headers.get("wirecache-sample", 0))
        return make_key(request.method, str(request.url), request.headers.multi_items(), request.content, sample=sample)


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched(httpx2, "https://api.openai.com/v1")
    with closing(made.client):
        yield made


def test_no_two_calls_that_differ_share_an_answer(watched: Watched) -> None:
    keys: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        key = watched.key(call)
        assert key not in keys, f"{call} and {keys[key]} share an answer"
        keys[key] = call
    assert len(list(itertools.combinations(keys, 2))) > 200


@pytest.mark.parametrize("call", CALLS[::3], ids=str)
def test_what_means_the_same_shares_one(watched: Watched, call: dict[str, Any]) -> None:
    """The other library, another key, agent and retry count; and the body written in every other way."""
    with closing((other := Watched(httpx, "https://api.openai.com:443/v1")).client):
        other.client.api_key = "another"
        assert other.key(dict(reversed(call.items()))) == watched.key(call)
    request = watched.request(call)
    headers = {**dict(request.headers), "authorization": "x", "x-stainless-retry-count": "2", "user-agent": "y", "traceparent": "z"}
    body = json.loads(request.content)
    backwards = dict(reversed(body.items()))
    for text in (
        json.dumps(body),
        json.dumps(backwards, indent=2),
        json.dumps(body, ensure_ascii=False),
        json.dumps(backwards, separators=(",", ":")),
    ):
        sample = int(request.headers.get("wirecache-sample", 0))
        assert make_key("POST", str(request.url), headers, text, sample=sample) == watched.key(call)


def test_a_changed_description_misses(provider: Provider, tmp_path: Path) -> None:
    with (
        Cache(tmp_path / "s") as cache,
        closing(openai.OpenAI(api_key="k", base_url=f"{provider.url}/v1", http_client=cached_client(cache))) as client,
    ):
        for model in (Colour, Described, Colour, Described):
            with pytest.raises(ValidationError):  # the provider's "hi" is no colour; the answer came all the same
                client.chat.completions.parse(model="m", messages=PROMPT, response_format=model)
    assert provider.calls == 2
