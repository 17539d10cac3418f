"""What the provider of the soak answers: of each prompt it can be said what its answer is."""

from __future__ import annotations

import json
from hashlib import sha256

from tests.faces.ask import chat
from tests.provider import Answer, ReceivedRequest

__all__ = ["RESET", "answer", "expected", "expected_stream"]

RESET = "reset"  # how a prompt begins whose answer is cut


def text_of(prompt: str) -> str:
    return sha256(prompt.encode()).hexdigest() * (1 + len(prompt) // 200)


def expected(prompt: str) -> bytes:
    """Return the whole answer."""
    return json.dumps(chat(text_of(prompt))).encode()


def events(prompt: str) -> list[bytes]:
    words = [text_of(prompt)[at : at + 16] for at in range(0, 160, 16)]
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    parts = [{**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    last = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [b"data: " + json.dumps(each).encode() + b"\n\n" for each in (*parts, last)] + [b"data: [DONE]\n\n"]


def expected_stream(prompt: str) -> bytes:
    """Return the whole stream."""
    return b"".join(events(prompt))


def answer(request: ReceivedRequest) -> Answer:
    """Return the answer to a request; of a prompt that begins with ``reset`` as much of it as its last word says, from 0 to 1."""
    body = request.json
    prompt, stream = body["messages"][0]["content"], body.get("stream")
    kind = "text/event-stream" if stream else "application/json"
    chunks = events(prompt) if stream else [expected(prompt)[:200], expected(prompt)[200:]]
    if prompt.startswith(RESET):
        whole = b"".join(chunks)
        return Answer(200, {"content-type": kind}, [whole[: int(float(prompt.split()[-1]) * (len(whole) - 100)) + 1]], cut=True)
    return Answer(200, {"content-type": kind}, chunks)
