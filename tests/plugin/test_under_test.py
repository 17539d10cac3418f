"""What the pytest plugin uses of a cassette."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.provider import Provider
from wirecache import Cassette, NotRecorded
from wirecache._caches.cassette import hold_for_test
from wirecache.httpx import cached_client

PATH = "/v1/chat/completions"


def ask(cassette: Cassette, provider: Provider, text: str = "hi") -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    with cached_client(cassette) as client:
        return client.post(provider.url + PATH, json=body)


def test_the_message_of_a_miss_names_the_nearest_recording_and_the_command(provider: Provider, tmp_path: Path) -> None:
    with Cassette(tmp_path, "all") as cassette:
        ask(cassette, provider, "hello")
    (name,) = (path.name for path in tmp_path.glob("chat*.json"))
    cassette = Cassette(tmp_path, miss="raise")
    hold_for_test(cassette, how_to_record="pytest x", root=tmp_path, run_started_at=time.time(), name="cassettes/x")
    with pytest.raises(NotRecorded) as caught:
        ask(cassette, provider, "goodbye")
    assert str(caught.value).splitlines() == [
        f"The cassette cassettes/x has no recording of POST {provider.url}{PATH} of model 'm' (record mode none). Nothing was sent.",
        f"The nearest recording, {name}, differs in:",
        '  /messages/0/content: "hello" -> "goodbye"',
        "To record it: pytest x",
    ]


def test_the_message_of_an_empty_cassette_says_how_to_record(provider: Provider, tmp_path: Path) -> None:
    message = ask(Cassette(tmp_path / "new"), provider).json()["error"]["message"]
    assert "Nothing was sent. To record it: run it once with Cassette(" in message


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_verify_removes_nothing(provider: Provider, tmp_path: Path, mode: str) -> None:
    with Cassette(tmp_path, "all") as cassette:
        ask(cassette, provider)
    before = sorted(path.name for path in tmp_path.iterdir())
    with Cassette(tmp_path, mode, verify="shape") as cassette:  # type: ignore[arg-type]
        ask(cassette, provider, "something else")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_once_counts_what_was_there_before_the_run(provider: Provider, tmp_path: Path) -> None:
    """Tests that share a cassette, and run one after the other, all record."""
    since = time.time() - 1
    for text in ("one", "two"):
        cassette = Cassette(tmp_path, "once")
        hold_for_test(cassette, how_to_record="pytest x", root=tmp_path, run_started_at=since)
        assert ask(cassette, provider, text).status_code == 200
        cassette.close()
    later = Cassette(tmp_path, "once")
    hold_for_test(later, how_to_record="pytest x", root=tmp_path, run_started_at=time.time() + 1)
    assert ask(later, provider, "three").status_code == 424
