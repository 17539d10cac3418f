from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import ask
from wirecache import KeyOptions
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import key_of
from wirecache._core.keys.recorded import counted_options, recorded_key

CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 1}}}


def key(value: Any, options: KeyOptions = KeyOptions(), **headers: str) -> str:
    request = ask("https://h/mcp", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return recorded_key(request, parse_body(json.dumps(value).encode(), b"application/json"), options)


def test_the_ids_of_json_rpc_do_not_count() -> None:
    assert key(CALL) == key({**CALL, "id": "x"}) == key({**CALL, "params": {**CALL["params"], "_meta": {"progressToken": 9}}})  # type: ignore[dict-item]
    assert key([CALL]) == key([{**CALL, "id": 4}])


@pytest.mark.parametrize(
    "other",
    [{**CALL, "method": "tools/list"}, {**CALL, "params": {"name": "add", "arguments": {"a": 2}}}, [CALL], {**CALL, "jsonrpc": "1.0"}],
)
def test_everything_else_does(other: Any) -> None:
    assert key(CALL) != key(other)


def test_the_id_of_anything_else_does() -> None:
    assert key({"id": 1}) != key({"id": 2})


def test_what_is_no_json_rpc_has_the_key_of_a_cache() -> None:
    for raw in (b'{"model":"m"}', b"", b"text", b"3"):
        body = parse_body(raw, b"application/json")
        assert recorded_key(ask(), body) == key_of(ask(), body)


def test_the_event_after_which_a_stream_is_resumed_counts() -> None:
    assert key(None) != key(None, last_event_id="1") != key(None, last_event_id="2")
    options = KeyOptions(headers=("x-mine",))
    assert key(None, options, last_event_id="1", x_mine="a") != key(None, options, last_event_id="1", x_mine="b")
    assert counted_options(ask(headers={"last-event-id": "1"}), options).headers == ("x-mine", "last-event-id")
    assert counted_options(ask(), options) is options


def test_namespace_and_sample_count_as_in_a_cache() -> None:
    body = parse_body(b'{"model":"m"}', b"application/json")
    assert recorded_key(ask(), body, KeyOptions(), "team", 2) == key_of(ask(), body, KeyOptions(), "team", 2)
    assert len({recorded_key(ask(), body, KeyOptions(), *more) for more in ((), ("team",), ("", 1), ("team", 2))}) == 4
