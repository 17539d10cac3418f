"""Is this stream whole, and did it end well?

Judged by what its events say: each provider's stream has a last event, and most SDKs stop reading there and close. A stream of no
known dialect is whole when upstream ended it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import jiter

from wirecache._core.events import Event, events_in
from wirecache._core.messages import Usage
from wirecache._core.storability import bad_end, usage_of

__all__ = ["StreamVerdict", "judge_stream"]

DONE = b"[DONE]"  # ends the streams of OpenAI's chat and of all that speak like it
# The types of events by which a stream is known, and those that end it. Sources: the event unions of the providers' SDKs.
TYPED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"response\..+"), frozenset({"response.completed", "response.incomplete", "response.failed"})),  # OpenAI Responses
    (re.compile(r"message_(start|delta|stop)|content_block_.+"), frozenset({"message_stop"})),  # Anthropic
    (re.compile(r"message-(start|end)|(content|tool-plan|tool-call|citation)-.+"), frozenset({"message-end"})),  # Cohere v2
    (re.compile(r"stream-(start|end)|text-generation"), frozenset({"stream-end"})),  # Cohere v1
    (re.compile(r"transcript\..+"), frozenset({"transcript.text.done"})),  # OpenAI audio, this and the next
    (re.compile(r"speech\..+"), frozenset({"speech.audio.done"})),
    (re.compile(r"image_generation\..+"), frozenset({"image_generation.completed"})),  # OpenAI images
    (re.compile(r"image_edit\..+"), frozenset({"image_edit.completed"})),
    (re.compile(r"(interaction|step)\..+"), frozenset({"interaction.completed", "interaction.failed"})),  # Google's interactions
)
FAILED = {"response.failed": "status-failed", "interaction.failed": "status-failed"}


class StreamVerdict(NamedTuple):
    """``whole``: nothing is missing. ``reason``: why it is not good all the same (an error event, a filter); None if it is."""

    whole: bool
    reason: str | None
    usage: Usage | None


def judge_stream(kind: bytes, body: bytes, ended: bool) -> StreamVerdict:
    """What do the events of the body say? ``kind``: its media type. ``ended``: upstream ended it, rather than the caller."""
    reading = _Reading()
    for event in events_in(kind, body):
        reading.take(event)
    whole = reading.over if reading.dialect else ended or reading.over
    if reading.needs_end:
        whole = whole and ended
    if reading.reason == "error" and ended:  # nothing comes after an error
        whole = True
    reason = reading.reason or (None if body else "empty")
    return StreamVerdict(whole, reason, reading.usage)


class _Reading:
    """What is known of a stream as its events pass."""

    def __init__(self) -> None:
        self.dialect: frozenset[str] | str | None = None  # the events that end it, or its name
        self.over = False
        self.needs_end = False  # of a dialect without a last event
        self.reason: str | None = None
        self.usage: Usage | None = None

    def take(self, event: Event) -> None:
        if event.data == DONE:
            self.over = True
            return
        try:
            value = jiter.from_json(event.data, cache_mode="keys")
        except ValueError:
            value = None
        if isinstance(value, dict):
            self._type(value.get("type") or value.get("event_type") or event.name.decode("latin-1"))
            self._shape(value)
            self._contents(value)
        if event.name == b"error":
            self.reason = "error"

    def _type(self, told: object) -> None:
        if not isinstance(told, str):
            return
        for pattern, ends in TYPED:
            if pattern.fullmatch(told):
                self.dialect = ends
                self.over = self.over or told in ends
        if told == "error":
            self.reason = "error"
        self.reason = self.reason or FAILED.get(told)

    def _shape(self, value: dict[str, Any]) -> None:
        """The dialects whose events have no type."""
        if self.dialect is None or isinstance(self.dialect, str):
            if isinstance(value.get("choices"), list):
                self.dialect = "chat"
            elif isinstance(value.get("done"), bool):
                self.dialect = "ollama"
                self.over = value["done"]
            elif "candidates" in value or "usageMetadata" in value or "promptFeedback" in value:
                self.dialect, self.needs_end = "gemini", True
                self.over = self.over or _finished(value)

    def _contents(self, value: dict[str, Any]) -> None:
        for part in _parts(value):
            self.reason = self.reason or bad_end(part)
            if (usage := usage_of(part)) is not None:
                before = self.usage or Usage()
                self.usage = Usage(usage.input or before.input, usage.output or before.output)


def _parts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An event, and the objects in it that may say how the answer ended, or what it cost."""
    yield value
    for name in ("delta", "message", "response", "interaction"):
        if isinstance(part := value.get(name), dict):
            yield part


def _finished(value: dict[str, Any]) -> bool:
    """Does Gemini say why it stopped, or that it will not begin?"""
    candidates, feedback = value.get("candidates"), value.get("promptFeedback")
    return (isinstance(candidates, list) and any(isinstance(one, dict) and one.get("finishReason") for one in candidates)) or (
        isinstance(feedback, dict) and bool(feedback.get("blockReason"))
    )
