"""What the tests with real SDKs share, and that needs no SDK: answers in the providers' shapes, a stream that waits, a ban on sockets."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.provider import CHAT, GEMINI, MESSAGE, Answer

STREAM = ("one ", "two ", "three")  # the words of every stream here


def chat(text: str | None, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    """An answer of OpenAI, Groq or Mistral."""
    reply = {"role": "assistant", "content": text, **message}
    return {**CHAT, "choices": [{"index": 0, "finish_reason": finish_reason, "message": reply}]}


def message(text: str, stop_reason: str = "end_turn") -> dict[str, Any]:
    """An answer of Anthropic."""
    return {**MESSAGE, "content": [{"type": "text", "text": text}], "stop_reason": stop_reason}


def gemini(text: str, finish_reason: str = "STOP") -> dict[str, Any]:
    """An answer of Gemini."""
    return {**GEMINI, "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish_reason}]}


def _event(value: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def _chat_chunk(word: str, finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": finish_reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _named(kind: str, **members: Any) -> bytes:
    return _event({"type": kind, **members}, kind)


def _text_delta(word: str) -> bytes:
    return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": word})


CHAT_STREAM = [*(_event(_chat_chunk(word)) for word in STREAM), _event(_chat_chunk("", "stop")), b"data: [DONE]\n\n"]
MESSAGE_STREAM = [
    _named("message_start", message={**MESSAGE, "content": [], "stop_reason": None})
    + _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + _text_delta(STREAM[0]),
    *(_text_delta(word) for word in STREAM[1:]),
    _named("content_block_stop", index=0)
    + _named("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 7})
    + _named("message_stop"),
]
GEMINI_STREAM = [_event(gemini(word)) for word in STREAM]


class Gate:
    """A stream whose second chunk is not sent before ``open()``: only a caller who gets the first one at once can open it.

    ``wait``: seconds, after which it is sent all the same.
    """

    def __init__(self, events: Sequence[bytes], wait: float = 30.0) -> None:
        self._wait = wait
        self._events = events
        self._opened = threading.Event()
        self.in_time = False

    def open(self) -> None:
        self._opened.set()

    def answer(self) -> Answer:
        return Answer(200, {"content-type": "text/event-stream"}, self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        yield self._events[0]
        self.in_time = self._opened.wait(self._wait)
        yield from self._events[1:]


class SocketOpened(BaseException):
    """What opening a connection raises where it is forbidden; no SDK catches or retries it."""


class _Ban:
    """An audit hook cannot be removed, so one is installed on first use and asks whether the ban is on."""

    def __init__(self) -> None:
        self.opened: list[str] | None = None
        self.exempt: frozenset[threading.Thread] = frozenset()
        self._installed = False

    def install(self) -> None:
        if not self._installed:
            sys.addaudithook(self._hook)
            self._installed = True

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.opened is None or event not in ("socket.connect", "socket.getaddrinfo"):
            return
        if threading.current_thread() not in self.exempt:
            self.opened.append(f"{event} {arguments[-1]}")
            raise SocketOpened(event)


_ban = _Ban()


@contextmanager
def no_sockets() -> Iterator[list[str]]:
    """In this block the process can open no connection and resolve no name; the list says who tried.

    Threads that ran before are not meant: one of an earlier test may still look for its Redis.
    """
    _ban.install()
    _ban.exempt = frozenset(threading.enumerate()) - {threading.current_thread()}
    _ban.opened = opened = []
    try:
        yield opened
    finally:
        _ban.opened = None
