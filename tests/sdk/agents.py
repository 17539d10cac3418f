"""Agents on the real SDKs of OpenAI and Anthropic, and a model on loopback that calls tools: for forks and their comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import anthropic
import openai

from tests.provider import CHAT, MESSAGE, Answer, Provider, ReceivedRequest
from tests.provider_events import SSE

MODEL = "gpt-4o-mini"
DESCRIBED = {"type": "object", "properties": {"query": {"type": "string"}}}


@dataclass
class Decision:
    """What the model does next: it calls tools, each by name and arguments, or it answers with the text."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()


Mind = Callable[[int], Decision]  # from the number of the turn, from 0


def looks_up(query: str = "rain", text: str = "It rains.") -> Mind:
    """A model that searches, reads what it found, and answers."""
    return lambda turn: (Decision(calls=(("search", {"query": query}),)), Decision(calls=(("read", {"query": "1"}),)), Decision(text))[turn]


@dataclass
class Model:
    """The model behind a provider: ``mind`` decides. Ids are new in each answer, as real ones are."""

    provider: Provider
    mind: Mind = field(default_factory=looks_up)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.provider.script = self.answer

    def answer(self, request: ReceivedRequest) -> Answer:
        body = request.json
        is_chat = request.path.endswith("/chat/completions")
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        decision, number = self.mind(turn), next(self._numbers)
        if body.get("stream"):
            events = _chat_events(decision, number) if is_chat else _message_events(decision, number)
            return Answer(200, {"content-type": SSE}, events)
        return Answer.of(_chat(decision, number) if is_chat else _message(decision, number))


def _usage(decision: Decision) -> tuple[int, int]:
    return 20, len(decision.text.split()) + 10 * len(decision.calls)


def _chat(decision: Decision, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": decision.text or None}
    if decision.calls:
        message["tool_calls"] = _chat_calls(decision, number)
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if decision.calls else "stop"}
    read, written = _usage(decision)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {**CHAT, "id": f"chatcmpl-{number}", "model": MODEL, "choices": [choice], "usage": usage}


def _chat_calls(decision: Decision, number: int) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{number}_{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(decision.calls)
    ]


def _chat_events(decision: Decision, number: int) -> list[bytes]:
    whole = _chat(decision, number)
    common = {**{name: whole[name] for name in ("id", "created", "model")}, "object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word + " "} for word in decision.text.split()]
    for at, call in enumerate(_chat_calls(decision, number)):
        head, arguments = {**call["function"], "arguments": ""}, call["function"]["arguments"]
        deltas.append({"tool_calls": [{**call, "index": at, "function": head}]})
        deltas += [{"tool_calls": [{"index": at, "function": {"arguments": piece}}]} for piece in (arguments[:4], arguments[4:])]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]})
    chunks = [{**common, "choices": [choice]} for choice in choices]
    chunks.append({**common, "choices": [], "usage": whole["usage"]})
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def _message(decision: Decision, number: int) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": decision.text}] if decision.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": name, "input": arguments}
        for at, (name, arguments) in enumerate(decision.calls)
    ]
    read, written = _usage(decision)
    return {
        **MESSAGE, "id": f"msg_{number}", "model": MODEL, "content": content, "stop_sequence": None,
        "stop_reason": "tool_use" if decision.calls else "end_turn", "usage": {"input_tokens": read, "output_tokens": written},
    }  # fmt: skip


def _message_events(decision: Decision, number: int) -> list[bytes]:
    whole = _message(decision, number)
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for at, block in enumerate(whole["content"]):
        is_text = block["type"] == "text"
        begun = {**block, "text": ""} if is_text else {**block, "input": {}}
        deltas = [{"type": "text_delta", "text": block["text"]}] if is_text else _input_deltas(json.dumps(block["input"]))
        events.append({"type": "content_block_start", "index": at, "content_block": begun})
        events += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": at})
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": end, "usage": whole["usage"]}, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _input_deltas(text: str) -> list[dict[str, Any]]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in (text[:4], text[4:])]


# -- the agents -------------------------------------------------------------------------------------------------------


@dataclass
class Agent:
    """A loop of a program: it asks the model and runs its tools until there is an answer. ``ran``: the tools that ran, for real."""

    sdk: str  # openai | anthropic
    streams: bool
    ran: list[tuple[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.sdk}{'-streams' if self.streams else ''}"

    def run(self, url: str, http_client: Any, question: str = "Does it rain?") -> str:
        """Return the answer to the question."""
        ask = _openai_turn(url, http_client, self.streams) if self.sdk == "openai" else _anthropic_turn(url, http_client, self.streams)
        messages: list[Any] = [{"role": "user", "content": question}]
        while True:
            text, calls, reply = ask(messages)
            if not calls:
                return text.strip()
            messages.append(reply)
            self._run_tools(messages, calls)

    def _run_tools(self, messages: list[Any], calls: list[tuple[str, str, Any]]) -> None:
        results = []
        for id, name, arguments in calls:
            self.ran.append((name, arguments))
            results.append((id, f"{name} found {arguments['query']}"))
        if self.sdk == "openai":
            messages += [{"role": "tool", "tool_call_id": id, "content": result} for id, result in results]
        else:
            content = [{"type": "tool_result", "tool_use_id": id, "content": result} for id, result in results]
            messages.append({"role": "user", "content": content})


Turn = Callable[[list[Any]], tuple[str, list[tuple[str, str, Any]], Any]]


def _openai_turn(url: str, http_client: Any, streams: bool) -> Turn:
    client = openai.OpenAI(api_key="k", base_url=f"{url}/v1", http_client=http_client, max_retries=0)
    tools: Any = [{"type": "function", "function": {"name": name, "parameters": DESCRIBED}} for name in ("search", "read")]

    def ask(messages: list[Any]) -> tuple[str, list[tuple[str, str, Any]], Any]:
        if streams:
            with client.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as stream:
                message: Any = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
        calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
        sent = [
            {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
            for call in message.tool_calls or ()
        ]
        return message.content or "", calls, {"role": "assistant", "content": message.content, "tool_calls": sent}

    return ask


def _anthropic_turn(url: str, http_client: Any, streams: bool) -> Turn:
    client = anthropic.Anthropic(api_key="k", base_url=url, http_client=http_client, max_retries=0)
    tools: Any = [{"name": name, "input_schema": DESCRIBED} for name in ("search", "read")]

    def ask(messages: list[Any]) -> tuple[str, list[tuple[str, str, Any]], Any]:
        common: Any = {"model": MODEL, "max_tokens": 99, "messages": messages, "tools": tools}
        if streams:
            with client.messages.stream(**common) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**common)
        text = "".join(block.text for block in message.content if block.type == "text")
        calls = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
        return text, calls, {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]}

    return ask


AGENTS = [(sdk, streams) for sdk in ("openai", "anthropic") for streams in (False, True)]
