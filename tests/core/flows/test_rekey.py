from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import CHAT, KEY, entry
from tests.embedder import OPENAI, Embedder, body_for
from tests.provider_events import CHAT as CHAT_EVENTS
from wirecache import KeyOptions, make_key
from wirecache._core.flows.rekey import import_refusal_reason, recomputed_key, rekeyed, split_entry
from wirecache._core.keys.keys import DEFAULT_KEY
from wirecache._core.messages import Entry, RequestSummary

BODY = b'{"model":"m","user":"u"}'
EVENT_STREAM = ((b"content-type", b"text/event-stream"),)


def recorded(**changes: Any) -> Entry:
    """Return an entry of a chat request; ``changes`` are those of its request's summary."""
    summary = RequestSummary(**{"method": "POST", "url": CHAT, "endpoint": "chat", "model": "m", "fields": {}, **changes})
    return entry(summary=summary.to_bytes(), request_body=BODY)


@pytest.mark.parametrize("options", [KeyOptions(), KeyOptions(host=False), KeyOptions(ignore_body=("/user",), headers=("x-a",))])
@pytest.mark.parametrize("fields", [{}, {"anthropic-beta": "b", "x-a": "1"}])
def test_the_key_is_that_of_an_equal_live_request(options: KeyOptions, fields: dict[str, str]) -> None:
    key = make_key("POST", CHAT, fields, BODY, options=options, namespace="team", sample=2)
    assert recomputed_key(recorded(fields=fields, namespace="team", sample=2), options) == key
    assert recomputed_key(recorded(fields=fields, sample=2), options, "team") == key


def test_a_raw_body_is_keyed_with_its_content_type() -> None:
    audio = recorded(content_type="audio/wav")._replace(request_body=b"RIFF")
    assert recomputed_key(audio, DEFAULT_KEY) == make_key("POST", CHAT, {"content-type": "audio/wav"}, b"RIFF")


def test_a_request_that_is_not_kept_whole_keeps_its_key() -> None:
    shortened = recorded(whole=False)
    assert recomputed_key(shortened, KeyOptions(host=False), "team") == KEY
    assert rekeyed(shortened, KeyOptions(host=False), "team") == shortened


def test_an_entry_moves_into_the_namespace_unless_it_has_one() -> None:
    moved = rekeyed(recorded(), DEFAULT_KEY, "team")
    assert (moved.request.namespace, moved.key) == ("team", recomputed_key(recorded(), DEFAULT_KEY, "team"))
    own = recorded(namespace="own")
    assert rekeyed(own, DEFAULT_KEY, "team") == own._replace(key=recomputed_key(own, DEFAULT_KEY))
    assert rekeyed(recorded(), DEFAULT_KEY) == recorded()._replace(key=recomputed_key(recorded(), DEFAULT_KEY))


@pytest.mark.parametrize(
    ("imported", "reason"),
    [
        pytest.param(recorded(), None, id="a good answer"),
        pytest.param(recorded(method="GET"), "GET", id="GET"),
        pytest.param(recorded(method="HEAD"), "HEAD", id="HEAD"),
        pytest.param(recorded()._replace(status=500), "status-500", id="status"),
        pytest.param(recorded()._replace(ended_by_reader=True), "abandoned", id="ended by its reader"),
        pytest.param(recorded()._replace(body=b""), "empty", id="empty"),
        pytest.param(recorded()._replace(body=b'{"cut": '), "malformed", id="malformed"),
        pytest.param(recorded()._replace(body=json.dumps({"error": "x"}).encode()), "error", id="error"),
        pytest.param(recorded()._replace(headers=EVENT_STREAM, body=b"".join(CHAT_EVENTS)), None, id="a whole stream"),
        pytest.param(recorded()._replace(headers=EVENT_STREAM, body=b"".join(CHAT_EVENTS[:2])), "truncated", id="a stream without an end"),
        pytest.param(
            recorded()._replace(headers=EVENT_STREAM, body=b'event: error\ndata: {"error": {}}\n\n'), "error", id="a stream with an error"
        ),
    ],
)
def test_what_a_cache_would_not_have_stored(imported: Entry, reason: str | None) -> None:
    assert import_refusal_reason(imported) == reason


EMBEDDINGS = "https://api.openai.com/v1/embeddings"


def vectors(*items: str, body: bytes | None = None, **changes: Any) -> Entry:
    """Return the entry of a request for the vectors of these items."""
    summary = RequestSummary(**{"method": "POST", "url": EMBEDDINGS, "endpoint": "embeddings", "model": "m", "fields": {}, **changes})
    answer = Embedder().answer(OPENAI, body_for(OPENAI, list(items))).encode() if body is None else body
    return entry(summary=summary.to_bytes(), request_body=json.dumps(body_for(OPENAI, list(items))).encode(), body=answer)


def test_a_recording_of_several_items_is_one_entry_for_each() -> None:
    entries = split_entry(vectors("a", "b", sample=1), DEFAULT_KEY, "team")
    assert isinstance(entries, list)
    bodies = [json.dumps(body_for(OPENAI, item)) for item in ("a", "b")]  # type: ignore[arg-type]
    assert [entry.key for entry in entries] == [make_key("POST", EMBEDDINGS, {}, body, namespace="team", sample=1) for body in bodies]
    assert [(entry.request.namespace, entry.request.sample, entry.stored_at, entry.seconds) for entry in entries] == [
        ("team", 1, 1000.0, 0.25)
    ] * 2
    own = split_entry(vectors("a", "b", namespace="own"), DEFAULT_KEY, "team")
    assert isinstance(own, list)
    assert own[0].request.namespace == "own"


def test_what_is_not_taken_apart() -> None:
    assert split_entry(recorded(), DEFAULT_KEY) is None
    assert split_entry(vectors("a", "b", whole=False), DEFAULT_KEY) is None
    assert split_entry(vectors("a", "b", body=b'{"data": []}'), DEFAULT_KEY) == "items-count"
