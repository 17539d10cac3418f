"""The stored request that is most like a missed one, and what the caller is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.play import CHAT, ask, entry
from wirecache._core.compare.nearest import nearest_of, with_nearest
from wirecache._core.keys.canonical import canonical_text, parse_body
from wirecache._core.messages import Entry, RequestSummary
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.record_modes import CassettePlan, RecordMode


def stored(body: bytes, url: str = CHAT, **changes: Any) -> Entry:
    summary = RequestSummary(**{"method": "POST", "url": url, "endpoint": "chat", "model": "m", "fields": {}, **changes})
    return entry(summary=summary.to_bytes(), request_body=canonical_text(parse_body(body)))


HELLO = b'{"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}'
WORLD = b'{"model": "m", "messages": [{"role": "user", "content": "Say hello, world."}]}'
OTHER = b'{"model": "m", "prompt": 1}'


def test_the_most_alike_is_found() -> None:
    entries = [stored(OTHER), stored(HELLO), stored(b"{}")]
    found = nearest_of(entries, ask(), parse_body(WORLD), Plan())
    assert found is not None
    assert found.entry is entries[1]
    assert [difference.pointer for difference in found.differences] == ["/messages/0/content"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": CHAT + "?a=1"}, "url"),
        ({"namespace": "other"}, "namespace"),
        ({"sample": 3}, "sample"),
        ({"fields": {"openai-beta": "x"}}, "header openai-beta"),
    ],
)
def test_what_differs_outside_of_the_body(changes: dict[str, Any], pointer: str) -> None:
    found = nearest_of([stored(HELLO, **changes)], ask(), parse_body(HELLO), Plan())
    assert found is not None
    assert [difference.pointer for difference in found.differences] == [pointer]


@pytest.mark.parametrize("entries", [[], [stored(HELLO, "https://h/v1/embeddings")], [stored(HELLO, method="PUT")]])
def test_another_path_or_method_is_not_near(entries: list[Entry]) -> None:
    assert nearest_of(entries, ask(), parse_body(HELLO), Plan()) is None


def test_bodies_that_are_not_json() -> None:
    found = nearest_of([stored(b"plain")], ask(), parse_body(b"other"), Plan())
    assert found is not None
    assert found.differences == ()


def test_forms_differ_in_their_fields_and_show_no_secret() -> None:
    kind = "application/x-www-form-urlencoded"
    entry = stored(b"api_key=s3cr3t&n=1", content_type=kind)
    found = nearest_of([entry], ask(), parse_body(b"api_key=s3cr3u&n=2", kind.encode()), Plan())
    assert found is not None
    assert list(map(str, found.differences)) == ['/n: "1" -> "2"']


def test_how_it_is_shown() -> None:
    found = nearest_of([stored(HELLO)], ask(), parse_body(WORLD), Plan())
    assert found is not None
    line = with_nearest("No answer.", found, "abc", Plan())
    assert line.startswith("No answer. The nearest stored request differs in: /messages/0/content: ")
    plan = Plan(cassette=CassettePlan(RecordMode.NONE, True, DEFAULT, "tape", "run it"))
    lines = with_nearest("Nothing.\nTo record it: run it", found, "chat-abc.json", plan).splitlines()
    assert lines[:2] == ["Nothing.", "The nearest recording, chat-abc.json, differs in:"]
    assert lines[-1] == "To record it: run it"


def test_headers_that_are_equal_are_no_difference() -> None:
    found = nearest_of([stored(HELLO, fields={"openai-beta": "x"})], ask(headers={"openai-beta": "x"}), parse_body(HELLO), Plan())
    assert found is not None
    assert found.differences == ()
