"""What stands in a request in place of what another one with its key has: where that cannot be told, nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import KeyOptions
from wirecache._core.keys.left_out import exchanged_values, left_out_of, left_out_once
from wirecache._core.messages import RequestSummary

OPTIONS = KeyOptions(normalize="coding-agent")
SUMMARY = RequestSummary("POST", "https://h/v1/messages", "", None, {})


def exchanged(recorded: Any, current: Any, options: KeyOptions = OPTIONS, **summary: Any) -> dict[str, str]:
    found = entry(request_body=json.dumps(recorded).encode(), summary=replace(SUMMARY, **summary).to_bytes())
    return exchanged_values(found, parse_body(json.dumps(current).encode()), options)


@pytest.mark.parametrize(
    ("recorded", "current", "expected"),
    [
        ({"t": "/tmp/a"}, {"t": "/tmp/b"}, {"/tmp/a": "/tmp/b"}),
        ({"b": "/tmp/a", "a": "/tmp/x"}, {"a": "/tmp/y", "b": "/tmp/b"}, {"/tmp/a": "/tmp/b", "/tmp/x": "/tmp/y"}),
        ({"t": "/tmp/a /tmp/x"}, {"t": "/tmp/x /tmp/a"}, {"/tmp/a": "/tmp/x", "/tmp/x": "/tmp/a"}),
        ({"t": "/tmp/a"}, {"t": "/tmp/a"}, {}),
        ({"t": "/tmp/a-1 /tmp/a_1 /tmp/a-1"}, {"t": "/tmp/b_2 /tmp/b-2 /tmp/b-2"}, {"/tmp/a_1": "/tmp/b-2"}),  # what is /tmp/a-1?
        ({"t": "/tmp/a /tmp/x", "u": "/tmp/a"}, {"t": "/tmp/b /tmp/y"}, {"/tmp/x": "/tmp/y"}),  # a place that is not there
        ({"t": "/tmp/a /tmp/x"}, {"t": "/tmp/b"}, {"/tmp/a": "/tmp/b"}),
        ({"t": 1}, {"t": "/tmp/b"}, {}),
        ({"t": "/tmp/a"}, {"t": 1}, {}),
    ],
)
def test_values_at_the_same_place(recorded: Any, current: Any, expected: dict[str, str]) -> None:
    assert exchanged(recorded, current) == expected


def test_members_that_are_ignored_have_no_place() -> None:
    options = replace(OPTIONS, ignore_body=("/m/0",))
    assert exchanged({"m": ["/tmp/x", "/tmp/a"]}, {"m": ["none", "/tmp/b"]}, options) == {"/tmp/a": "/tmp/b"}


def test_a_request_that_is_not_kept_whole_has_its_values_beside_it() -> None:
    body = parse_body(json.dumps({"t": "/tmp/a /tmp/x /tmp/a"}).encode())
    kept = left_out_once(body, OPTIONS)
    assert kept == (("/t#0", "/tmp/a"), ("/t#1", "/tmp/x"))
    assert exchanged({"t": "cut"}, {"t": "/tmp/b /tmp/y /tmp/b"}, whole=False, left_out=kept) == {"/tmp/a": "/tmp/b", "/tmp/x": "/tmp/y"}
    assert exchanged({"t": "cut"}, {"t": "/tmp/b /tmp/y /tmp/b"}, whole=False) == {}


def test_bodies_without_values() -> None:
    assert left_out_of(parse_body(b"/tmp/a"), OPTIONS) == {}
    found = entry(request_body=b"/tmp/a", summary=SUMMARY.to_bytes())
    assert exchanged_values(found, parse_body(b'{"t": "/tmp/b"}'), OPTIONS) == {}
