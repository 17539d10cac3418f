"""What a scan finds in cassettes of any origin, and that it finds nothing in what was redacted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.core.play import quick
from tests.core.privacy.samples import JSON_ORDINARY, MIX, ORDINARY, PLANTED, SECRETS
from tests.core.privacy.test_redaction import secretive
from wirecache._core.privacy.redaction import DEFAULT, Redactor
from wirecache._core.privacy.scan import leaks

KEY = SECRETS["groq"]


def kinds(text: str, lines: bool = True) -> list[tuple[int, str]]:
    return [(leak.line, leak.kind) for leak in leaks(text, DEFAULT, lines)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('{\n "x-api-key": "abc"\n}', [(2, "x-api-key")], id="a member"),
        pytest.param('{"X-Api-Key":["abc"]}', [(1, "x-api-key")], id="the first of a list"),
        pytest.param('{"client_secret": {"value": "abc"}}', [(1, "client_secret")], id="the realtime API's"),
        pytest.param('{"headers": [["x-api-key", "abc"], ["a", "b"]]}', [(1, "x-api-key")], id="a pair"),
        pytest.param("{'password': 'it is \"x\"'}", [(1, "password")], id="as Python spells it"),
        pytest.param("a: b\nAuthorization: Token xyz\n", [(2, "authorization")], id="a header line"),
        pytest.param("  authorization:\n      - secret\n  accept:\n  - b\n", [(2, "authorization")], id="vcrpy's list"),
        pytest.param("- 'x-api-key' : \"abc\"\r\n- b: c\r\n", [(1, "x-api-key")], id="quoted"),
        pytest.param("x-api-key: [abc]", [(1, "x-api-key")], id="a list in one line"),
        pytest.param("    Set-Cookie:\n    - __cf=x; path=/\n", [(2, "set-cookie")], id="a cookie"),
        pytest.param("openai-organization:\n- user-1\n", [(2, "openai-organization")], id="whose account it is"),
        pytest.param('body: \'{"api_key": "abc"}\'', [(1, "api_key")], id="a body in a cassette"),
        pytest.param("uri: https://h/x?key=abc&a=1", [(1, "URL")], id="a URL"),
        pytest.param(f"\n\nprompt: my key is {KEY}", [(3, "Groq key")], id="a shape"),
        pytest.param(f'"authorization": "Bearer {KEY}"', [(1, "Groq key")], id="named and shaped is one"),
        pytest.param('{"a": "sk\\u002d' + MIX + '"}', [(1, "sk- key")], id="behind an escape"),
        pytest.param('{"a": "sk\\u002d' + MIX + '\t"}', [(1, "sk- key")], id="beside a control character that JSON forbids"),
        pytest.param('["a\\x", "sk\\u002d' + MIX + '"]', [(1, "sk- key")], id="after an escape that JSON does not have"),
        pytest.param(KEY, [(1, "Groq key")], id="all that there is"),
    ],
)
def test_what_is_found(text: str, found: list[tuple[int, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *ORDINARY,
        "authorization:\n- REDACTED\nx-api-key: '**********'\napi_key: ${{ secrets.KEY }}\npassword: <password>\ntoken: abc\nsecret:\n",
        '{"authorization": "Bearer REDACTED", "api_key": "", "password": null, "cookie": "[FILTERED]", "secret": "DUMMY"}',
        '{"required": ["password", "name"], "authorization": "Bearer {token}", "api_key": "YOUR_API_KEY", "apikey": "$KEY"}',
        "uri: https://h/x?key=REDACTED&a=1",
        "password:\nnext: 1\n",
    ],
)
def test_what_is_not(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize("value", JSON_ORDINARY)
def test_ordinary_json(value: Any) -> None:
    assert kinds(json.dumps(value, indent=1), lines=False) == kinds(json.dumps([value]), lines=False) == []


def test_a_type_in_a_program_is_no_member() -> None:
    assert kinds("    password: str\n    api_key: Key = other\n", lines=False) == []


@pytest.mark.parametrize(("text", "secret"), PLANTED)
def test_no_leak_shows_its_secret(text: str, secret: str) -> None:
    for planted in (text, json.dumps({"a": text, "password": secret}), f"password: {secret}"):
        found = list(leaks(planted, DEFAULT, lines=True))
        assert found
        assert all(secret not in leak.shown for leak in found)


@quick
@given(secretive)
def test_what_is_redacted_has_no_leak(value: Any) -> None:
    for indent in (None, 2):
        kept = DEFAULT.json_text(json.dumps(value, indent=indent))
        assert list(leaks(kept, DEFAULT)) == []


def test_names_and_patterns_of_a_user() -> None:
    redactor = Redactor(names=["x-tenant"], patterns=[r"EMP-\d+"])
    found = [(leak.kind, leak.shown) for leak in leaks("x-tenant: acme\nby EMP-12345678", redactor, lines=True)]
    assert found == [("x-tenant", "... (4 characters)"), ("pattern", "EMP-... (12 characters)")]


def test_an_escaped_string_that_is_no_json_is_passed_over() -> None:
    assert kinds(r'"a\x" "b\u0020"') == []


def test_what_is_shown_of_a_url_and_of_an_escaped_string() -> None:
    assert [leak.shown for leak in leaks("uri: https://h/x?key=abc&a=1", DEFAULT)] == ["https://h/x?key=REDACTED&a=1"]
    (escaped,), (plain,) = (list(leaks('{"a": "' + f"sk{hyphen}{MIX}" + '"}', DEFAULT)) for hyphen in ("\\u002d", "-"))
    assert escaped == plain
