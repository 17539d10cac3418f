from __future__ import annotations

import json

import pytest

from tests.core.play import CHAT, ask, entry
from wirecache._core.flows.refusal import (
    LISTENING,
    explain_bypass,
    explain_end,
    explain_miss,
    explain_missing_items,
    explain_unrecordable,
    explain_unrecorded,
    refusal,
)
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.status import CacheStatus

SECRET = ask(CHAT + "?key=s3cr3t", headers={"authorization": "Bearer s3cr3t"})


def test_the_answer() -> None:
    status, headers, body = refusal('what "it" says,\n é', CacheStatus(fwd="miss", detail="only-if-cached"))
    assert status == 424
    assert dict(headers) == {b"content-type": b"application/json", b"x-should-retry": b"false"}
    assert json.loads(body) == {"error": {"message": "what 'it' says, é", "type": "not_recorded", "code": "not_recorded"}}
    assert "é".encode() in body  # SDKs that show the JSON show the message


def test_a_wrong_option_is_a_bad_request() -> None:
    status, _, body = refusal("x", CacheStatus(fwd="bypass", detail="config-error"))
    assert status == 400
    assert json.loads(body)["error"]["code"] == "config_error"


def test_a_client_that_listens_is_told_that_there_is_no_such_stream() -> None:
    status, _, body = refusal("x", CacheStatus(fwd="miss", detail=LISTENING))
    assert (status, json.loads(body)["error"]["code"]) == (405, "not_recorded")


def test_a_miss_says_what_was_requested_and_what_to_do() -> None:
    message = explain_miss(SECRET, "chat", "gpt-4o")
    assert all(part in message for part in ("POST", CHAT, "chat", "'gpt-4o'", 'mode="auto"', "WIRECACHE_MODE=auto", "namespace"))
    assert "s3cr3t" not in message
    assert " model" not in explain_miss(SECRET, "http", None).partition(".")[0]


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        pytest.param("stream", "streams are only stored with streams=", id="stream"),
        pytest.param("background", "background", id="background"),
        pytest.param("body-size", "larger", id="body-size"),
        pytest.param("upgrade", "websocket", id="upgrade"),
        pytest.param("no-body", "no body", id="no-body"),
        pytest.param("no-rule", "not one that wirecache knows", id="no-rule"),
    ],
)
def test_a_bypass_says_why(reason: str, part: str) -> None:
    message = explain_bypass(SECRET, reason)
    assert part in message
    assert all(words in message for words in ("POST", CHAT, 'mode="auto"', "WIRECACHE_MODE=auto", "Nothing was sent"))
    assert "s3cr3t" not in message


def test_stateful_is_not_an_unknown_path() -> None:
    assert "not one that wirecache knows" not in explain_bypass(SECRET, "stateful")


def test_a_reader_who_wants_more_is_told_which_file_ends_and_what_to_do() -> None:
    cassette = CassettePlan(RecordMode.NONE, True, DEFAULT, "cassettes/one", "run it with X")
    message = explain_end(SECRET, entry(body=b"12345", ended_by_reader=True), "chat-m-1.json", cassette)
    assert all(part in message for part in ("cassettes/one", f"POST {CHAT}", "stopped after 5 bytes", "Nothing was sent"))
    assert message.endswith("To record all of it: delete chat-m-1.json, and run it with X")
    assert "s3cr3t" not in message


KEY = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"


def test_what_looks_like_a_secret_is_in_no_message() -> None:
    for message in (explain_miss(ask(f"{CHAT}/{KEY}"), "chat", KEY), explain_bypass(ask(f"{CHAT}?q={KEY}"), "stream")):
        assert KEY not in message
        assert "REDACTED" in message
    _, _, body = refusal(f"namespace={KEY!r} is wrong", CacheStatus(fwd="bypass", detail="config-error"))
    assert KEY.encode() not in body


CASSETTE = CassettePlan(RecordMode.NONE, True, DEFAULT, "cassettes/one", "run it with X")


def test_missing_items_say_how_many() -> None:
    message = explain_missing_items(SECRET, "m", 2, 3)
    assert message.startswith("2 of 3 items are not stored: ")
    assert "'m'" in message
    assert "s3cr3t" not in message


def test_what_a_cassette_has_not_says_how_it_is_recorded() -> None:
    message = explain_unrecorded(SECRET, "m", CASSETTE)
    assert message.startswith("The cassette cassettes/one has no recording of POST " + CHAT)
    assert all(words in message for words in (" of model 'm'", "(record mode none)", "Nothing was sent.\nTo record it: run it with X"))
    assert " of model" not in explain_unrecorded(SECRET, None, CASSETTE)
    assert "s3cr3t" not in message


def test_what_a_cassette_cannot_hold_says_why() -> None:
    message = explain_unrecordable(SECRET, "upgrade", CASSETTE)
    assert message.startswith("The cassette cassettes/one cannot hold POST " + CHAT)
    assert message.endswith("Nothing was sent (record mode none).")
    assert "s3cr3t" not in message
