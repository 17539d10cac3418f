"""The conversation in an exchange: who wrote what, and which tools were called; of any provider, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.llm.blocks import Block, Kind, blocks_of, dicts
from wirecache._core.llm.reasoning import reasoning_of
from wirecache._core.messages import Entry

__all__ = [
    "Message",
    "ToolCall",
    "Turn",
    "answer_message",
    "answer_turn",
    "messages_in",
    "parameters_of",
    "prompt_messages",
    "prompt_of",
    "prompt_turns",
]

# The members with the texts of a request, in the order in which the model reads them.
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction", "preamble")
_MESSAGES = ("messages", "chat_history", "contents", "input", "inputs", "prompt", "message", "query", "texts", "content")
_ROLES = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}


class ToolCall(NamedTuple):
    """A tool call by the model. ``arguments``: as text, usually JSON."""

    name: str
    arguments: str


class Turn(NamedTuple):
    """One message of a conversation. ``role``: as the provider names it, in lower case."""

    role: str
    text: str
    calls: tuple[ToolCall, ...] = ()


class Message(NamedTuple):
    """One message of a conversation, as blocks."""

    role: str
    blocks: tuple[Block, ...]

    @property
    def turn(self) -> Turn:
        """The message as text and tool calls."""
        text = "\n".join(block.plain for block in self.blocks if block.kind is not Kind.CALL)
        return Turn(self.role, text, tuple(ToolCall(block.name, block.text) for block in self.blocks if block.kind is Kind.CALL))


# -- the prompt -------------------------------------------------------------------------------------------------------


def prompt_messages(entry: Entry) -> list[Message]:
    """Return the conversation in the request; the whole body as one message if its form is unknown."""
    return messages_in(bytes(entry.request_body))


def messages_in(raw: bytes) -> list[Message]:
    """Return the conversation in the body of a request; the whole body as one message if its form is unknown."""
    messages = list(_messages(_members_of(raw)))
    text = raw.decode("utf-8", "replace")
    return messages or ([Message("request", (Block(Kind.TEXT, text),))] if text else [])


def prompt_turns(entry: Entry) -> list[Turn]:
    """Return the conversation in the request as texts and tool calls."""
    return [message.turn for message in prompt_messages(entry)]


def prompt_of(entry: Entry) -> str:
    """Return the text of the last message in the request that is not a system prompt; empty if there is none."""
    turns = prompt_turns(entry)
    return next((turn.text for turn in reversed(turns) if turn.text and turn.role != "system"), "")


def parameters_of(entry: Entry) -> dict[str, Any]:
    """Return the members of the request's body that are neither its conversation nor the model: ``temperature``, ``tools`` and so on."""
    shown_elsewhere = {"model", *_SYSTEM, *_MESSAGES}
    return {name: value for name, value in _members_of(bytes(entry.request_body)).items() if name not in shown_elsewhere}


def _members_of(raw: bytes) -> dict[str, Any]:
    """Return the members of a request body that is a JSON object; empty for any other body."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _messages(body: dict[str, Any]) -> Iterator[Message]:
    for name in _SYSTEM:
        if body.get(name):
            yield _message("system", body[name])
    for name in _MESSAGES:
        content = body.get(name)
        if isinstance(content, list) and any(isinstance(item, dict) for item in content):
            yield from (_message("user", item) for item in content)
        elif content is not None and content != "":
            yield _message("user", "\n".join(map(str, content)) if isinstance(content, list) else content)


def _message(role: str, item: Any) -> Message:
    if isinstance(item, dict):
        role = str(item.get("role") or _ROLES.get(str(item.get("type")), role)).lower()
    return Message(role, tuple(blocks_of(item)))


# -- the answer -------------------------------------------------------------------------------------------------------


def answer_turn(entry: Entry) -> Turn:
    """Return what the model wrote and the tools that it called."""
    values = json_values(entry)
    objects = dicts(values)
    calls = (ToolCall(block.name, block.text) for block in _calls_of(objects, list(_whole_blocks(objects))))
    return Turn("assistant", answer_text(entry, values), tuple(calls))


def answer_message(entry: Entry, values: list[Any] | None = None) -> Message:
    """Return what the model wrote, thought, called and drew. ``values``: the answer's ``json_values``, if the caller has them."""
    values = json_values(entry) if values is None else values
    objects = dicts(values)
    reasoning, text, whole = reasoning_of(objects), answer_text(entry, values), list(_whole_blocks(objects))
    blocks = [Block(Kind.REASONING, reasoning)] if reasoning else []
    blocks += [Block(Kind.TEXT, text)] if text else []
    media = (block for block in whole if block.kind is Kind.MEDIA)
    return Message("assistant", (*blocks, *media, *_calls_of(objects, whole)))


def _calls_of(values: list[dict[str, Any]], whole: list[Block]) -> Iterable[Block]:
    """Return the tool calls. ``whole``: the blocks of those values that are not events."""
    return _streamed_calls(values) if len(values) > 1 else (block for block in whole if block.kind is Kind.CALL)


def _whole_blocks(values: list[dict[str, Any]]) -> Iterator[Block]:
    """Yield the blocks of answers that are not events."""
    for value in values:
        for name in ("choices", "candidates"):
            for item in dicts(value.get(name)):
                yield from blocks_of(item.get("message") or item.get("content"))
        for name in ("output", "content", "message"):  # OpenAI Responses; Anthropic; Ollama, Cohere
            if isinstance(value.get(name), (dict, list)):
                yield from blocks_of(value[name])
        for image in dicts(value.get("data")):  # OpenAI's images
            if isinstance(data := image.get("b64_json"), str):
                yield Block(Kind.MEDIA, name="image", media_type=f"image/{value.get('output_format') or 'png'}", data=data)


def _streamed_calls(values: list[dict[str, Any]]) -> Iterator[Block]:
    """Yield the tool calls of a stream: most providers send the name first, then the arguments in deltas."""
    calls: dict[tuple[Any, ...], Block] = {}
    for value in values:
        whole = [value.get("item")] if value.get("type") == "response.output_item.done" else []
        whole += [candidate.get("content") for candidate in dicts(value.get("candidates"))]
        yield from (block for item in whole for block in blocks_of(item) if block.kind is Kind.CALL)
        for delta in _call_deltas(value):
            begun = calls.get(delta.position, Block(Kind.CALL))
            name, id = begun.name or delta.name, begun.id or delta.id
            calls[delta.position] = begun._replace(name=name, id=id, text=begun.text + delta.arguments)
    yield from calls.values()


class _CallDelta(NamedTuple):
    """The next part of a streamed call. ``position``: that of the call. ``name`` and ``id``: empty in all but the first part."""

    position: tuple[Any, ...]
    name: str
    arguments: str
    id: str = ""


def _call_deltas(value: dict[str, Any]) -> Iterator[_CallDelta]:
    for choice in dicts(value.get("choices")):
        delta = choice.get("delta")
        for call in dicts(delta.get("tool_calls")) if isinstance(delta, dict) else ():
            function = call.get("function") or {}
            position = (choice.get("index"), call.get("index"))
            arguments = str(function.get("arguments") or "")
            yield _CallDelta(position, str(function.get("name") or ""), arguments, str(call.get("id") or ""))
    block, delta = value.get("content_block"), value.get("delta")
    if isinstance(block, dict) and block.get("type") == "tool_use":
        yield _CallDelta((value.get("index"),), str(block.get("name")), "", str(block.get("id") or ""))
    elif isinstance(delta, dict) and delta.get("type") == "input_json_delta":
        yield _CallDelta((value.get("index"),), "", str(delta.get("partial_json", "")))
