"""Is this stream complete, and did it end well?

This is judged by its events: each provider's stream has a final event, and most SDKs stop reading there and close. A stream of an
unknown dialect is complete when upstream ended it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from wirecache._core.event_stream import AMAZON, DONE, EVENT_STREAM, Event, events_in, has_events, split_stream
from wirecache._core.flows.storability import MALFORMED, MAY_SAY_END, bad_end_reason, finish_reasons, parse_json, status_reason
from wirecache._core.flows.substance import has_answer
from wirecache._core.llm.usage import accumulated, usage_of
from wirecache._core.messages import Usage
from wirecache._core.short_cache import cached_if_short

__all__ = ["StreamVerdict", "judge_stream"]

# The event types by which a dialect is recognised, and those that end a stream. Sources: the event unions of the providers' SDKs.
TYPED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"response\..+"), frozenset({"response.completed", "response.incomplete", "response.failed"})),  # OpenAI Responses
    (re.compile(r"message_(start|delta|stop)|content_block_.+"), frozenset({"message_stop"})),  # Anthropic
    (re.compile(r"message-(start|end)|(content|tool-plan|tool-call|citation)-.+"), frozenset({"message-end"})),  # Cohere v2
    (re.compile(r"stream-(start|end|error)|text-generation"), frozenset({"stream-end", "stream-error"})),  # Cohere v1
    (re.compile(r"transcript\..+"), frozenset({"transcript.text.done"})),  # OpenAI audio, as is the next
    (re.compile(r"speech\..+"), frozenset({"speech.audio.done"})),
    (re.compile(r"image_generation\..+"), frozenset({"image_generation.completed"})),  # OpenAI images
    (re.compile(r"image_edit\..+"), frozenset({"image_edit.completed"})),
    (re.compile(r"(interaction|step)\..+"), frozenset({"interaction.completed"})),  # Google's interactions
)
FAILED = {"error": "error", "stream-error": "error", "response.failed": "status-failed"}
# Amazon's binary streams: the header of a message that reports a failure (name, type 7, length and text of its value).
_AMAZON_FAILED = re.compile(rb"\x0d:message-type\x07\x00(\x09exception|\x05error)")
# The members of an event that may say how the answer ended or what it cost.
PARTS = ("delta", "message", "response", "interaction", "x_groq")


class StreamVerdict(NamedTuple):
    """``whole``: nothing is missing. ``reason``: why it is not stored even so (an error event, a filter), or None."""

    whole: bool
    reason: str | None
    usage: Usage | None


def judge_stream(kind: bytes, body: bytes, ended: bool, choices: int = 1, endpoint: str = "rule") -> StreamVerdict:
    """Return the verdict on a stream, from the events in its body.

    ``kind``: the media type. ``ended``: upstream, not the caller, ended the stream. ``choices``: how many were requested.
    ``endpoint``: its name, which determines what counts as an answer.
    """
    state = _StreamState(choices, endpoint)
    for event in events_in(kind, body):
        state.feed(event)
    if kind == AMAZON and _AMAZON_FAILED.search(body):
        state.reason = "error"
    whole, reason = state.is_whole(ended), state.reason
    if whole and reason is None:
        if not state.has_content and (has_events(kind) or not body):
            reason = "no-answer" if body else "empty"
        elif state.dialect in (None, _Dialect.CHAT) and not state.done_seen:  # only the end of the body says that it is complete
            whole = not _is_cut_off(kind, body)
        elif state.is_unfinished:
            reason = "unfinished"
    return StreamVerdict(whole, reason, state.usage)


class _Dialect(StrEnum):
    """How a provider's stream ends."""

    TYPED = "typed"  # with an event of a certain type
    CHAT = "chat"  # with [DONE], or (Perplexity, TGI, ik_llama) with the finish reason of each choice and the end of the body
    OLLAMA = "ollama"
    TGI = "tgi"
    GEMINI = "gemini"
    JSON_RPC = "json-rpc"  # with the reply to the request (MCP over streamable HTTP: its client closes there)


class _StreamState:
    """What the events of a stream have shown so far."""

    def __init__(self, choices: int, endpoint: str) -> None:
        self._requested, self._endpoint = choices, endpoint
        self.dialect: _Dialect | None = None
        self.has_content = False  # has there been an event other than pings, failures and [DONE]?
        self.done_seen = False  # has [DONE] been seen?
        self.final_seen = False  # has the final event of a dialect without [DONE] been seen?
        self.reason: str | None = None
        self.usage: Usage | None = None
        self._choices: dict[str, bool | None] = {}  # per choice: has it finished? None if it does not say
        self._ends: list[Any] = []  # the finish reasons in the events of a typed dialect, which has one answer

    @property
    def is_unfinished(self) -> bool:
        """Whether a choice, or the only answer, never had a finish reason other than null."""
        return False in self._choices.values() or (bool(self._ends) and not any(self._ends))

    def is_whole(self, ended: bool) -> bool:
        """Return whether nothing is missing."""
        if self.reason == "error" and ended:  # nothing comes after an error
            return True
        if self.dialect is None:
            return ended or self.done_seen
        if self.dialect is _Dialect.CHAT:
            return self.done_seen or (ended and self._all_finished)
        if self.dialect is _Dialect.GEMINI:  # after whose finish reasons more events may come
            return ended and (self.final_seen or self._all_finished)
        return self.final_seen

    @property
    def _all_finished(self) -> bool:
        """Whether every choice that was seen or requested has finished."""
        return len(self._choices) >= self._requested and all(self._choices.values())

    def feed(self, event: Event) -> None:
        """Take the next event into account."""
        if event.data.startswith(DONE):
            self.done_seen = True
            return
        value = parse_json(event.data)
        if event.name == b"error" or (isinstance(value, dict) and value.get("success") is False):
            self.reason = "error"
        if not isinstance(value, dict):
            self.has_content = True
            return
        event_type = value.get("type") or value.get("event_type") or event.name.decode("latin-1")
        if event_type == "ping":
            return
        self.has_content = self.has_content or has_answer(value, self._endpoint)
        if event_type and isinstance(event_type, str):
            self._read_type(event_type)
        if self.dialect is not _Dialect.TYPED:
            self._read_members(value)
        self._read_parts(value, event.data)

    def _read_type(self, event_type: str) -> None:
        self.reason = self.reason or FAILED.get(event_type)
        if final_types := _final_types(event_type):
            self.dialect = _Dialect.TYPED
            self.final_seen = self.final_seen or event_type in final_types

    def _read_members(self, value: dict[str, Any]) -> None:
        """Recognise the dialects whose events have no type."""
        if isinstance(value.get("choices"), list):
            self.dialect = _Dialect.CHAT
            self._read_choices(value["choices"])
        elif isinstance(value.get("done"), bool):
            self.dialect, self.final_seen = _Dialect.OLLAMA, value["done"]
        elif "token" in value and "generated_text" in value:
            self.dialect, self.final_seen = _Dialect.TGI, value["generated_text"] is not None
        elif "candidates" in value or "usageMetadata" in value or "promptFeedback" in value:
            self.dialect, self.final_seen = _Dialect.GEMINI, self.final_seen or _is_blocked(value)
            self._read_choices(value.get("candidates"))
        elif value.get("jsonrpc") == "2.0":  # a message with a method is a request or notification from the server
            self.dialect = _Dialect.JSON_RPC
            self.final_seen = self.final_seen or ("id" in value and ("result" in value or "error" in value) and "method" not in value)

    def _read_choices(self, choices: Any) -> None:
        """Record which choices have finished. An empty text is not a finish reason; a missing one leaves it open."""
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                index, reasons = str(choice.get("index", 0)), finish_reasons(choice)
                finished = any(reasons) if reasons else None
                self._choices[index] = self._choices.get(index) or finished

    def _read_parts(self, value: dict[str, Any], data: bytes) -> None:
        """Read how the answer ended and what it cost. ``data`` is searched as text first, since most events say neither."""
        is_typed = self.dialect is _Dialect.TYPED
        may_have_end = MAY_SAY_END.search(data) is not None or (is_typed and b"eason" in data)
        may_have_usage = b"oken" in data or b"eval_count" in data
        for part in _parts(value) if may_have_end or may_have_usage or self.final_seen else ():
            if may_have_end and self.reason is None:
                self.reason = bad_end_reason(part)
                self._ends += finish_reasons(part) if is_typed else ()
            if may_have_usage and (usage := usage_of(part)) is not None:
                self.usage = accumulated(self.usage, usage)
            if self.final_seen:
                self.reason = self.reason or status_reason(part)


def _is_cut_off(kind: bytes, body: bytes) -> bool:
    """Return whether a body without a known final event ends in the middle of an event."""
    if kind == AMAZON:
        return _is_cut_in_amazon_message(body)
    pieces = split_stream(kind, body)
    if not pieces:
        return False
    lines = pieces[-1].splitlines()
    if kind != EVENT_STREAM:
        return not pieces[-1].endswith(b"\n") and parse_json(lines[-1]) is MALFORMED
    return bool(lines[-1]) and any(line and not line.startswith(b":") for line in lines)


def _is_cut_in_amazon_message(body: bytes) -> bool:
    """Return whether the body ends in the middle of a message of Amazon's event stream. Each message begins with its length."""
    offset = 0
    while offset < len(body):
        size = int.from_bytes(body[offset : offset + 4], "big")
        if size < 16:  # the size of the lengths and checksums alone
            return True
        offset += size
    return offset > len(body)


@cached_if_short(512)
def _final_types(event_type: str) -> frozenset[str] | None:
    """Return the event types that end a stream in which this type occurs; None if the type belongs to no known dialect."""
    return next((final_types for pattern, final_types in TYPED if pattern.fullmatch(event_type)), None)


def _parts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an event, and the objects in it that may say how the answer ended or what it cost."""
    yield value
    for name in PARTS:
        if isinstance(part := value.get(name), dict):
            yield part


def _is_blocked(value: dict[str, Any]) -> bool:
    """Return whether an event from Gemini says that the prompt was blocked, in which case there are no candidates."""
    feedback = value.get("promptFeedback")
    return isinstance(feedback, dict) and bool(feedback.get("blockReason"))
