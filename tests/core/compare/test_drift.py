from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.compare.drift import drift
from wirecache._core.messages import Chunk, Entry, pack_chunks


def answered(body: Any, status: int = 200, kind: str = "application/json", **changes: Any) -> Entry:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return entry(body=raw, status=status, headers=((b"content-type", kind.encode()),), **changes)


def streamed(*events: Any, timed: bool = True) -> Entry:
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return answered(raw, kind="text/event-stream", chunk_times=pack_chunks([Chunk(len(raw), 0.1)]) if timed else b"")


def found(recorded: Entry, live: Entry, text: bool = False) -> list[tuple[str, str, str]]:
    return [(difference.pointer, difference.stored, difference.requested) for difference in drift(recorded, live, text=text)]


def says(text: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id of {text}",
        "choices": [{"index": 0, "message": {"content": text}, **more}],
        "usage": {"total_tokens": len(str(text))},
    }


@pytest.mark.parametrize(
    ("recorded", "live"),
    [
        pytest.param(says("a"), says("b"), id="other values"),
        pytest.param({"n": 1}, {"n": 1.5}, id="1 and 1.5"),
        pytest.param({"n": None}, {"n": "text"}, id="null once"),
        pytest.param({"n": {"a": 1}}, {"n": None}, id="null now"),
        pytest.param({"items": [1]}, {"items": [1, 2, 3]}, id="more items"),
        pytest.param({"items": []}, {"items": [{"a": 1}]}, id="no items once"),
        pytest.param({"items": [{"a": 1}, {"b": 2}]}, {"items": [{"b": 1}, {"a": 2}]}, id="items in another order"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="members in another order"),
        pytest.param(b"", b"", id="nothing"),
        pytest.param([], [], id="lists"),
    ],
)
def test_no_drift(recorded: Any, live: Any) -> None:
    assert found(answered(recorded), answered(live)) == []


@pytest.mark.parametrize(
    ("recorded", "live", "pointer", "stored", "requested"),
    [
        pytest.param({"a": 1}, {}, "/a", "'a number'", "absent", id="a member that is gone"),
        pytest.param({}, {"a": {"b": 1}}, "/a", "absent", "dict of 1", id="a new member"),
        pytest.param({"a": 1}, {"a": "1"}, "/a", '"a number"', '"a string"', id="another type"),
        pytest.param({"a": True}, {"a": 1}, "/a", '"true or false"', '"a number"', id="true is not a number"),
        pytest.param({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}, "/a/*/b", '"a number"', '"a string"', id="in a list"),
        pytest.param({"a": {}}, {"a": []}, "/a", "dict of 0", "list of 1", id="a list for an object"),
        pytest.param({"a/b": {"~": 1}}, {"a/b": {"~": ""}}, "/a~1b/~0", '"a number"', '"a string"', id="names that are escaped"),
        pytest.param([], {}, "/", "list of 1", "dict of 0", id="at the top"),
    ],
)
def test_drift_of_shape(recorded: Any, live: Any, pointer: str, stored: str, requested: str) -> None:
    assert found(answered(recorded), answered(live)) == [(pointer, stored, requested)]


def test_status_and_media_type() -> None:
    assert found(answered({}, 200), answered({}, 503)) == [("status", "200", "503")]
    differences = found(answered({}), answered(b"<html>", kind="text/html; charset=utf-8"))
    assert differences[0] == ("content-type", '"application/json"', '"text/html"')


def test_an_answer_that_is_not_json_any_more() -> None:
    assert found(answered({"a": 1}), answered(b"upstream is down")) != []


def test_text_only_where_required() -> None:
    one, other = answered(says("It is blue.")), answered(says("It is red."))
    assert found(one, other) == []
    assert found(one, other, text=True) == [("text", '"It is blue."', '"It is red."')]
    assert found(one, one, text=True) == []


CHUNKS = [says(None, delta={"content": word}) for word in ("a", "b", "c")]


def test_events_of_one_type_have_one_shape() -> None:
    one = streamed({"type": "start", "id": 1}, {"type": "delta", "text": "a"}, {"type": "delta", "text": "b"}, {"type": "stop"})
    fewer = streamed({"type": "start", "id": 1}, {"type": "delta", "text": "ab"}, {"type": "stop"})
    assert found(one, fewer) == []
    other = streamed({"type": "start", "id": "1"}, {"type": "delta", "text": "ab"}, {"type": "end"})
    assert [pointer for pointer, _, _ in found(one, other)] == ["/start/id", "/stop", "/end"]


def test_the_number_of_events_does_not_count() -> None:
    assert found(streamed(*CHUNKS), streamed(CHUNKS[0])) == []


def test_a_stream_that_was_recorded_without_times() -> None:
    one, other = [{"type": "start", "id": 1}, {"type": "stop"}], [{"type": "start", "id": 2}, {"type": "stop"}]
    assert found(streamed(*one, timed=False), streamed(*other)) == []
    assert found(streamed(*one, timed=False), streamed(other[0])) != []


def test_the_text_of_streams() -> None:
    one = streamed(*({"choices": [{"delta": {"content": word}}]} for word in ("It is ", "blue.")))
    cut_otherwise = streamed(*({"choices": [{"delta": {"content": word}}]} for word in ("It ", "is blue", ".")))
    assert found(one, cut_otherwise, text=True) == []


def test_of_what_a_reader_ended_only_the_part_that_both_have_is_compared() -> None:
    typed = [{"type": "a", "n": 1}, {"type": "b", "delta": {"text": "one"}}, {"type": "b", "delta": {"text": " two"}}, {"type": "c"}]
    part = streamed(*typed[:2])._replace(ended_by_reader=True)
    assert found(part, streamed(*typed), text=True) == []
    assert found(part, streamed({"type": "a", "n": "x"}, *typed[1:])) == [("/a/n", '"a number"', '"a string"')]
    assert [pointer for pointer, *_ in found(part, streamed(typed[0], {"type": "b", "delta": {"text": "two"}}), text=True)] == ["text"]
    assert found(answered(b'{"n": ', ended_by_reader=True), answered({"n": 1})) == []
    assert [pointer for pointer, *_ in found(part, answered({"n": 1}, status=500))] == ["status", "content-type"]


def test_a_stream_is_one_whatever_type_is_declared() -> None:
    events = streamed({"type": "a", "n": 1}, {"type": "b"})
    as_text = events._replace(headers=((b"content-type", b"text/plain"),))
    more = streamed({"type": "a", "n": 1}, {"type": "b", "m": 1})._replace(headers=as_text.headers)
    assert found(as_text, more) == [("/b/m", "absent", "'a number'")]
