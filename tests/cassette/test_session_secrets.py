"""A value that was redacted by its name once is in no later file of the session, and what was recorded so is replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from wirecache import Cassette
from wirecache.httpx import cached_client

URL = "https://api.example/v1/messages"
SECRET = "hunter2"
Turn = Callable[[httpx.Client], Any]


def upstream(request: httpx.Request) -> httpx.Response:
    """Answer the first turn with a tool call that names a password."""
    if b"tool_result" in request.content:
        return httpx.Response(200, json={"content": [{"type": "text", "text": "done"}]})
    return httpx.Response(200, json={"content": [{"type": "tool_use", "input": {"password": SECRET}}]})


def conversation(client: httpx.Client, prompt: str) -> str:
    """Send two turns; the second tells, in text, what the tool got."""
    first = client.post(URL, json={"messages": [prompt]})
    assert first.status_code == 200, first.text
    tool = first.json()["content"][0]["input"]
    result = "logged in" if SECRET in prompt else f"logged in with {tool['password']}!"
    history = [prompt, tool, {"type": "tool_result", "content": result}]
    second = client.post(URL, json={"messages": history})
    assert second.status_code == 200, second.text
    return str(second.json()["content"][0]["text"])


def run(cassette: Cassette, play: Callable[[httpx.Client], Any]) -> Any:
    with cassette, cached_client(cassette, transport=httpx.MockTransport(upstream)) as client:
        return play(client)


def texts(path: Path) -> list[str]:
    return [file.read_text("utf-8") for file in sorted(path.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)]


def test_the_next_turn_does_not_hold_it(tmp_path: Path) -> None:
    assert run(Cassette(tmp_path, "all"), lambda client: conversation(client, "log in")) == "done"
    assert all(SECRET not in text for text in texts(tmp_path))
    assert run(Cassette(tmp_path), lambda client: conversation(client, "log in")) == "done"


def test_a_prompt_that_has_it_in_clear_finds_its_next_turn(tmp_path: Path) -> None:
    assert run(Cassette(tmp_path, "all"), lambda client: conversation(client, f"log in with {SECRET}")) == "done"
    assert run(Cassette(tmp_path), lambda client: conversation(client, f"log in with {SECRET}")) == "done"


def test_a_request_that_names_the_secret_of_today_finds_what_was_recorded_with_another(tmp_path: Path) -> None:
    def play(client: httpx.Client, secret: str) -> int:
        client.post(URL, json={"password": secret})
        return client.post(URL, json={"text": f"I used {secret}."}).status_code

    run(Cassette(tmp_path, "all"), lambda client: play(client, SECRET))
    assert run(Cassette(tmp_path), lambda client: play(client, "swordfish")) == 200


def test_verify_learns_as_recording_does_and_shows_no_secret(tmp_path: Path) -> None:
    run(Cassette(tmp_path, "all"), lambda client: conversation(client, "log in"))
    cassette = Cassette(tmp_path, verify="text")
    run(cassette, lambda client: conversation(client, "log in"))
    assert cassette.drift == []


def test_explain_teaches_nothing(tmp_path: Path) -> None:
    def play(client: httpx.Client) -> int:
        return client.post(URL, json={"text": f"I used {SECRET}."}).status_code

    run(Cassette(tmp_path, "all"), play)
    cassette = Cassette(tmp_path)
    assert not cassette.explain({"url": URL, "body": {"password": SECRET}}).found
    assert cassette.explain({"url": URL, "body": {"text": f"I used {SECRET}."}}).found
    assert cassette.plan.cassette is not None
    assert cassette.plan.cassette.redactor.known == 0


def test_what_the_program_named_is_redacted_in_its_later_texts(tmp_path: Path) -> None:
    def play(client: httpx.Client) -> list[int]:
        sent = [{"password": SECRET}, {"text": f"I used {SECRET}."}, {"arguments": f'{{"p": "{SECRET}"}}'}]
        return [client.post(URL, json=body).status_code for body in sent]

    assert run(Cassette(tmp_path, "all"), play) == [200] * 3
    assert all(SECRET not in text.split('"response"')[0] for text in texts(tmp_path))
    assert run(Cassette(tmp_path), play) == [200] * 3


@pytest.mark.parametrize("named_first", [True, False])
def test_what_was_recorded_before_it_was_known_is_found(tmp_path: Path, *, named_first: bool) -> None:
    def play(client: httpx.Client, names: bool) -> int:
        if names:
            client.post(URL, json={"password": SECRET})
        return client.post(URL, json={"text": f"I used {SECRET}."}).status_code

    run(Cassette(tmp_path, "all"), lambda client: play(client, names=False))
    assert run(Cassette(tmp_path), lambda client: play(client, names=named_first)) == 200
