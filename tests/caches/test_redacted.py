"""A planted secret comes out nowhere that people read: messages, log lines, captures, explanations. Nothing is sent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

import wirecache
from wirecache import Cache, NotRecorded
from wirecache.httpx import cached_client

KEY = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"
OTHER = "gsk" + "_zZ9dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"
URL = f"https://api.openai.com/tenants/{KEY}/v1/chat/completions"


def body(key: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": f"My key is {key}."}], "metadata": {"api_key": f"hunter-{key[4:8]}"}}


def _hides(text: str) -> bool:
    return "REDACTED" in text and not any(secret in text for secret in (KEY, OTHER, KEY[8:], OTHER[8:], "hunter"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with Cache(tmp_path) as cache, cached_client(cache, transport=answer) as client:
        client.post(URL, json=body(KEY))
    return tmp_path


def test_the_message_of_an_offline_miss(folder: Path) -> None:
    with Cache(folder, mode="offline") as cache, cached_client(cache) as client, wirecache.capture() as exchanges:
        message = client.post(URL, json=body(OTHER)).json()["error"]["message"]
    assert "differs in" in message
    assert "/messages/0/content" in message
    assert _hides(message)
    assert _hides(exchanges[0].url)


def test_as_the_sdk_shows_it(folder: Path) -> None:
    with Cache(folder, mode="offline") as cache, cached_client(cache) as client:
        sdk = openai.OpenAI(api_key=KEY, base_url=URL.removesuffix("/chat/completions"), http_client=client)  # type: ignore[arg-type]
        with pytest.raises(openai.APIStatusError) as caught:
            sdk.chat.completions.create(**body(OTHER))
    assert _hides(str(caught.value))


def test_not_recorded(folder: Path) -> None:
    with Cache(folder, mode="offline", miss="raise") as cache, cached_client(cache) as client, pytest.raises(NotRecorded) as caught:
        client.post(URL, json=body(OTHER))
    assert _hides(str(caught.value))


def test_the_log_line_of_a_miss(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with (
        caplog.at_level(logging.DEBUG, "wirecache"),
        Cache(folder) as cache,
        cached_client(cache, transport=answer) as client,
    ):
        client.post(URL, json=body(OTHER))
    lines = [record.getMessage() for record in caplog.records if record.name == "wirecache"]
    assert any("differs in" in line for line in lines)
    assert _hides("\n".join(lines))


def test_the_warning_about_a_store(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def get(self, key: str) -> bytes | None:
            raise OSError("no route to redis://app:hunter2@db:6379/0")

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            raise OSError("no route to redis://app:hunter2@db:6379/0")

    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with Cache(Broken()) as cache, cached_client(cache, transport=answer) as client:
        client.post(URL, json=body(KEY))
    assert "redis://REDACTED@db:6379/0" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_entry_tells_no_secret_of_its_url(folder: Path) -> None:
    with Cache(folder) as cache:
        (entry,) = cache.entries()
    assert _hides(entry.request.url)
