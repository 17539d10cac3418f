"""What a real model server sent, replayed through the real SDKs without a network: the same values, the same events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.cassette.make_fixtures import ANTHROPIC, CAPTURES, LLAMA_SERVER, ORIGIN, headers_of, make
from tests.sdk.wire import no_sockets
from wirecache import Cassette, KeyOptions, cached_async_client, cached_client
from wirecache._core.event_stream import EVENT_STREAM, events_in

PATHS = sorted(CAPTURES.glob("*.json"))


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text("utf-8"))


def body(name: str) -> dict[str, Any]:
    """Return the captured request, as arguments of an SDK's method."""
    return dict(capture(name)["request"]["body"])


def message(name: str) -> dict[str, Any]:
    """Return the captured request for Anthropic's ``messages.create``, which takes no temperature."""
    options = body(name)
    temperature = options.pop("temperature")
    return {**options, "extra_body": {"temperature": temperature}}


def raw(name: str) -> bytes:
    return "".join(chunk["text"] for chunk in capture(name)["response"]["chunks"]).encode()


def answer_in(name: str) -> Any:
    return json.loads(raw(name))


def events(name: str) -> list[Any]:
    """The events that were sent, read without an SDK."""
    return [json.loads(event.data) for event in events_in(EVENT_STREAM, raw(name)) if event.data != b"[DONE]"]


@pytest.fixture
def tape() -> Iterator[Cassette]:
    """The cassette of the repository. Nothing may be sent, and nothing may be missing."""
    with no_sockets() as opened, Cassette(LLAMA_SERVER) as cassette:
        yield cassette
        report = cassette.report()
        assert (report.missing, report.live, report.recorded) == ((), 0, 0)
        assert report.replayed > 0
    assert opened == []


@pytest.fixture
def client(tape: Cassette) -> Iterator[openai.OpenAI]:
    with cached_client(tape, library="httpx2") as http:
        yield openai.OpenAI(api_key="none", base_url=f"{ORIGIN}/v1", http_client=http, max_retries=0)


@pytest.fixture
def claude(tape: Cassette) -> Iterator[anthropic.Anthropic]:
    with cached_client(tape, library="httpx2") as http:
        yield anthropic.Anthropic(api_key="none", base_url=ORIGIN, http_client=http, max_retries=0, default_headers=ANTHROPIC)


def holds(model: Any, expected: Any) -> bool:
    """Is all of what was sent in what the SDK made of it?"""
    if isinstance(expected, dict):
        return all(holds(model[name] if isinstance(model, dict) else getattr(model, name), value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(model) == len(expected) and all(map(holds, model, expected))
    return bool(model == expected)


def test_openai_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**body("openai-chat"))
    expected = answer_in("openai-chat")
    assert answer.choices[0].message.content == expected["choices"][0]["message"]["content"]
    assert answer.choices[0].finish_reason == expected["choices"][0]["finish_reason"] == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == expected["usage"]["completion_tokens"] == 24


def test_openai_chat_with_a_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**body("openai-chat-json-schema"))
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_openai_chat_stream(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(**body("openai-chat-stream")))
    assert all(map(holds, chunks, events("openai-chat-stream")))
    assert len(chunks) == len(events("openai-chat-stream"))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"


def test_openai_chat_stream_under_async(tape: Cassette) -> None:
    async def main() -> list[Any]:
        async with cached_async_client(tape, library="httpx2") as http:
            client = openai.AsyncOpenAI(api_key="none", base_url=f"{ORIGIN}/v1", http_client=http, max_retries=0)
            return [chunk async for chunk in await client.chat.completions.create(**body("openai-chat-stream"))]

    assert all(map(holds, asyncio.run(main()), events("openai-chat-stream")))


def test_openai_responses(client: openai.OpenAI) -> None:
    answer = client.responses.create(**body("openai-responses"))
    expected = answer_in("openai-responses")
    assert answer.output_text == expected["output"][0]["content"][0]["text"]
    assert answer.status == expected["status"]
    assert answer.usage is not None
    assert answer.usage.output_tokens == expected["usage"]["output_tokens"]


def test_openai_responses_stream(client: openai.OpenAI) -> None:
    received = list(client.responses.create(**body("openai-responses-stream")))
    expected = events("openai-responses-stream")
    assert [event.type for event in received] == [event["type"] for event in expected]
    deltas = [event.delta for event in received if event.type == "response.output_text.delta"]
    assert deltas == [event["delta"] for event in expected if event["type"] == "response.output_text.delta"]
    assert received[-1].type == "response.completed"
    assert received[-1].response.output_text == "".join(deltas)


def test_openai_embeddings() -> None:
    """The SDK asks for base64 unless it is given another format; the capture has none."""
    with no_sockets(), cached_client(Cassette(LLAMA_SERVER, match=KeyOptions(ignore_body=("/encoding_format",))), library="httpx2") as http:
        client = openai.OpenAI(api_key="none", base_url=f"{ORIGIN}/v1", http_client=http, max_retries=0)
        answer = client.embeddings.create(**body("openai-embeddings"), encoding_format="float")
    assert answer.data[0].embedding == answer_in("openai-embeddings")["data"][0]["embedding"]


def test_openai_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(**body("openai-completions"))
    assert holds(answer, {"choices": [{"text": answer_in("openai-completions")["choices"][0]["text"]}]})


def test_openai_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [model["id"] for model in answer_in("openai-models")["data"]]


def test_openai_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**body("openai-chat-bad-request"))
    assert answer_in("openai-chat-bad-request")["error"]["message"] in str(raised.value)


def test_anthropic_messages(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(**message("anthropic-messages"))
    expected = answer_in("anthropic-messages")
    assert answer.content[0].text == expected["content"][0]["text"]  # type: ignore[union-attr]
    assert answer.stop_reason == expected["stop_reason"]
    assert holds(answer.usage, expected["usage"])


def test_anthropic_messages_stream(claude: anthropic.Anthropic) -> None:
    received = list(claude.messages.create(**message("anthropic-messages-stream")))
    expected = events("anthropic-messages-stream")
    assert [event.type for event in received] == [event["type"] for event in expected]
    assert received[-1].type == "message_stop"
    deltas = [event.delta.text for event in received if event.type == "content_block_delta"]
    assert deltas == [event["delta"]["text"] for event in expected if event["type"] == "content_block_delta"]


def test_anthropic_count_tokens(claude: anthropic.Anthropic) -> None:
    expected = answer_in("anthropic-count-tokens")
    assert claude.messages.count_tokens(**body("anthropic-count-tokens")).input_tokens == expected["input_tokens"]


# -- as bytes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_the_bytes_are_those_that_came(tape: Cassette, path: Path, library: str) -> None:
    request, response = capture(path.stem)["request"], capture(path.stem)["response"]
    with cached_client(tape, library=library) as http:  # type: ignore[call-overload]
        reply = http.request(request["method"], ORIGIN + request["path"], json=request["body"], headers=headers_of(path))
    assert (reply.status_code, reply.content) == (response["status"], raw(path.stem))
    assert reply.headers["content-type"] == dict(response["headers"])["Content-Type"]


def test_the_fixtures_are_made_of_the_captures(tmp_path: Path) -> None:
    """All of them, and requests and responses are equal when they are made again; only times differ."""

    def values_in(folder: Path, of: Callable[[Any], Any]) -> Any:
        return {entry.key: of(entry) for entry in Cassette(folder).entries()}

    assert make(tmp_path) == len(PATHS) == len(list(Cassette(LLAMA_SERVER).entries()))
    for of in (lambda entry: entry.body, lambda entry: entry.headers, lambda entry: [chunk.size for chunk in entry.chunks]):
        assert values_in(tmp_path, of) == values_in(LLAMA_SERVER, of)


def test_the_times_are_those_of_the_capture() -> None:
    """As far as a machine under load keeps them."""
    streams = [path.stem for path in PATHS if "stream" in path.stem]
    for entry in Cassette(LLAMA_SERVER).entries():
        for name in streams:
            if entry.body == raw(name):
                captured = [chunk["seconds"] for chunk in capture(name)["response"]["chunks"]]
                assert entry.chunks[0].seconds == pytest.approx(captured[0], abs=0.05)
                assert entry.chunks[-1].seconds == pytest.approx(captured[-1], abs=0.05)
                streams.remove(name)
                break
    assert streams == []
