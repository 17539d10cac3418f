"""The model's reasoning, as far as the provider shows it, streamed or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wirecache._core.llm.blocks import Kind, blocks_of, dicts

__all__ = ["reasoning_of"]


def reasoning_of(values: Iterable[dict[str, Any]]) -> str:
    """Return the reasoning in the JSON objects of an answer: its body, or its events."""
    return "".join(piece for value in values for piece in _pieces(value))


def _pieces(value: dict[str, Any]) -> Iterator[str]:
    kind, delta = value.get("type"), value.get("delta")
    if kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):  # OpenAI Responses
        yield str(delta or "")
    elif isinstance(kind, str) and kind.startswith("response."):  # its other events repeat the text
        return
    elif isinstance(delta, dict) and delta.get("type") == "thinking_delta":  # Anthropic
        yield str(delta.get("thinking") or "")
    else:
        for item in _whole(value):
            yield from (block.text for block in blocks_of(item) if block.kind is Kind.REASONING)


def _whole(value: dict[str, Any]) -> Iterator[Any]:
    """Yield the messages of an answer, including a chat's deltas, which have the same form."""
    for name in ("choices", "candidates"):
        for item in dicts(value.get(name)):
            yield item.get("message") or item.get("delta") or item.get("content")
    yield from (value.get(name) for name in ("output", "steps", "content", "message") if not isinstance(value.get(name), str))
    if thinking := value.get("thinking"):  # Ollama's generate
        yield {"thinking": thinking}
    if isinstance(delta := value.get("delta"), dict):
        yield delta.get("message") or delta  # Cohere; Google's interactions
