"""The request as a cassette knows it: without secrets in path, query, headers or body, and otherwise as it was."""

from __future__ import annotations

import hashlib

import pytest

from tests.core.play import CHAT, ask
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import key_of
from wirecache._core.keys.redacted_request import body_members, body_text, redacted_request
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.privacy.session_redactor import SessionRedactor

SECRETS = ("sk-proj-" + "a1B2c3D4" * 4, "sk-proj-" + "z9Y8x7W6" * 4)
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("url", "content_type", "body"),
    [
        pytest.param(CHAT, "application/json", '{"prompt": "%s"}', id="a JSON text"),
        pytest.param(CHAT, "application/json", '{"password": "%s"}', id="a JSON member by its name"),
        pytest.param(CHAT, FORM, "a=1&password=%s", id="a form"),
        pytest.param(CHAT, PARTS, '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n%s\r\n--b--\r\n', id="a part"),
        pytest.param(CHAT, PARTS, '--b\r\ncontent-disposition: form-data; name="a"; filename="%s"\r\n\r\nx\r\n--b--\r\n', id="a file name"),
        pytest.param(CHAT, "text/plain", "words %s words", id="plain text"),
        pytest.param(CHAT + "?token=%s", "application/json", "{}", id="a query"),
        pytest.param("https://h/v1/%s/chat/completions", "application/json", "{}", id="a path"),
    ],
)
def test_another_secret_finds_the_recording(url: str, content_type: str, body: str) -> None:
    keys = set()
    for secret in SECRETS:
        filled = url % secret if "%s" in url else url
        request = ask(filled, headers={"content-type": content_type})
        shown, shown_body = redacted_request(
            request, parse_body((body % secret if "%s" in body else body).encode(), content_type.encode()), Redactor()
        )
        assert secret.encode() not in shown.path + shown.query + repr(shown_body.value).encode() or shown_body.kind == "raw"
        keys.add(key_of(shown, shown_body))
    assert len(keys) == 1


def test_what_has_no_secret_stays_as_it_is() -> None:
    request, body = ask(headers={"openai-beta": "x"}), parse_body(b'{"a": "b"}')
    assert redacted_request(request, body, Redactor()) == (request, body)


def test_a_header_that_counts_is_looked_at() -> None:
    request = ask(headers={"x-tenant": f"of {SECRETS[0]}"})
    shown, _ = redacted_request(request, parse_body(b""), Redactor(), ("x-tenant",))
    assert shown.fields[b"x-tenant"] == b"of REDACTED"


FILE = '--b\r\ncontent-disposition: form-data; name="f"; filename="x"\r\n\r\n{"password": "s3cr3t"}\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("content_type", "content", "members"),
    [
        (FORM, b"api_key=s3cr3t&n=1", {"api_key": "REDACTED", "n": "1"}),
        (PARTS, FILE.encode(), {"f": {"filename": "x", "content": '{"password": "REDACTED"}'}}),
        (PARTS, FILE.replace("s3cr3t", "\ud83d").encode("utf-8", "surrogatepass"), None),
        ("application/json", b'{"api_key": "s3cr3t"}', {"api_key": "REDACTED"}),
    ],
)
def test_what_is_shown_of_a_body_has_no_secret(content_type: str, content: bytes, members: object) -> None:
    body = parse_body(content, content_type.encode())
    assert "s3cr3t" not in body_text(body, Redactor())
    if members is not None:
        assert body_members(body, Redactor()) == members


def test_a_header_that_is_a_credential_by_its_name_is_gone() -> None:
    request = ask(headers={"x-api-key": "s3cr3t", "openai-beta": "b"})
    shown, _ = redacted_request(request, parse_body(b""), Redactor(), ("x-api-key",))
    assert shown.fields == {b"openai-beta": b"b"}


def test_what_is_percent_encoded_is_looked_at_as_what_it_says() -> None:
    url = "https://h/v1/a%20b/sk%2Dproj%2D" + "a1B2c3D4" * 4 + "?q=it%20is%20fine"
    shown, _ = redacted_request(ask(url), parse_body(b""), Redactor())
    assert (shown.path, shown.query) == (b"/v1/a%20b/REDACTED", b"q=it%20is%20fine")


def test_a_secret_that_is_learned_late_is_redacted_in_what_came_before() -> None:
    session = SessionRedactor(Redactor())
    body = parse_body(b'{"prompt": "it is hunter2", "z": {"password": "hunter2"}}')
    _, shown = redacted_request(ask(), body, session)
    assert shown.value == {"prompt": "it is REDACTED", "z": {"password": "REDACTED"}}


def test_a_form_that_has_no_members_is_shown_by_its_size() -> None:
    twice = b'--b\r\ncontent-disposition: form-data; name="a"\r\nx: 1\r\nx: 2\r\n\r\nhi\r\n--b--\r\n'
    assert body_members(parse_body(twice, PARTS.encode()), Redactor()) == f"({len(twice)} bytes)"
    assert body_members(parse_body(b"plain", b"text/plain"), Redactor()) == "plain"
    files = b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n'
    assert body_members(parse_body(files, PARTS.encode()), Redactor())["a"].startswith("(1 bytes, SHA-256 a8100ae6")


def test_a_part_without_a_disposition_has_no_name() -> None:
    content = b"--b\r\nx: 1\r\n\r\nhi\r\n--b--\r\n"
    body = parse_body(content, PARTS.encode())
    assert redacted_request(ask(), body, Redactor()) == (ask(), body)


def test_bytes_that_are_no_text_stay_beside_a_secret() -> None:
    secret = SECRETS[0]
    shown, _ = redacted_request(ask(f"https://h/v1/%FF%20{secret}?q=%FF%20{secret}&r=a%2Db%3D"), parse_body(b""), Redactor())
    assert (shown.path, shown.query) == (b"/v1/%FF%20REDACTED", b"q=%FF%20REDACTED&r=a%2Db%3D")
    head = b'--b\r\ncontent-disposition: form-data; name="\xff"; filename="%s"\r\n\r\nx\r\n--b--\r\n'
    _, body = redacted_request(ask(), parse_body(head % secret.encode(), PARTS.encode()), Redactor())
    assert body.value == parse_body(head % b"REDACTED", PARTS.encode()).value


def test_a_part_is_a_secret_by_its_name() -> None:
    part = b'--b\r\nx: 1\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n--b--\r\n'
    for name, content, shown in ((b"password", b"hunter2", b"REDACTED"), (b"file", b"hunter2", b"hunter2")):
        _, body = redacted_request(ask(), parse_body(part % (name, content), PARTS.encode()), Redactor())
        assert [text for _, text in body.value] == [shown]


def test_how_a_body_reads() -> None:
    assert body_text(parse_body("a=é&b=1&b=2".encode(), FORM.encode()), Redactor()) == '{"a": "é", "b": ["1", "2"]}'
    assert body_text(parse_body(b"\xff", b"text/plain"), Redactor()) == "\ufffd"
    assert body_members(parse_body(b"a=\xff&a=b", FORM.encode()), Redactor())["a"][1] == "b"


def test_bytes_that_are_no_text_are_shown_by_their_hash_and_in_names_replaced() -> None:
    members = body_members(parse_body(b"a%FF=1&b=%FF&b=1", FORM.encode()), Redactor())
    assert members == {"a\ufffd": "1", "b": [f"(1 bytes, SHA-256 {hashlib.sha256(bytes([255])).hexdigest()})", "1"]}


def test_what_stands_beside_a_secret_is_encoded_as_it_was() -> None:
    url = f"https://h/v1/a=b%20{SECRETS[0]}?r=a%2Db&q=sk%2Dproj%2D{SECRETS[0][8:]}&z=%3D"
    shown, _ = redacted_request(ask(url), parse_body(b""), Redactor())
    assert (shown.path, shown.query) == (b"/v1/a=b%20REDACTED", b"r=a%2Db&q=REDACTED&z=%3D")


def test_a_credential_in_the_head_of_a_part_is_empty() -> None:
    part = '--b\r\nauthorization: %s\r\ncontent-disposition: form-data; name="a"\r\n\r\nhi\r\n--b--\r\n'
    _, body = redacted_request(ask(), parse_body((part % "Basic x").encode(), PARTS.encode()), Redactor())
    assert body.value == parse_body((part % "").encode(), PARTS.encode()).value
