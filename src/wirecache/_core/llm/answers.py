"""The text that a model wrote in an answer, of any provider, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wirecache._core.event_stream import events_in
from wirecache._core.llm.blocks import is_thought
from wirecache._core.messages import Entry

__all__ = ["answer_text", "json_values", "written_in"]


def json_values(entry: Entry) -> list[Any]:
    """Return the JSON values of an answer: one per event of a stream, else that of the body; empty if there is no JSON."""
    kind = entry.stream_kind
    events = [event.data for event in events_in(kind, entry.body)] if kind else []
    return [value for raw in events or [entry.body] if (value := _parsed(raw)) is not None]


def answer_text(entry: Entry, values: list[Any] | None = None) -> str:
    """Return the text that the model wrote, without its reasoning; the body as text if it is not JSON.

    ``values``: its ``json_values``, if the caller has them already.
    """
    values = json_values(entry) if values is None else values
    text = "".join(map(written_in, values))
    return text or ("" if values else entry.text)


def written_in(value: Any) -> str:
    """Return the text in one JSON value of an answer: the whole body, or one event of a stream."""
    return "".join(_texts_of_answer(value)) if isinstance(value, dict) else ""


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _texts_of_answer(value: dict[str, Any]) -> Iterator[str]:
    """Yield the pieces of text in an answer, or in an event of a streamed one."""
    event_type = value.get("type")
    if isinstance(event_type, str) and event_type.startswith(("response.", "transcript.")):  # OpenAI: all events but these repeat the text
        if event_type in ("response.output_text.delta", "transcript.text.delta") and isinstance(delta := value.get("delta"), str):
            yield delta
        return
    for name in (
        "choices",
        "candidates",
        "output",
        "steps",
    ):  # OpenAI chat and completions, Gemini, OpenAI Responses, Google's interactions
        for item in value[name] if isinstance(value.get(name), list) else ():
            yield from _texts_of_part(item)
    if not isinstance(value.get("choices"), list):
        yield from _texts_of_part(value)


def _texts_of_part(part: Any) -> Iterator[str]:
    if isinstance(part, dict) and not is_thought(part):
        for name in ("text", "content", "message", "delta", "parts", "response"):
            yield from _texts_of_content(part.get(name))


def _texts_of_content(value: Any) -> Iterator[str]:
    """Yield the content if it is text, or the texts of its blocks."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts_of_part(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_of_part(item)
