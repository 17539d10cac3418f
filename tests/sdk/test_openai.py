"""What people do with the OpenAI SDK, on httpx2: every kind of body, threads, event loops, processes, agents."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import anthropic
import pytest
from google.genai.types import GenerateContentConfig
from pydantic import BaseModel, Field, create_model

from tests.programs import ran
from tests.provider import MESSAGE, RESPONSE, Answer, Provider, ReceivedRequest
from tests.sdk.table import ANTHROPIC, GENAI, GROQ, OPENAI, chat_arguments, messages_of
from tests.sdk.wire import chat, gemini, message
from wirecache import Cache, cached_async_client


def echo(request: ReceivedRequest) -> Answer:
    """The answer is the prompt, so that one that went to the wrong caller is seen."""
    return Answer.of(chat(request.json["messages"][-1]["content"]))


# -- the other endpoints --------------------------------------------------------------------------------------------


def test_responses_hit(provider: Provider, cache: Cache) -> None:
    with OPENAI.client(cache, provider.url) as client:
        live = client.responses.create(model="m", input="hello", store=False)
        assert client.responses.create(model="m", input="hello", store=False) == live
        assert live.output_text == "hi"
        assert provider.calls == 1
        client.responses.create(model="m", input="hello", store=True)
    assert provider.calls == 2


def test_a_background_response_is_live_each_time(provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({**RESPONSE, "status": "queued", "output": []})
    with OPENAI.client(cache, provider.url) as client:
        for _ in range(2):
            begun = client.responses.create(model="m", input="hello", background=True)
            client.responses.retrieve(begun.id)
    assert [request.method for request in provider.requests] == ["POST", "GET"] * 2
    assert cache.stats.bypassed == 2
    assert (cache.stats.hits, dict(cache.stats.reasons)["background"]) == (0, 2)


@pytest.mark.parametrize("status", ["queued", "in_progress", "failed", "cancelled"])
def test_an_unfinished_response_is_not_stored(status: str, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({**RESPONSE, "status": status, "output": []})
    with OPENAI.client(cache, provider.url) as client:
        for _ in range(2):
            assert client.responses.create(model="m", input="hello").status == status
    assert provider.calls == 2
    assert cache.stats.stored == 0


def test_a_transcription_hits_by_the_bytes_of_its_file(provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"text": f"words {provider.calls}"})
    with OPENAI.client(cache, provider.url) as client:

        def transcribe(file: Any, **more: Any) -> str:
            return str(client.audio.transcriptions.create(model="m", file=file, **more).text)

        assert transcribe(("a.wav", b"RIFF one")) == "words 1"
        assert transcribe(("a.wav", BytesIO(b"RIFF one"))) == "words 1"
        assert transcribe(("a.wav", b"RIFF two")) == "words 2"
        assert transcribe(("b.wav", b"RIFF one")) == "words 3"
        assert transcribe(("a.wav", b"RIFF one"), language="no") == "words 4"
        assert transcribe(("a.wav", b"RIFF two")) == "words 2"
    boundaries = {request.header("content-type") for request in provider.requests}
    assert len(boundaries) == provider.calls == 4


def test_a_transcription_hits_from_an_open_file_and_under_async(provider: Provider, cache: Cache, tmp_path: Path) -> None:
    recording = tmp_path / "a.wav"
    recording.write_bytes(b"RIFF" + bytes(range(256)) * 400 + b"\r\n--\r\n")

    async def by_async_client() -> str:
        async with OPENAI.async_client(cache, provider.url) as client:
            return str((await client.audio.transcriptions.create(model="m", file=recording)).text)

    with OPENAI.client(cache, provider.url) as client, recording.open("rb") as file:
        assert client.audio.transcriptions.create(model="m", file=file).text == "hi"
    assert asyncio.run(by_async_client()) == "hi"
    assert provider.calls == 1


def test_speech_is_the_same_bytes_and_its_format_counts(provider: Provider, cache: Cache, tmp_path: Path) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "audio/mpeg"}, [b"\xff\xfb", bytes(range(256)) * 99])
    with OPENAI.client(cache, provider.url) as client:

        def speak(**more: Any) -> bytes:
            return bytes(client.audio.speech.create(model="m", voice="v", input="hello", **more).read())

        assert speak() == speak() == b"\xff\xfb" + bytes(range(256)) * 99
        assert provider.calls == 1
        speak(response_format="wav")
        assert provider.calls == 2
        with client.audio.speech.with_streaming_response.create(model="m", voice="v", input="hello") as response:
            response.stream_to_file(tmp_path / "speech.mp3")
        assert (tmp_path / "speech.mp3").read_bytes() == speak()
    assert provider.calls == 2


def test_calls_with_effects_are_live_each_time(provider: Provider, cache: Cache) -> None:
    with OPENAI.client(cache, provider.url) as client:
        for _ in range(2):
            client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
            client.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h")
            client.batches.retrieve("b")
    assert provider.calls == 6
    assert cache.stats.stored == 0


# -- what counts in a body ------------------------------------------------------------------------------------------


def test_seeds_beyond_a_double_are_all_different(provider: Provider, cache: Cache) -> None:
    seeds = [2**53, 2**53 + 1, 2**64, 2**64 + 1, 2**70, 2**70 + 1]
    provider.script = lambda request: Answer.of(chat(str(request.json["seed"])))
    with OPENAI.client(cache, provider.url) as client:
        for _ in range(2):
            for seed in seeds:
                answer = client.chat.completions.create(**chat_arguments("hello"), seed=seed)
                assert answer.choices[0].message.content == str(seed)
    assert provider.calls == 6


def test_one_and_one_point_zero_are_the_same_temperature(provider: Provider, cache: Cache) -> None:
    with OPENAI.client(cache, provider.url) as client:
        for temperature in (1, 1.0):
            client.chat.completions.create(**chat_arguments("hello"), temperature=temperature)
        assert provider.calls == 1
        for other in (0.1 + 0.2, 0.3, 0):
            client.chat.completions.create(**chat_arguments("hello"), temperature=other)
    assert provider.calls == 4


def test_a_body_with_a_large_image_hits(provider: Provider, cache: Cache) -> None:
    pixels = base64.b64encode(bytes(range(256)) * 15_000).decode()
    assert len(pixels) > 5_000_000

    def look(client: Any, image: str) -> str:
        shown = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}]
        return str(client.chat.completions.create(model="m", messages=[{"role": "user", "content": shown}]).choices[0].message.content)

    async def by_async_client() -> None:
        async with OPENAI.async_client(cache, provider.url) as client:
            assert (await client.chat.completions.create(**with_image)).choices[0].message.content == "answer 1"

    shown = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixels}"}}]
    with_image = {"model": "m", "messages": [{"role": "user", "content": shown}]}
    provider.script = lambda _: Answer.of(chat(f"answer {provider.calls}"))
    with OPENAI.client(cache, provider.url) as client:
        assert [look(client, pixels), look(client, pixels)] == ["answer 1", "answer 1"]
        assert look(client, pixels[:-4] + "AAAA") == "answer 2"
    asyncio.run(by_async_client())
    assert provider.calls == 2


def test_a_large_answer_hits(provider: Provider, cache: Cache) -> None:
    text = "0123456789" * 500_000
    provider.script = lambda _: Answer.of(chat(text))
    with OPENAI.client(cache, provider.url) as client:
        for _ in range(2):
            assert OPENAI.text(OPENAI.ask(client, "hello")) == text
    assert provider.calls == 1


# -- threads, loops, processes --------------------------------------------------------------------------------------


def test_threads_share_one_client(provider: Provider, cache: Cache) -> None:
    provider.script = echo
    provider.delay = 0.005
    prompts = [f"prompt {number}" for number in range(10)]
    begin = threading.Barrier(8)

    def work(worker: int) -> None:
        begin.wait()
        for prompt in [*prompts, f"only of {worker}"]:
            assert OPENAI.text(OPENAI.ask(client, prompt)) == prompt

    with OPENAI.client(cache, provider.url) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
        cold = provider.calls
        assert len(prompts) + 8 <= cold <= 8 * (len(prompts) + 1)
        list(pool.map(work, range(8)))
        assert provider.calls == cold
    stats = cache.stats
    assert stats.hits + stats.misses + stats.collapsed == 2 * 8 * (len(prompts) + 1)
    assert stats.store_errors == 0
    assert len(list(cache.entries())) == len(prompts) + 8


def test_tasks_share_one_client(provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        async with OPENAI.async_client(cache, provider.url) as client:
            for _ in range(2):
                answers = await asyncio.gather(*(OPENAI.ask_async(client, f"prompt {number}") for number in range(20)))
                assert [OPENAI.text(answer) for answer in answers] == [f"prompt {number}" for number in range(20)]

    provider.script = echo
    asyncio.run(main())
    assert provider.calls == 20


@pytest.mark.usefixtures("only_new_garbage")
def test_one_async_client_serves_several_event_loops(provider: Provider, cache: Cache) -> None:
    async def ask(client: Any, *prompts: str) -> None:
        for prompt in prompts:
            assert OPENAI.text(await OPENAI.ask_async(client, prompt)) == prompt

    provider.script = echo
    http = cached_async_client(cache)
    client = OPENAI.make_async(None, http, provider.url)
    for loop in range(4):
        asyncio.run(ask(client, f"loop {loop}", "hello", f"loop {loop}", f"another of {loop}"))
    asyncio.run(http.aclose())
    assert provider.calls == 9
    assert cache.stats.hits == 7
    del client, http
    gc.collect()  # a connection that was left open would warn here, and fail the test


PROGRAM = textwrap.dedent(
    """
    import sys
    from openai import OpenAI
    from wirecache import Cache, cached_client

    url, store = sys.argv[1:]
    client = OpenAI(api_key="another", base_url=url + "/v1", http_client=cached_client(Cache(store)), max_retries=0)
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    print(answer.choices[0].message.content)
    """
)


def run_program(url: str, store: Path) -> str:
    done = ran("-c", PROGRAM, url, store)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_second_process_hits_what_the_first_stored(provider: Provider, store: Path) -> None:
    provider.script = lambda _: Answer.of(chat(f"answer {provider.calls}"))
    with Cache(store) as cache, OPENAI.client(cache, provider.url) as client:
        assert OPENAI.text(OPENAI.ask(client, "hello")) == "answer 1"
    provider.close()
    assert run_program(provider.url, store) == "answer 1"
    assert provider.calls == 1


def test_what_a_short_program_asked_last_is_stored_when_it_ends(provider: Provider, store: Path) -> None:
    provider.script = lambda _: Answer.of(chat(f"answer {provider.calls}"))
    assert run_program(provider.url, store) == "answer 1"
    provider.close()
    assert run_program(provider.url, store) == "answer 1"
    with Cache(store) as cache, OPENAI.client(cache, provider.url) as client:
        assert OPENAI.text(OPENAI.ask(client, "hello")) == "answer 1"
    assert provider.calls == 1


# -- agents and structured output -----------------------------------------------------------------------------------


TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}


def chat_agent(client: Any) -> str:
    """Two turns: the model asks for a tool, and answers with what it said. OpenAI's and Groq's way."""
    messages: list[Any] = messages_of("how warm is it in Oslo?")
    tools = [{"type": "function", "function": {"name": "degrees", "parameters": TOOL}}]
    while True:
        message = client.chat.completions.create(model="m", messages=messages, tools=tools).choices[0].message
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "20"} for call in message.tool_calls]


def chat_with_tool(request: ReceivedRequest) -> Answer:
    last = request.json["messages"][-1]
    if last["role"] == "tool":
        return Answer.of(chat(f"{last['content']} degrees"))
    call = {"id": "call_1", "type": "function", "function": {"name": "degrees", "arguments": '{"city": "Oslo"}'}}
    return Answer.of(chat(None, "tool_calls", tool_calls=[call]))


def message_agent(client: anthropic.Anthropic) -> str:
    """Two turns in Anthropic's way."""
    messages: list[Any] = messages_of("how warm is it in Oslo?")
    tools: list[Any] = [{"name": "degrees", "input_schema": TOOL}]
    while True:
        message = client.messages.create(model="m", max_tokens=9, messages=messages, tools=tools)
        uses = [block for block in message.content if block.type == "tool_use"]
        if not uses:
            return "".join(block.text for block in message.content if block.type == "text")
        messages.append({"role": "assistant", "content": message.content})
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "20"} for use in uses]})


def message_with_tool(request: ReceivedRequest) -> Answer:
    last = request.json["messages"][-1]["content"]
    if isinstance(last, list):
        return Answer.of(message(f"{last[0]['content']} degrees"))
    use = {"type": "tool_use", "id": "toolu_1", "name": "degrees", "input": {"city": "Oslo"}}
    return Answer.of({**MESSAGE, "content": [use], "stop_reason": "tool_use"})


def degrees(city: str) -> str:
    """How warm is it in a city?"""
    return {"Oslo": "20"}[city]


def gemini_agent(client: Any) -> str:
    """Two turns in Gemini's way, where the SDK itself makes the second turn."""
    answer = client.models.generate_content(
        model="m", contents="how warm is it in Oslo?", config=GenerateContentConfig(tools=[degrees], temperature=0)
    )
    return str(answer.text)


def gemini_with_tool(request: ReceivedRequest) -> Answer:
    part = request.json["contents"][-1]["parts"][0]
    if "functionResponse" in part:
        return Answer.of(gemini(f"{part['functionResponse']['response']['result']} degrees"))
    call = gemini("")
    call["candidates"][0]["content"]["parts"] = [{"functionCall": {"name": "degrees", "args": {"city": "Oslo"}}}]
    return Answer.of(call)


@pytest.mark.parametrize(
    ("sdk", "agent", "script"),
    [
        (OPENAI, chat_agent, chat_with_tool),
        (GROQ, chat_agent, chat_with_tool),
        (ANTHROPIC, message_agent, message_with_tool),
        (GENAI, gemini_agent, gemini_with_tool),
    ],
    ids=["openai", "groq", "anthropic", "google-genai"],
)
def test_an_agent_with_a_tool_is_answered_turn_by_turn(sdk: Any, agent: Any, script: Any, provider: Provider, cache: Cache) -> None:
    provider.script = script
    for _ in range(2):
        with sdk.client(cache, provider.url) as client:
            assert agent(client) == "20 degrees"
    assert provider.calls == 2
    assert (cache.stats.misses, cache.stats.hits) == (2, 2)


def city_model(description: str) -> type[BaseModel]:
    return create_model("City", name=(str, Field(description=description)))


def test_structured_output_hits_and_a_changed_description_misses(provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(chat(json.dumps({"name": f"city {provider.calls}"})))
    with OPENAI.client(cache, provider.url) as client:

        def parse(model: type[BaseModel]) -> Any:
            parsed = client.chat.completions.parse(**chat_arguments("the capital?"), response_format=model).choices[0].message.parsed
            assert isinstance(parsed, model)
            return parsed.model_dump()

        assert parse(city_model("its name")) == {"name": "city 1"}
        assert parse(city_model("its name")) == {"name": "city 1"}
        assert parse(city_model("its name in English")) == {"name": "city 2"}
    assert provider.calls == 2


def test_structured_output_of_responses_hits(provider: Provider, cache: Cache) -> None:
    message_item = {**RESPONSE["output"][0], "content": [{"type": "output_text", "text": '{"name": "Oslo"}', "annotations": []}]}
    provider.script = lambda _: Answer.of({**RESPONSE, "output": [message_item]})
    with OPENAI.client(cache, provider.url) as client:
        for description, calls in (("its name", 1), ("its name", 1), ("its name in English", 2)):
            answer = client.responses.parse(model="m", input="the capital?", text_format=city_model(description))
            assert answer.output_parsed.model_dump() == {"name": "Oslo"}
            assert provider.calls == calls
