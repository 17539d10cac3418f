"""The calls that several SDKs have in common: those of OpenAI's SDK and of those made in its shape, and Anthropic's."""

from __future__ import annotations

from typing import Any

from tests.sdk.matrix.row import Calls

__all__ = [
    "SCHEMA",
    "TOOL",
    "WAV",
    "after",
    "anthropic_calls",
    "chat",
    "chat_calls",
    "chat_text",
    "embed",
    "messages_of",
    "reading",
    "strictly",
    "transcribe",
]

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "degrees", "description": "How warm is it in a city?", "parameters": SCHEMA}}
WAV = ("a.wav", b"RIFF")


def messages_of(prompt: str) -> list[Any]:
    return [{"role": "user", "content": prompt}]


def chat(prompt: str) -> dict[str, Any]:
    return {"model": "m", "messages": messages_of(prompt)}


def chat_text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def after(answer: Any, dump: Any) -> list[Any]:
    """The conversation after that answer, which called the tool; it begins with None."""
    if answer is None:
        return messages_of("How warm is it in Oslo?")
    message = answer.choices[0].message
    return [*after(None, dump), dump(message), {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "4"}]


async def _then(call: Any, read: Any) -> Any:
    return read(await call)


def reading(call: Any, read: Any) -> Any:
    """What is read from a call's answer; from an awaited call, awaited."""
    return _then(call, read) if hasattr(call, "__await__") else read(call)


def _chat_turn(client: Any, answer: Any) -> Any:
    messages = after(answer, lambda message: message.model_dump(exclude_none=True))
    return client.chat.completions.create(model="m", messages=messages, tools=[TOOL])


def chat_calls(**more: Any) -> Calls:
    """OpenAI's SDK, Groq's, Together's, Cerebras's."""
    return Calls(
        ask=lambda client, prompt: client.chat.completions.create(**chat(prompt)),
        stream=lambda client: client.chat.completions.create(**chat("hello"), stream=True),
        raw=lambda client: client.chat.completions.with_raw_response.create(**chat("hello")),
        tools=_chat_turn,
        **more,
    )


def embed(client: Any) -> Any:
    return reading(client.embeddings.create(model="m", input="hi"), lambda answer: answer.data[0].embedding)


def transcribe(client: Any) -> Any:
    return reading(client.audio.transcriptions.create(model="m", file=WAV), lambda answer: answer.text)


def _message_turn(client: Any, answer: Any) -> Any:
    messages = messages_of("How warm is it in Oslo?")
    if answer is not None:
        result = {"type": "tool_result", "tool_use_id": answer.content[0].id, "content": "4"}
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    tool = {"name": "degrees", "description": "How warm is it in a city?", "input_schema": SCHEMA}
    return client.messages.create(model="m", max_tokens=9, messages=messages, tools=[tool])


def anthropic_calls() -> Calls:
    def arguments(prompt: str) -> dict[str, Any]:
        return {"model": "m", "max_tokens": 9, "messages": messages_of(prompt)}

    return Calls(
        ask=lambda client, prompt: client.messages.create(**arguments(prompt)),
        stream=lambda client: client.messages.create(**arguments("hello"), stream=True),
        raw=lambda client: client.messages.with_raw_response.create(**arguments("hello")),
        tools=_message_turn,
    )


def strictly(answer: Any) -> None:
    """Read the answer's own values with its own model; OpenAI's and its kin's SDKs read without a check."""
    type(answer).model_validate(answer.model_dump(exclude_unset=True, warnings=False))
