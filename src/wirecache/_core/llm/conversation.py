"""What was said in an exchange: who said what, and which tools were called? Of whatever provider, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.messages import Entry

__all__ = ["ToolCall", "Turn", "answer_turn", "asked_turns", "prompt_of"]

# Where the providers put the words of a request, in the order in which the model reads them.
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction", "preamble")
_SAID = ("messages", "chat_history", "contents", "input", "inputs", "prompt", "message", "query", "texts", "content")
_ROLES = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}


class ToolCall(NamedTuple):
    """A call that the model made; ``arguments`` as text."""

    name: str
    arguments: str


class Turn(NamedTuple):
    """What one side said."""

    role: str
    text: str
    calls: tuple[ToolCall, ...] = ()


# -- the prompt -------------------------------------------------------------------------------------------------------


def asked_turns(entry: Entry) -> list[Turn]:
    """The conversation that was sent; the body as it is where no conversation is known in it."""
    raw = bytes(entry.request_body)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    turns = list(_turns(body)) if isinstance(body, dict) else []
    text = raw.decode("utf-8", "replace")
    return turns or ([Turn("request", text)] if text else [])


def prompt_of(entry: Entry) -> str:
    """The last thing that was said to the model."""
    turns = asked_turns(entry)
    return next((turn.text for turn in reversed(turns) if turn.text and turn.role != "system"), "")


def _turns(body: dict[str, Any]) -> Iterator[Turn]:
    for name in _SYSTEM:
        if body.get(name):
            yield _turn("system", body[name])
    for name in _SAID:
        said = body.get(name)
        if isinstance(said, list) and any(isinstance(item, dict) for item in said):
            yield from (_turn("user", item) for item in said)
        elif said is not None and said != "":
            yield _turn("user", "\n".join(map(str, said)) if isinstance(said, list) else said)


def _turn(role: str, item: Any) -> Turn:
    if isinstance(item, dict):
        role = str(item.get("role") or _ROLES.get(str(item.get("type")), role)).lower()
    return Turn(role, "\n".join(_words(item)), tuple(_calls(item)))


def _words(item: Any) -> Iterator[str]:
    """The texts of a message or a part of one; what is no text is named in brackets."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, list):
        for part in item:
            yield from _words(part)
    elif isinstance(item, dict):
        for name in ("text", "content", "parts", "output", "thinking", "refusal", "response", "functionResponse"):
            if item.get(name):
                yield from _words(item[name]) if name not in ("response", "functionResponse") else (_compact(item[name]),)
        kind = str(item.get("type") or next((name for name in ("inlineData", "fileData", "inline_data") if name in item), ""))
        if any(name in kind.lower() for name in ("image", "audio", "file", "document", "data")):
            yield f"[{kind}]"


def _calls(item: Any) -> Iterator[ToolCall]:
    """The tool calls in a message, or in a part of one."""
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
    """The call that this part is, by each provider's form."""
    function, google = item.get("function"), item.get("functionCall") or item.get("function_call")
    if isinstance(function, dict) and "name" in function:  # OpenAI chat, Mistral, Ollama, Cohere
        return ToolCall(str(function["name"]), _compact(function.get("arguments", "")))
    if isinstance(google, dict) and "name" in google:
        return ToolCall(str(google["name"]), _compact(google.get("args", google.get("arguments", {}))))
    if item.get("type") in ("tool_use", "server_tool_use"):  # Anthropic
        return ToolCall(str(item.get("name")), _compact(item.get("input", {})))
    if item.get("type") in ("function_call", "custom_tool_call"):  # OpenAI Responses
        return ToolCall(str(item.get("name")), _compact(item.get("arguments", item.get("input", ""))))
    return None


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- the answer -------------------------------------------------------------------------------------------------------


def answer_turn(entry: Entry) -> Turn:
    """What the model said, and the tools that it called."""
    values = [value for value in json_values(entry) if isinstance(value, dict)]
    return Turn("assistant", answer_text(entry), tuple(_streamed_calls(values) if len(values) > 1 else _answered_calls(values)))


def _answered_calls(values: list[dict[str, Any]]) -> Iterator[ToolCall]:
    for value in values:
        for name in ("choices", "candidates"):
            for item in value[name] if isinstance(value.get(name), list) else ():
                if isinstance(item, dict):
                    yield from _calls(item.get("message") or item.get("content"))
        yield from _calls(value.get("output"))  # OpenAI Responses
        yield from _calls(value.get("content"))  # Anthropic
        yield from _calls(value.get("message"))  # Ollama, Cohere


def _streamed_calls(values: list[dict[str, Any]]) -> Iterator[ToolCall]:
    """A stream tells a call in pieces: its name first, then its arguments bit by bit."""
    pieces: dict[tuple[Any, ...], list[str]] = {}
    for value in values:
        if value.get("type") == "response.output_item.done":
            yield from _calls(value.get("item"))
        for candidate in _dicts(value.get("candidates")):
            yield from _calls(candidate.get("content"))
        for place, name, part in _pieces(value):
            known = pieces.setdefault(place, ["", ""])
            known[0], known[1] = known[0] or name, known[1] + part
    yield from (ToolCall(name, arguments) for name, arguments in pieces.values())


def _pieces(value: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Which call, the name if this piece tells it, and the next part of the arguments."""
    for choice in _dicts(value.get("choices")):
        delta = choice.get("delta")
        for call in _dicts(delta.get("tool_calls")) if isinstance(delta, dict) else ():
            function = call.get("function") or {}
            yield (choice.get("index"), call.get("index")), str(function.get("name") or ""), str(function.get("arguments") or "")
    block, delta = value.get("content_block"), value.get("delta")
    if isinstance(block, dict) and block.get("type") == "tool_use":
        yield (value.get("index"),), str(block.get("name")), ""
    elif isinstance(delta, dict) and delta.get("type") == "input_json_delta":
        yield (value.get("index"),), "", str(delta.get("partial_json", ""))


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
