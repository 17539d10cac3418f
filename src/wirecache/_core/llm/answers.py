"""What did the model say? The text of an answer, of whatever provider, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wirecache._core.event_stream import events_in
from wirecache._core.headers import media_type
from wirecache._core.messages import Entry, fields_of

__all__ = ["answer_text", "json_values"]


def json_values(entry: Entry) -> list[Any]:
    """The JSON values of an answer: one for each event of a stream, else the body's; none where there is no JSON."""
    kind = media_type(fields_of(entry.headers).get(b"content-type", b""))
    events = [event.data for event in events_in(kind, entry.body)]
    return [value for raw in events or [entry.body] if (value := _parsed(raw)) is not None]


def answer_text(entry: Entry) -> str:
    """The text that the model wrote; the body as text where no such text is known."""
    values = json_values(entry)
    text = "".join(piece for value in values if isinstance(value, dict) for piece in _texts(value))
    return text or ("" if values else entry.text)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _texts(value: dict[str, Any]) -> Iterator[str]:
    """The pieces of text in an answer or an event of one."""
    told = value.get("type")
    if isinstance(told, str) and told.startswith(("response.", "transcript.")):  # OpenAI: other events repeat the text of these
        yield from _strings(value.get("delta")) if told in ("response.output_text.delta", "transcript.text.delta") else ()
        return
    for name in ("choices", "candidates", "output"):  # OpenAI chat and completions, Gemini, OpenAI Responses
        for item in value[name] if isinstance(value.get(name), list) else ():
            yield from _in_part(item)
    if not isinstance(value.get("choices"), list):
        yield from _in_part(value)


def _in_part(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name in ("text", "content", "message", "delta", "parts", "response"):
            yield from _content(part.get(name))


def _content(value: Any) -> Iterator[str]:
    """A text, or the texts of its blocks."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _in_part(value)
    elif isinstance(value, list):
        for item in value:
            yield from _in_part(item)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
