"""Is this stream whole, and did it end well?

Judged by what its events say: each provider's stream has a last event, and most SDKs stop reading there and close. A stream of no
known dialect is whole when upstream ended it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from wirecache._core.event_stream import DONE, EVENT_STREAM, Event, events_in, has_events, split_stream
from wirecache._core.flows.storability import MALFORMED, UNFINISHED, bad_end, parse_json
from wirecache._core.llm.usage import accumulated, usage_of
from wirecache._core.messages import Usage

__all__ = ["StreamVerdict", "judge_stream"]

# The types of events by which a stream is known, and those that end it. Sources: the event unions of the providers' SDKs.
TYPED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"response\..+"), frozenset({"response.completed", "response.incomplete", "response.failed"})),  # OpenAI Responses
    (re.compile(r"message_(start|delta|stop)|content_block_.+"), frozenset({"message_stop"})),  # Anthropic
    (re.compile(r"message-(start|end)|(content|tool-plan|tool-call|citation)-.+"), frozenset({"message-end"})),  # Cohere v2
    (re.compile(r"stream-(start|end|error)|text-generation"), frozenset({"stream-end", "stream-error"})),  # Cohere v1
    (re.compile(r"transcript\..+"), frozenset({"transcript.text.done"})),  # OpenAI audio, this and the next
    (re.compile(r"speech\..+"), frozenset({"speech.audio.done"})),
    (re.compile(r"image_generation\..+"), frozenset({"image_generation.completed"})),  # OpenAI images
    (re.compile(r"image_edit\..+"), frozenset({"image_edit.completed"})),
    (re.compile(r"(interaction|step)\..+"), frozenset({"interaction.completed"})),  # Google's interactions
)
FAILED = {"error": "error", "stream-error": "error", "response.failed": "status-failed"}
# Amazon's binary streams: a header of a message that tells of a failure (name, type 7, length and text of its value).
AMAZON = b"application/vnd.amazon.eventstream"
_AMAZON_FAILED = re.compile(rb"\x0d:message-type\x07\x00(\x09exception|\x05error)")
# Where in an event it may be said how the answer ended, or what it cost.
PARTS = ("delta", "message", "response", "interaction", "x_groq")


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
    if kind == AMAZON and _AMAZON_FAILED.search(body):
        reading.reason = "error"
    whole, reason = reading.is_whole(ended), reading.reason
    if whole and reason is None:
        if not reading.said and (has_events(kind) or not body):
            reason = "no-answer" if body else "empty"
        elif reading.dialect is None and not reading.done:
            whole = not _cut_off(kind, body)
    return StreamVerdict(whole, reason, reading.usage)


class _Reading:
    """What is known of a stream as its events pass."""

    def __init__(self) -> None:
        self.dialect: frozenset[str] | str | None = None  # the events that end it, or its name
        self.said = False  # was there an event that says something?
        self.done = False  # has the event passed that ends OpenAI's chat?
        self.over = False  # has that of another dialect passed?
        self.reason: str | None = None
        self.usage: Usage | None = None

    def is_whole(self, ended: bool) -> bool:
        """Is nothing missing?"""
        if self.reason == "error" and ended:  # nothing comes after an error
            return True
        if self.dialect is None:
            return ended or self.done
        if self.dialect == "chat":
            return self.done
        return self.over and (ended or self.dialect != "gemini")  # whose last event says of itself that it is not the last

    def take(self, event: Event) -> None:
        if event.data.startswith(DONE):
            self.done = True
            return
        if event.name == b"error":
            self.reason = "error"
        value = parse_json(event.data)
        if not isinstance(value, dict):
            self.said = True
            return
        told = value.get("type") or value.get("event_type") or event.name.decode("latin-1")
        if told == "ping":
            return
        self.said = True
        if told and isinstance(told, str):
            self._type(told)
        if self.dialect is None or isinstance(self.dialect, str):
            self._shape(value)
        self._contents(value, event.data)

    def _type(self, told: str) -> None:
        self.reason = self.reason or FAILED.get(told)
        if ends := _ends(told):
            self.dialect = ends
            self.over = self.over or told in ends

    def _shape(self, value: dict[str, Any]) -> None:
        """The dialects whose events have no type."""
        if isinstance(value.get("choices"), list):
            self.dialect = "chat"
        elif isinstance(value.get("done"), bool):
            self.dialect, self.over = "ollama", value["done"]
        elif "token" in value and "generated_text" in value:
            self.dialect, self.over = "tgi", value["generated_text"] is not None
        elif "candidates" in value or "usageMetadata" in value or "promptFeedback" in value:
            self.dialect, self.over = "gemini", self.over or _finished(value)

    def _contents(self, value: dict[str, Any], data: bytes) -> None:
        """How it ended, and what it cost; ``data`` is searched first, since most events say neither."""
        ends, counts = b"eason" in data or b"error" in data, b"oken" in data or b"eval_count" in data
        for part in _parts(value) if ends or counts or self.over else ():
            if ends and self.reason is None:
                self.reason = bad_end(part)
            if counts and (usage := usage_of(part)) is not None:
                self.usage = accumulated(self.usage, usage)
            if self.over and isinstance(status := part.get("status"), str) and status in UNFINISHED:
                self.reason = self.reason or f"status-{status}"


def _cut_off(kind: bytes, body: bytes) -> bool:
    """Does a body without a known last event end within an event?"""
    if kind == AMAZON:
        return _cut_in_a_message(body)
    pieces = split_stream(kind, body)
    if not pieces:
        return False
    lines = pieces[-1].splitlines()
    if kind != EVENT_STREAM:
        return not pieces[-1].endswith(b"\n") and parse_json(lines[-1]) is MALFORMED
    return bool(lines[-1]) and any(line and not line.startswith(b":") for line in lines)


def _cut_in_a_message(body: bytes) -> bool:
    """Do Amazon's messages, each of which begins with its length, not fill the body?"""
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        if size < 16:  # lengths and checksums alone
            return True
        at += size
    return at > len(body)


@lru_cache(maxsize=512)
def _ends(told: str) -> frozenset[str] | None:
    """The events that end a stream in which there is one of this type."""
    return next((ends for pattern, ends in TYPED if pattern.fullmatch(told)), None)


def _parts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An event, and the objects in it that may say how the answer ended, or what it cost."""
    yield value
    for name in PARTS:
        if isinstance(part := value.get(name), dict):
            yield part


def _finished(value: dict[str, Any]) -> bool:
    """Does Gemini say why it stopped, or that it will not begin?"""
    candidates, feedback = value.get("candidates"), value.get("promptFeedback")
    return (isinstance(candidates, list) and any(isinstance(one, dict) and one.get("finishReason") for one in candidates)) or (
        isinstance(feedback, dict) and bool(feedback.get("blockReason"))
    )
