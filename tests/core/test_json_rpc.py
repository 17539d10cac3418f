from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._core.json_rpc import (
    Edit,
    edits_of,
    edits_of_events,
    event_ids,
    has_reply,
    is_json_rpc,
    request_ids,
    without_ids,
)

CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "add", "arguments": {"id": 3}, "_meta": {"progressToken": 3}}}


def edited(body: bytes, edits: list[Edit]) -> bytes:
    for edit in reversed(edits):
        body = body[: edit.start] + edit.text + body[edit.end :]
    return body


def exchanged(body: str, **ids: str) -> str:
    """Return the body with its ids exchanged: ``_3="7"`` is the number, ``a="b"`` the text."""
    by_json = {name.removeprefix("_") if name.startswith("_") else json.dumps(name): other for name, other in ids.items()}
    return edited(body.encode(), edits_of(body.encode(), by_json)).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CALL, True), ([CALL, CALL], True), ([], False), ([CALL, {}], False), ({"jsonrpc": "1.0"}, False), ({"id": 1}, False), ("x", False),
        (None, False),
    ],
)  # fmt: skip
def test_what_is_json_rpc(value: Any, expected: bool) -> None:
    assert is_json_rpc(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            CALL,
            {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "add", "arguments": {"id": 3}}},
            id="ids of its own only, not those of a tool",
        ),
        pytest.param({"jsonrpc": "2.0", "id": "a", "method": "tools/list"}, {"jsonrpc": "2.0", "method": "tools/list"}, id="no parameters"),
        pytest.param({"jsonrpc": "2.0", "id": 1, "result": {"id": 1}}, {"jsonrpc": "2.0", "result": {"id": 1}}, id="a reply of the client"),
        pytest.param(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3, "reason": "late"}},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"reason": "late"}},
            id="what is cancelled",
        ),
        pytest.param(
            {"jsonrpc": "2.0", "method": "m", "params": {"_meta": {"traceparent": "00-a-b-01", "tracestate": "x=y", "mine": 1}}},
            {"jsonrpc": "2.0", "method": "m", "params": {"_meta": {"mine": 1}}},
            id="the trace that it belongs to",
        ),
        pytest.param(
            {"jsonrpc": "2.0", "method": "m", "params": {"_meta": {"baggage": "x"}}}, {"jsonrpc": "2.0", "method": "m"}, id="only a trace"
        ),
        pytest.param(
            {"jsonrpc": "2.0", "id": 1, "method": "m", "params": [1]}, {"jsonrpc": "2.0", "method": "m", "params": [1]}, id="a list"
        ),
    ],
)
def test_what_does_not_count(value: Any, expected: Any) -> None:
    before = json.dumps(value)
    assert without_ids(value) == expected
    assert without_ids([value, value]) == [expected, expected]
    assert json.dumps(value) == before, "the message itself stays as it is"


def test_the_ids_of_requests() -> None:
    reply = {"jsonrpc": "2.0", "id": 9, "result": {}}
    notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert request_ids(CALL) == ["3", "3"]
    assert request_ids([notification, {"jsonrpc": "2.0", "id": "a", "method": "m"}, reply]) == ['"a"', ""]
    assert request_ids("no object") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('{"jsonrpc":"2.0","id":3,"result":{"id":3}}', '{"jsonrpc":"2.0","id":7,"result":{"id":3}}', id="a result"),
        pytest.param(' { "error" : {"id": 3} , "id" : 3 }\n', ' { "error" : {"id": 3} , "id" : 7 }\n', id="an error, with white space"),
        pytest.param('{"id":"a","result":"\\u00e9 \u00e9"}', '{"id":"b","result":"\\u00e9 \u00e9"}', id="a text"),
        pytest.param('{"id":"\\u0061","result":0}', '{"id":"b","result":0}', id="an id in another spelling"),
        pytest.param('{"id":3,"method":"sampling/createMessage"}', None, id="a request of the server has an id of its own"),
        pytest.param('{"id":4,"result":{}}', None, id="the id of another request"),
        pytest.param('{"id":3.0,"result":{}}', None, id="another number"),
        pytest.param('{"id":"3","result":{}}', None, id="a text is no number"),
        pytest.param('{"id":null,"error":{}}', None, id="no id is known"),
        pytest.param(
            '{"method":"notifications/progress","params":{"progress":3,"progressToken":3}}',
            '{"method":"notifications/progress","params":{"progress":3,"progressToken":7}}',
            id="progress",
        ),
        pytest.param('{"method":"notifications/message","params":{"progressToken":3}}', None, id="another notification"),
        pytest.param('{"method":"notifications/progress","params":[3]}', None, id="progress of no known form"),
        pytest.param(
            '[{"id":3,"result":{}},{"id":"a","result":[]} , {}]', '[{"id":7,"result":{}},{"id":"b","result":[]} , {}]', id="a batch"
        ),
        pytest.param("[]", None, id="an empty batch"),
        pytest.param("", None, id="nothing"),
        pytest.param("3", None, id="a number"),
        pytest.param('{"id":3,"result":', None, id="what is cut"),
    ],
)
def test_ids_are_exchanged_and_every_other_byte_stays(body: str, expected: str | None) -> None:
    assert exchanged(body, _3="7", a='"b"') == (body if expected is None else expected)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@quick
@given(result=VALUES, before=st.integers() | st.text(), after=st.integers() | st.text(), indent=st.none() | st.integers(0, 3))
def test_any_reply_of_any_id(result: Any, before: Any, after: Any, indent: int | None) -> None:
    message = {"first": result, "jsonrpc": "2.0", "id": before, "result": result}
    text = json.dumps(message, ensure_ascii=False, indent=indent)
    body = text.encode("utf-8", "surrogatepass")
    if "\ud800" <= max(text, default="") <= "\udfff":
        return
    changed = edited(body, edits_of(body, {json.dumps(before): json.dumps(after)}))
    assert json.loads(changed) == {**message, "id": after}


STREAM = (
    b"id: e1\ndata:\n\n"
    b": a comment\r\n\r\n"
    b'event: message\r\nid: e2\r\ndata: {"method":"notifications/progress","params":{"progressToken":3}}\r\n\r\n'
    b'id: e3\ndata: {"jsonrpc":"2.0",\ndata: "id":3,\ndata:"result":{}}\n\n'
)


def test_ids_in_a_stream_of_events() -> None:
    changed = edited(STREAM, edits_of_events(STREAM, {"3": "1234"}))
    assert changed == STREAM.replace(b'"progressToken":3', b'"progressToken":1234').replace(b'"id":3', b'"id":1234')
    assert edits_of_events(STREAM, {}) == edits_of_events(STREAM, {"3": "3"}) == []
    assert edits_of_events(b"", {"3": "4"}) == []


def test_how_a_stream_can_be_resumed() -> None:
    assert event_ids(STREAM) == [b"e1", b"e2", b"e3"]
    assert event_ids(b"data: id: x\n\nid:\n\n") == []
    assert has_reply(STREAM)
    assert not has_reply(STREAM[: STREAM.index(b"id: e3")])
    assert not has_reply(b'data: {"jsonrpc":"2.0","id":3,"method":"m","result":1}\n\ndata: 3\n\n')
