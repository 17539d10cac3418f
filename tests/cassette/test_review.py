"""A cassette is read in a pull request: what changes in an answer changes a few lines, and nothing else does."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cassette.test_cassette import files
from tests.faces.ask import chat
from tests.provider import CHAT_EVENTS, Answer, Provider, events
from wirecache import Cassette, cached_client

Open = Callable[..., Cassette]
# What tells of the recording itself: when, how long it took.
OF_THE_MOMENT = ('"recorded_at"', '"seconds"', '"date"')


def record(tape: Cassette, provider: Provider, answer: Answer, **body: Any) -> None:
    provider.script = lambda _: answer
    with tape, cached_client(tape) as client:
        client.post(provider.url + "/v1/chat/completions", json={"model": "m", **body})


def changed(old: str, new: str) -> list[str]:
    """The new lines, but those of the moment."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    added = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
    return [line[1:].strip() for line in added if not any(name in line for name in OF_THE_MOMENT)]


def twice(cassette: Open, folder: Path, provider: Provider, one: Answer, other: Answer, **body: Any) -> list[str]:
    """What the second recording changed in the file of the first."""
    record(cassette("once"), provider, one, **body)
    (path,) = files(folder)
    before = path.read_text("utf-8")
    record(cassette("all"), provider, other, **body)
    assert files(folder) == [path]
    return changed(before, path.read_text("utf-8"))


def test_an_equal_answer_changes_nothing(provider: Provider, cassette: Open, folder: Path) -> None:
    assert twice(cassette, folder, provider, Answer.of(chat("blue")), Answer.of(chat("blue"))) == []


def test_another_answer_changes_its_line(provider: Provider, cassette: Open, folder: Path) -> None:
    assert twice(cassette, folder, provider, Answer.of(chat("blue")), Answer.of(chat("red"))) == ['"content": "red"']


def test_another_count_changes_its_lines(provider: Provider, cassette: Open, folder: Path) -> None:
    one, other = ({**chat("blue"), "usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (7, 8))
    changes = twice(cassette, folder, provider, Answer.of(one), Answer.of(other))
    assert changes == ['"usage": {"input": 5, "output": 8},', '"completion_tokens": 8']


@pytest.mark.parametrize("more", [0, 1])
def test_another_event_changes_its_line(provider: Provider, cassette: Open, folder: Path, more: int) -> None:
    """All that came at other times differs in its time, too: the events without it are compared."""
    changed_events = json.loads(json.dumps(CHAT_EVENTS))
    changed_events[1]["choices"][0]["delta"]["content"] = "zwei "
    changed_events += [CHAT_EVENTS[0]] * more

    def recorded_lines(name: str, values: list[Any]) -> list[str]:
        tape = cassette(name)
        record(tape, provider, events(*values), stream=True)
        (path,) = files(folder)
        return [line.partition('"data"')[2] for line in path.read_text("utf-8").splitlines() if '"data"' in line]

    before = recorded_lines("once", CHAT_EVENTS)
    after = recorded_lines("all", changed_events)
    assert len(after) == len(before) + more
    assert len(set(after) - set(before)) == 1


def test_the_order_of_a_request_s_members_changes_nothing(provider: Provider, cassette: Open, folder: Path) -> None:
    answer = Answer.of(chat("blue"))
    record(cassette("once"), provider, answer, a=1, b={"c": 2, "d": 3})
    (path,) = files(folder)
    before = path.read_text("utf-8")
    provider.script = lambda _: answer
    with cassette("all") as tape, cached_client(tape) as client:
        client.post(provider.url + "/v1/chat/completions", content=b'{"b": {"d": 3, "c": 2}, "model": "m", "a": 1.0}')
    assert files(folder) == [path]
    assert changed(before, path.read_text("utf-8")) in ([], ['"a": 1.0,'])


def test_a_file_ends_with_a_line_feed_and_has_no_long_or_trailing_space(provider: Provider, cassette: Open, folder: Path) -> None:
    record(cassette("once"), provider, Answer.of(chat("blue")))
    text = files(folder)[0].read_text("utf-8")
    assert text.endswith("}\n")
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert "\r" not in text
