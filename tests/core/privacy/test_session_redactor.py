from __future__ import annotations

import json

import pytest

from tests.core.play import ask
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache._core.privacy.session_redactor import SessionRedactor


def test_a_value_that_was_secret_by_name_is_secret_in_text() -> None:
    session = SessionRedactor(DEFAULT)
    assert session.text("log in with hunter2") == "log in with hunter2"
    session.value({"password": "hunter2"})
    assert session.text("log in with hunter2, not hunter22") == "log in with REDACTED, not hunter22"
    assert session.json_text('{"a": "{\\"p\\": \\"hunter2\\"}"}') == '{"a": "{\\"p\\": \\"REDACTED\\"}"}'
    assert session.known == 1


@pytest.mark.parametrize(
    "teach",
    [
        lambda session: session.url("https://h/?refresh_token=swordfish%2B1"),
        lambda session: session.data(b"a=1&password=swordfish%2B1"),
        lambda session: session.part('form-data; name="pwd"', b"swordfish+1"),
        lambda session: session.json_text('{"secret": "swordfish\\u002b1"}'),
        lambda session: redacted_request(ask(), parse_body(b"pwd=swordfish%2B1", b"application/x-www-form-urlencoded"), session),
    ],
)
def test_each_place_with_names_teaches(teach: object) -> None:
    session = SessionRedactor(DEFAULT)
    teach(session)  # type: ignore[operator]
    assert session.text("it is swordfish+1.") == "it is REDACTED."


@pytest.mark.parametrize("value", ["", "a", "test", "string", "changeme", "your-password-here", "<password>", "1234", "REDACTED", "none"])
def test_ordinary_values_teach_nothing(value: str) -> None:
    session = SessionRedactor(DEFAULT)
    session.value({"password": value})
    assert session.known == 0


@pytest.mark.parametrize(
    ("value", "known"),
    [("tul1p", 1), ("tu1p", 0), ("tulip", 0), ("tulips", 1), ("12345", 0), ("123456", 1), ("a1" * 2048, 1), ("a1" * 2048 + "b", 0)],
    ids=["mixed", "mixed and short", "a short word", "a word", "a short number", "a number", "long", "too long"],
)
def test_how_long_a_value_must_be_to_teach(value: str, known: int) -> None:
    session = SessionRedactor(DEFAULT)
    session.value({"password": value})
    assert session.known == known


@pytest.mark.parametrize("value", ["", "REDACTED"])
def test_what_is_no_secret_stays_as_it_is(value: str) -> None:
    assert SessionRedactor(DEFAULT).value({"password": value}) == {"password": value}


def test_a_request_that_names_a_secret_after_its_text() -> None:
    content = json.dumps({"messages": [{"content": "it is hunter2"}, {"input": {"password": "hunter2"}}]}).encode()
    _, body = redacted_request(ask(), parse_body(content, b"application/json"), SessionRedactor(DEFAULT))
    assert "hunter2" not in json.dumps(body.value)


def test_a_snapshot_learns_nothing_and_the_base_stays() -> None:
    base = Redactor(names=["plan"])
    session = SessionRedactor(base)
    assert session.snapshot() is base
    session.value({"plan": "hunter2"})
    snapshot = session.snapshot()
    snapshot.value({"plan": "swordfish"})
    session.value({"plan": "tulips4ever"})
    assert snapshot.text("hunter2 swordfish tulips4ever") == "REDACTED swordfish tulips4ever"
    assert base.text("hunter2") == "hunter2"


def test_an_answer_teaches_what_it_names() -> None:
    session = SessionRedactor(DEFAULT)
    session.learn_from_answer(b'data: {"input": {"password": "hunter2"}}\n\n', "log in")
    assert session.text("it is hunter2") == "it is REDACTED"


@pytest.mark.parametrize("request_text", ["log in with hunter2", r'{"text": "log in:\nhunter2"}'])
def test_what_the_request_of_the_answer_has_in_clear_is_not_learned_later_either(request_text: str) -> None:
    session = SessionRedactor(DEFAULT)
    session.learn_from_answer(b'{"password": "hunter2"}', request_text)
    assert session.value({"password": "hunter2", "text": "it is hunter2"}) == {"password": "REDACTED", "text": "it is hunter2"}
    assert session.known == 0


def test_a_part_of_a_word_is_not_in_clear() -> None:
    session = SessionRedactor(DEFAULT)
    session.learn_from_answer(b'{"password": "hunter2"}', "hunter22")
    assert session.known == 1


def test_a_copy_learns_by_itself() -> None:
    session = SessionRedactor(Redactor(patterns=["x{9}"]))
    session.value({"password": "hunter2"})
    copied = session.copy()
    copied.value({"password": "swordfish"})
    assert session.text("hunter2 swordfish xxxxxxxxx") == "REDACTED swordfish REDACTED"
    assert copied.text("hunter2 swordfish xxxxxxxxx") == "REDACTED REDACTED REDACTED"


def test_the_base_of_a_session_knows_nothing_and_an_empty_copy_either() -> None:
    session = SessionRedactor(DEFAULT)
    assert session.base is DEFAULT
    copied = session.copy()
    assert (copied.known, copied.text("hunter2")) == (0, "hunter2")


def test_what_an_answer_redacted_itself_teaches_nothing() -> None:
    session = SessionRedactor(DEFAULT)
    session.learn_from_answer(b'{"password": "REDACTED", "secret": ""}', "")
    assert session.known == 0
