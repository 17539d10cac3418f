"""Who wrote what in an exchange, and which tools were called? Of any provider, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.messages import Entry

__all__ = ["ToolCall", "Turn", "answer_turn", "prompt_of", "prompt_turns"]

# The members in which the providers expect the texts of a request, in the order in which the model reads them.
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction", "preamble")
_MESSAGES = ("messages", "chat_history", "contents", "input", "inputs", "prompt", "message", "query", "texts", "content")
_ROLES = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}


class ToolCall(NamedTuple):
    """A tool call that the model made; ``arguments`` as text, usually JSON."""

    name: str
    arguments: str


class Turn(NamedTuple):
    """One message of a conversation. ``role``: as the provider names it, in lower case."""

    role: str
    text: str
    calls: tuple[ToolCall, ...] = ()


# -- the prompt -------------------------------------------------------------------------------------------------------


def prompt_turns(entry: Entry) -> list[Turn]:
    """Return the conversation in the request; its whole body as one turn if it has none of a known form."""
    raw = bytes(entry.request_body)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    turns = list(_turns(body)) if isinstance(body, dict) else []
    text = raw.decode("utf-8", "replace")
    return turns or ([Turn("request", text)] if text else [])


def prompt_of(entry: Entry) -> str:
    """Return the text of the last message in the request that is not a system prompt; empty if there is none."""
    turns = prompt_turns(entry)
    return next((turn.text for turn in reversed(turns) if turn.text and turn.role != "system"), "")


def _turns(body: dict[str, Any]) -> Iterator[Turn]:
    for name in _SYSTEM:
        if body.get(name):
            yield _turn("system", body[name])
    for name in _MESSAGES:
        content = body.get(name)
        if isinstance(content, list) and any(isinstance(item, dict) for item in content):
            yield from (_turn("user", item) for item in content)
        elif content is not None and content != "":
            yield _turn("user", "\n".join(map(str, content)) if isinstance(content, list) else content)


def _turn(role: str, item: Any) -> Turn:
    if isinstance(item, dict):
        role = str(item.get("role") or _ROLES.get(str(item.get("type")), role)).lower()
    return Turn(role, "\n".join(_texts(item)), tuple(_calls(item)))


def _texts(item: Any) -> Iterator[str]:
    """Yield the texts of a message or a part of one; images, audio and files are named in brackets."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, list):
        for part in item:
            yield from _texts(part)
    elif isinstance(item, dict):
        for name in ("text", "content", "parts", "output", "thinking", "refusal", "response", "functionResponse"):
            if item.get(name):
                yield from _texts(item[name]) if name not in ("response", "functionResponse") else (_as_text(item[name]),)
        kind = str(item.get("type") or next((name for name in ("inlineData", "fileData", "inline_data") if name in item), ""))
        if any(name in kind.lower() for name in ("image", "audio", "file", "document", "data")):
            yield f"[{kind}]"


def _calls(item: Any) -> Iterator[ToolCall]:
    """Yield the tool calls in a message, or in a part of one."""
    if isinstance(item, list):
        for part in item:
            yield from _calls(part)
    elif isinstance(item, dict):
        if (call := _call(item)) is not None:
            yield call
        for name in ("tool_calls", "content", "parts"):
            if isinstance(item.get(name), list):
                yield from _calls(item[name])


def _call(item: dict[str, Any]) -> ToolCall | None:
    """Return the tool call that this part is, in any provider's form, or None."""
    function, google = item.get("function"), item.get("functionCall") or item.get("function_call")
    if isinstance(function, dict) and "name" in function:  # OpenAI chat, Mistral, Ollama, Cohere
        return ToolCall(str(function["name"]), _as_text(function.get("arguments", "")))
    if isinstance(google, dict) and "name" in google:
        return ToolCall(str(google["name"]), _as_text(google.get("args", google.get("arguments", {}))))
    if item.get("type") in ("tool_use", "server_tool_use"):  # Anthropic
        return ToolCall(str(item.get("name")), _as_text(item.get("input", {})))
    if item.get("type") in ("function_call", "custom_tool_call"):  # OpenAI Responses
        return ToolCall(str(item.get("name")), _as_text(item.get("arguments", item.get("input", ""))))
    return None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- the answer -------------------------------------------------------------------------------------------------------


def answer_turn(entry: Entry) -> Turn:
    """Return what the model wrote, and the tools that it called."""
    values = [value for value in json_values(entry) if isinstance(value, dict)]
    return Turn("assistant", answer_text(entry), tuple(_streamed_calls(values) if len(values) > 1 else _whole_calls(values)))


def _whole_calls(values: list[dict[str, Any]]) -> Iterator[ToolCall]:
    for value in values:
        for name in ("choices", "candidates"):
            for item in value[name] if isinstance(value.get(name), list) else ():
                if isinstance(item, dict):
                    yield from _calls(item.get("message") or item.get("content"))
        yield from _calls(value.get("output"))  # OpenAI Responses
        yield from _calls(value.get("content"))  # Anthropic
        yield from _calls(value.get("message"))  # Ollama, Cohere


def _streamed_calls(values: list[dict[str, Any]]) -> Iterator[ToolCall]:
    """Yield the calls of a stream: most providers send the name first, then the arguments in deltas."""
    calls: dict[tuple[Any, ...], ToolCall] = {}
    for value in values:
        if value.get("type") == "response.output_item.done":
            yield from _calls(value.get("item"))
        for candidate in _dicts(value.get("candidates")):
            yield from _calls(candidate.get("content"))
        for delta in _call_deltas(value):
            begun = calls.get(delta.position, ToolCall("", ""))
            calls[delta.position] = ToolCall(begun.name or delta.name, begun.arguments + delta.arguments)
    yield from calls.values()


class _CallDelta(NamedTuple):
    """The next part of a streamed call. ``position``: where the call stands in the answer. ``name``: empty in all but its first part."""

    position: tuple[Any, ...]
    name: str
    arguments: str


def _call_deltas(value: dict[str, Any]) -> Iterator[_CallDelta]:
    for choice in _dicts(value.get("choices")):
        delta = choice.get("delta")
        for call in _dicts(delta.get("tool_calls")) if isinstance(delta, dict) else ():
            function = call.get("function") or {}
            position = (choice.get("index"), call.get("index"))
            yield _CallDelta(position, str(function.get("name") or ""), str(function.get("arguments") or ""))
    block, delta = value.get("content_block"), value.get("delta")
    if isinstance(block, dict) and block.get("type") == "tool_use":
        yield _CallDelta((value.get("index"),), str(block.get("name")), "")
    elif isinstance(delta, dict) and delta.get("type") == "input_json_delta":
        yield _CallDelta((value.get("index"),), "", str(delta.get("partial_json", "")))


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
