"""What the tests of this folder ask, and a few answers."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.faces.face import Client, Reply
from tests.provider import CHAT, Provider

CHAT_PATH = "/v1/chat/completions"
WAIT = 30.0  # seconds after which a test that would hang fails

# Both libraries leave their own generators to the garbage collector when a body is not read to its end; trio warns of that.
stops_early = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")


def body_of(text: str = "hi", **more: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


async def ask(client: Client, provider: Provider, text: str = "hi", **more: Any) -> Reply:
    """Send a chat request, and read the answer."""
    return await client.post(provider.url + CHAT_PATH, json=body_of(text, **more))


def chat(text: str, **choice: Any) -> dict[str, Any]:
    """A chat answer that says so."""
    message = {"role": "assistant", "content": text}
    return {**CHAT, "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}]}


class Gate:
    """A door between the test and the provider: what waits at it goes on when it is opened."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def open(self) -> None:
        self._event.set()

    def wait(self) -> bool:
        """Was it opened in time?"""
        return self._event.wait(WAIT)
