"""What is replaced, what stays, and the laws of both."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import documents, texts
from tests.core.play import quick
from tests.core.privacy.samples import IN_CONTEXT, JSON_ORDINARY, MIX, ORDINARY, PLANTED, SECRETS
from wirecache import ConfigError
from wirecache._core.privacy.names import SECRET_NAMES
from wirecache._core.privacy.redaction import DEFAULT, Redactor

# -- text -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "secret"), PLANTED)
@pytest.mark.parametrize("around", ["{}", "My key is {}, ok?", "({})", "x={}\n", "a\n{}\nb", '"{}"', "<{}>", "`{}`", "é{}", "\\n{}"])
def test_a_secret_is_found_wherever_it_stands(text: str, secret: str, around: str) -> None:
    planted = around.replace("{}", text)
    kept = DEFAULT.text(planted)
    assert secret not in kept
    assert "REDACTED" in kept
    assert list(DEFAULT.finds(kept)) == []
    found = list(DEFAULT.finds(planted))
    assert found
    assert all(secret not in find.shown and planted[find.start : find.end] not in find.shown for find in found)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert DEFAULT.text(text) is text
    assert DEFAULT.url(text) == text or "://" in text
    assert json.loads(DEFAULT.json_text(json.dumps({"a": [text]}))) == {"a": [text]}


def test_what_is_around_a_secret_stays() -> None:
    assert DEFAULT.text(f"Bearer {MIX}, and") == "Bearer REDACTED, and"
    assert DEFAULT.text("postgres://a:b@h/x") == "postgres://REDACTED@h/x"
    assert DEFAULT.text(f"https://h/o?X-Amz-Signature={'0a' * 32}&x=1") == "https://h/o?X-Amz-Signature=REDACTED&x=1"


def test_a_find_says_what_it_is_and_shows_four_characters() -> None:
    (found,) = DEFAULT.finds("x " + SECRETS["groq"])
    assert (found.kind, found.start, found.shown) == ("Groq key", 2, f"gsk_... ({len(SECRETS['groq'])} characters)")


pieces = st.sampled_from(
    ["sk-", "a1B2c3D4", "Bearer ", "://", ":", "@", "REDACTED", "eyJ", ".", "?sig=", "&", "_", "-", " ", "\n", "é", "/"]
)
letters = st.lists(pieces, max_size=20).map("".join)


@quick
@given(letters)
def test_text_is_idempotent(text: str) -> None:
    kept = DEFAULT.text(text)
    assert DEFAULT.text(kept) is kept
    assert list(DEFAULT.finds(kept)) == []


@quick
@given(letters, st.sampled_from([r"D\w", r"[A-Z]+", r".+", r"a1|RED", r"(?<=R)E", r"(?=a)", r"x(?P<secret>y)?", r"\d"]))
def test_text_is_idempotent_for_any_pattern(text: str, pattern: str) -> None:
    redactor = Redactor(patterns=[pattern])
    kept = redactor.text(text)
    assert redactor.text(kept) == kept
    assert list(redactor.finds(kept)) == []


# -- JSON -----------------------------------------------------------------------------------------------------------------

names = st.sampled_from(["password", "API-Key", "apiKey", "OPENAI_API_KEY", "client_secret", "Authorization", "value", "token", "key", "x"])
strings = texts | st.sampled_from([*SECRETS.values(), "REDACTED", "Bearer x", *(text for text, _ in IN_CONTEXT.values())])
secretive = st.recursive(
    strings | st.none() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | strings, inner, max_size=4),
    max_leaves=12,
)


@quick
@given(secretive | documents, st.booleans(), st.sampled_from([None, 2]))
def test_value_and_json_text_agree(value: Any, plain: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=plain, indent=indent)
    kept, kept_text = DEFAULT.value(value), DEFAULT.json_text(text)
    assert json.loads(kept_text) == kept
    assert DEFAULT.value(kept) is kept
    assert DEFAULT.json_text(kept_text) == kept_text
    assert list(DEFAULT.finds(kept_text)) == []
    assert (kept is value) == (kept_text == text)
    assert DEFAULT.data(text.encode("utf-8", "surrogatepass")) == kept_text.encode("utf-8", "surrogatepass") or "\\ud" in text


@quick
@given(secretive)
def test_value_never_mutates(value: Any) -> None:
    before = json.dumps(value)
    DEFAULT.value(value)
    assert json.dumps(value) == before


@pytest.mark.parametrize("value", JSON_ORDINARY)
def test_ordinary_json_stays(value: Any) -> None:
    assert DEFAULT.value(value) is value
    for text in (json.dumps(value), json.dumps(value, indent=3), json.dumps({"a": [value]})):
        assert DEFAULT.json_text(text) is text
        assert DEFAULT.data(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param({"a": [{"Api-Key": "x"}]}, {"a": [{"Api-Key": "REDACTED"}]}, id="at depth, in any case"),
        pytest.param(
            {"client_secret": {"value": "x", "expires_at": 1}}, {"client_secret": {"value": "REDACTED", "expires_at": 1}}, id="realtime"
        ),
        pytest.param(
            {"client_secret": {"value": {"value": "x"}}}, {"client_secret": {"value": {"value": "x"}}}, id="only a value directly under it"
        ),
        pytest.param({"authorization": ["Bearer x", 1]}, {"authorization": ["REDACTED", 1]}, id="a list"),
        pytest.param({"password": [["x"], {"a": "b"}]}, {"password": [["x"], {"a": "b"}]}, id="not what is deeper"),
        pytest.param({"env": {"OPENAI_API_KEY": "x"}}, {"env": {"OPENAI_API_KEY": "REDACTED"}}, id="an environment"),
        pytest.param({"passwords": ["x"], "api_keys": ["y"]}, {"passwords": ["REDACTED"], "api_keys": ["REDACTED"]}, id="lists"),
        pytest.param({"name": "DB_PASSWORD", "value": "x"}, {"name": "DB_PASSWORD", "value": "REDACTED"}, id="a variable"),
        pytest.param([{"key": "X-Api-Key", "value": "x"}], [{"key": "X-Api-Key", "value": "REDACTED"}], id="a header"),
        pytest.param({"name": "user", "value": "x"}, {"name": "user", "value": "x"}, id="an ordinary variable"),
        pytest.param({SECRETS["groq"]: 1}, {"REDACTED": 1}, id="as a name"),
        pytest.param("x " + SECRETS["groq"], "x REDACTED", id="a string alone"),
        pytest.param({"arguments": '{"password": "x"}'}, {"arguments": '{"password": "x"}'}, id="what a model wrote, by shape only"),
    ],
)
def test_members(value: Any, kept: Any) -> None:
    assert DEFAULT.value(value) == kept
    assert json.loads(DEFAULT.json_text(json.dumps(value))) == kept


@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
def test_each_name_in_any_spelling(name: str) -> None:
    for spelled in (name, name.upper(), f"my_{name}", f"X-{name}", "-".join(name)):
        assert DEFAULT.value({spelled: "s3cr3t"}) == {spelled: "REDACTED"}
        assert DEFAULT.json_text(f'{{"{spelled}" : "s3cr3t"}}') == f'{{"{spelled}" : "REDACTED"}}'


def test_every_other_byte_of_a_json_text_stays() -> None:
    text = '\ufeff { "a" : 1.0e+3 ,\t"a":"\\u00e9\\/ sk\\u002dKEY\\n" , "password"\n:"\\"x" , "n":-0, "password":"y"}\r\n'.replace(
        "KEY", MIX
    )
    kept = '\ufeff { "a" : 1.0e+3 ,\t"a":"\\u00e9\\/ REDACTED\\n" , "password"\n:"REDACTED" , "n":-0, "password":"REDACTED"}\r\n'
    assert DEFAULT.json_text(text) == kept
    assert DEFAULT.data(text.encode()) == kept.encode()


@pytest.mark.parametrize("secret", [pytest.param(secret, id=name) for name, secret in SECRETS.items()])
def test_escapes_hide_nothing(secret: str) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in secret)
    assert DEFAULT.json_text(f'{{"a":"x {spelled} y"}}') == '{"a":"x REDACTED y"}'
    assert DEFAULT.json_text('{"p\\u0061ssword":"x"}') == '{"p\\u0061ssword":"REDACTED"}'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param('{"a": [{"password": "hunter2", "b": 1', '{"a": [{"password": "REDACTED", "b": 1', id="cut"),
        pytest.param('{"password": "hunt', '{"password": "REDACTED', id="cut in a secret"),
        pytest.param(f'{{"a": "{SECRETS["groq"]}', '{"a": "REDACTED', id="cut in a key"),
        pytest.param(f"{{a: {SECRETS['groq']}}}", "{a: REDACTED}", id="no JSON at all"),
        pytest.param(f"No JSON: {SECRETS['groq']}", "No JSON: REDACTED", id="text"),
        pytest.param("", "", id="nothing"),
        pytest.param("12", "12", id="a number"),
    ],
)
def test_what_is_no_json_document(text: str, kept: str) -> None:
    assert DEFAULT.json_text(text) == kept
    assert DEFAULT.data(text.encode()) == kept.encode()


def test_numbers_are_no_text() -> None:
    redactor = Redactor(patterns=[r"\d{4}"])
    assert redactor.json_text('[12345, "12345"]') == '[12345, "REDACTED5"]'
    assert redactor.value([12345, "12345"]) == [12345, "REDACTED5"]


# -- bytes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "prefix", [pytest.param("data: ", id="events"), pytest.param("data:", id="events, no space"), pytest.param("", id="lines")]
)
def test_streams_line_by_line(prefix: str, end: str) -> None:
    def stream(password: str, key: str) -> bytes:
        lines = [
            f'{prefix}{{"password" : "{password}", "n":1.0}}',
            "",
            "event: x",
            f'{prefix}{{"a":"{key}"}}',
            f"{prefix}[DONE]",
            ": " + key,
            "",
        ]
        return end.join(lines).encode()

    assert DEFAULT.data(stream("hunter2", SECRETS["groq"])) == stream("REDACTED", "REDACTED")
    assert DEFAULT.data(stream("REDACTED", "REDACTED")) == stream("REDACTED", "REDACTED")


def test_a_key_of_several_lines_in_a_text() -> None:
    text, _ = IN_CONTEXT["a private key"]
    assert DEFAULT.data(f"a\n{text}b".encode()) == b"a\nREDACTED\nb"
    assert DEFAULT.data(f'data: {{"a": 1}}\n{text}b'.encode()) == b'data: {"a": 1}\nREDACTED\nb'


def test_a_form() -> None:
    form = f"grant_type=password&username=me&password=hunter2&client%5Fsecret=s3cr3t&x={SECRETS['groq']}&y="
    assert DEFAULT.data(form.encode()) == b"grant_type=password&username=me&password=REDACTED&client%5Fsecret=REDACTED&x=REDACTED&y="
    assert DEFAULT.data(b"password=hunter2") == b"password=REDACTED"
    assert DEFAULT.data(b"password=hunter2 is prose") == b"password=hunter2 is prose"


@pytest.mark.parametrize(("text", "secret"), PLANTED)
def test_a_secret_is_found_in_every_kind_of_body(text: str, secret: str) -> None:
    prompt = {"messages": [{"role": "user", "content": [{"type": "text", "text": f"It is {text}\nor so."}]}]}
    bodies = [
        json.dumps(prompt),
        json.dumps(prompt, indent=2),
        f"event: delta\ndata: {json.dumps(prompt)}\n\ndata: [DONE]\n\n",
        f"{json.dumps(prompt)}\n" * 2,
        text,
    ]
    for body in bodies:
        kept = DEFAULT.data(body.encode()).decode()
        assert secret not in kept
        assert json.dumps(secret)[1:-1] not in kept
        assert DEFAULT.data(kept.encode()).decode() == kept
        assert list(DEFAULT.finds(kept)) == []


def test_a_deep_document() -> None:
    deep = "[" * 100_000 + '{"password": "x"}' + "]" * 100_000
    assert DEFAULT.json_text(deep) == deep.replace('"x"', '"REDACTED"')
    assert DEFAULT.data(deep.encode()) == deep.replace('"x"', '"REDACTED"').encode()


def test_other_bytes_stay() -> None:
    data = b"\xff\xd8\x00" + SECRETS["groq"].encode()
    assert DEFAULT.data(data) is data


# -- URLs and headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        pytest.param("https://h/x?a=1&KEY=s3cr3t&b=2", "https://h/x?a=1&KEY=REDACTED&b=2", id="by name"),
        pytest.param("https://h/x?api%5Fkey=s3=cr3t&flag&key=", "https://h/x?api%5Fkey=REDACTED&flag&key=", id="as sent"),
        pytest.param("/next?access_token=s3cr3t", "/next?access_token=REDACTED", id="a part of one"),
        pytest.param("https://h/#id_token=s3cr3t&state=1", "https://h/#id_token=REDACTED&state=1", id="a fragment"),
        pytest.param("https://user:p@ss@h/x", "https://REDACTED@h/x", id="user and password"),
        pytest.param("https://token@h/x", "https://REDACTED@h/x", id="a user alone"),
        pytest.param(f"https://h/v1/{SECRETS['github']}/x", "https://h/v1/REDACTED/x", id="a shape in the path"),
        pytest.param(f"https://h/v1?q={SECRETS['google']}", "https://h/v1?q=REDACTED", id="a shape in the query"),
        pytest.param("https://h:80/a@b?monkey=1&keys=2", "https://h:80/a@b?monkey=1&keys=2", id="nothing"),
    ],
)
def test_url(url: str, kept: str) -> None:
    assert DEFAULT.url(url) == kept
    assert DEFAULT.url(kept) == kept


@quick
@given(letters)
def test_url_is_idempotent(text: str) -> None:
    kept = DEFAULT.url("https://h/" + text)
    assert DEFAULT.url(kept) == kept
    assert list(DEFAULT.finds(kept)) == []


DROPPED = (
    "Authorization Proxy-Authorization X-API-Key api-key X-Goog-Api-Key xi-api-key x-portkey-api-key Cookie Set-Cookie OpenAI-Organization "
    "openai-project anthropic-organization-id x-goog-user-project X-Amz-Security-Token Ocp-Apim-Subscription-Key WWW-Authenticate"
)
KEPT = "content-type x-request-id x-ratelimit-remaining-tokens openai-version anthropic-beta openai-processing-ms"


@pytest.mark.parametrize("name", DROPPED.split())
def test_headers_that_are_dropped(name: str) -> None:
    assert DEFAULT.header(name, "x") is None
    assert DEFAULT.header(name.upper(), "x") is None


def test_headers_that_stay() -> None:
    for name in KEPT.split():
        assert DEFAULT.header(name, "x") == "x"
    assert DEFAULT.header("x-note", SECRETS["groq"]) == "REDACTED"
    assert DEFAULT.header("Location", "https://h/x?sig=abc") == "https://h/x?sig=REDACTED"


# -- what a user adds -----------------------------------------------------------------------------------------------------


def test_added_names_and_patterns() -> None:
    redactor = Redactor(names=["X-Tenant", "national_id"], patterns=[r"EMP-\d{6}", re.compile(r"pin (?P<secret>\d+)")])
    assert redactor.header("x-tenant", "a") is None
    assert redactor.url("https://h/?nationalId=1&a=2") == "https://h/?nationalId=REDACTED&a=2"
    assert redactor.value({"National-ID": "1", "a": "EMP-123456", "b": "pin 1234"}) == {
        "National-ID": "REDACTED",
        "a": "REDACTED",
        "b": "pin REDACTED",
    }
    assert redactor.json_text('{"national-id":"1"}') == '{"national-id":"REDACTED"}'
    assert redactor.text(SECRETS["groq"]) == "REDACTED"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"patterns": ["("]}, "does not compile", id="broken"),
        pytest.param({"patterns": ["x*"]}, "empty text", id="matches nothing at all"),
        pytest.param({"patterns": [re.compile(b"x")]}, "bytes pattern", id="bytes"),
        pytest.param({"patterns": [5]}, "does not compile", id="a number"),
        pytest.param({"names": [""]}, "names must be", id="no name"),
        pytest.param({"names": [5]}, "names must be", id="a name that is a number"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Redactor(**options)


# -- speed ----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("only_new_garbage")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            json.dumps({"input": [{"role": "user", "content": "Why should a program (mine) ask twice? " * 16}] * 160}), id="prompts"
        ),
        pytest.param("eyJ" * 40_000, id="one anchor over and over"),
        pytest.param("://a:b" * 20_000, id="another"),
        pytest.param("?sig=" * 20_000, id="a third"),
        pytest.param("-----BEGIN PRIVATE " + "KEY-----" * 10_000, id="a fourth"),
        pytest.param(("-----BEGIN PRIVATE " + "KEY-----\n") * 4_000, id="a fifth"),
        pytest.param("sk-" + "a-" * 50_000, id="a sixth"),
        pytest.param("Bearer " * 15_000, id="a seventh"),
        pytest.param('{"a": "' + '\\"' * 50_000, id="quotes"),
        pytest.param('"' * 100_001, id="more quotes"),
        pytest.param("a=b&" * 30_000 + " ", id="nearly a form"),
        pytest.param("data: {\n" * 12_000, id="nearly events"),
        pytest.param("data: " + "[" * 100_000, id="deep"),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    DEFAULT.json_text(text)
    DEFAULT.data(text.encode())
    assert time.process_time() - started < 2.0  # of the processor: two milliseconds for the first of them; squares would be minutes


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_stream_s_lines_end_only_as_the_standard_s_do(end: str) -> None:
    stream = f'data: {{"password": "a\u2028b\x85c"}}{end}{end}'
    assert DEFAULT.data(stream.encode()) == f'data: {{"password": "REDACTED"}}{end}{end}'.encode()


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        pytest.param("link", '<https://h/a?sig=s3cr3t&p=2>; rel="next", </b>', '<https://h/a?sig=REDACTED&p=2>; rel="next", </b>'),
        pytest.param("location", "https://h/a?refresh_token=s3cr3t", "https://h/a?refresh_token=REDACTED"),
        pytest.param("operation-location", "https://h/a?jwt=s3cr3t", "https://h/a?jwt=REDACTED"),
        pytest.param("x-note", "what? code=1", "what? code=1"),
        pytest.param("x-request-key", "s3cr3t", None),
    ],
)  # fmt: skip
def test_headers_with_urls(name: str, value: str, kept: str | None) -> None:
    assert DEFAULT.header(name, value) == kept


def test_one_list_holds_for_query_form_part_and_json() -> None:
    for name in ("refresh_token", "password", "auth", "jwt", "pwd", "id_token", "session_token", "private_key"):
        assert DEFAULT.url(f"https://h/?{name}=s3cr3t") == f"https://h/?{name}=REDACTED"
        assert DEFAULT.data(f"a=1&{name}=s3cr3t".encode()) == f"a=1&{name}=REDACTED".encode()
        assert DEFAULT.part(f'form-data; name="{name}"', b"s3cr3t") == b"REDACTED"
        assert DEFAULT.value({name: "s3cr3t"}) == {name: "REDACTED"}
        assert DEFAULT.json_text(f'{{"{name}": "s3cr3t"}}') == f'{{"{name}": "REDACTED"}}'
        assert DEFAULT.header(name, "s3cr3t") is None


def test_a_guarded_member_in_text_and_value() -> None:
    text = '{"error": {"code": "invalid_api_key"}, "code": "SplxlOBeZQQYbYS6WxSbIA", "code": ["SplxlOBeZQQYbYS6WxSbIA"]}'
    kept = '{"error": {"code": "invalid_api_key"}, "code": "REDACTED", "code": ["SplxlOBeZQQYbYS6WxSbIA"]}'
    assert DEFAULT.json_text(text) == kept
    assert DEFAULT.value(json.loads(text)) == json.loads(kept)


def test_a_redactor_learns_nothing() -> None:
    assert (DEFAULT.known, DEFAULT.base, DEFAULT.copy()) == (0, DEFAULT, DEFAULT)


def test_a_part_is_a_secret_by_its_name() -> None:
    assert DEFAULT.part('form-data; name="password"', b"hunter2") == b"REDACTED"
    assert DEFAULT.part("form-data; name=password", b"hunter2") == b"REDACTED"
    assert DEFAULT.part('form-data; name="file"', b"hunter2") == b"hunter2"
    assert DEFAULT.part('form-data; name="password"', b"") == b""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param('{"password":\n["hunter2"]\n}', '{"password":\n["REDACTED"]\n}', id="a document, a line of which is one, too"),
        pytest.param('data: {"password": "hunter2', 'data: {"password": "REDACTED', id="a line of a stream, cut in a text"),
        pytest.param('data: {"password": "hunter2", "a', 'data: {"password": "REDACTED", "a', id="a line of a stream, cut after a text"),
        pytest.param('{"password":\n"hunter2",\n', '{"password":\n"REDACTED",\n', id="a broken document of several lines"),
        pytest.param('{"name": "colour", "value": "red"}', '{"name": "colour", "value": "red"}', id="a pair without a secret"),
        pytest.param('{"x": "password", "value": "red"}', '{"x": "password", "value": "red"}', id="no pair"),
        pytest.param('{"key": "password", "value": "red"}', '{"key": "password", "value": "REDACTED"}', id="a pair"),
        pytest.param('{}"key": "password"', '{}"key": "password"', id="a pair outside"),
        pytest.param('["password": "hunter2"]', '["password": "REDACTED"]', id="a list that is none"),
        pytest.param('\ufeff{"password": "hunter2",', '\ufeff{"password": "REDACTED",', id="a mark before it"),
        pytest.param('\x0b\xa0 {"password": "hunter2",', '\x0b\xa0 {"password": "REDACTED",', id="blanks before it"),
        pytest.param('X["password", {"pwd": "hunter2"}', 'X["password", {"pwd": "hunter2"}', id="a text"),
        pytest.param(' [{"pwd": "hunter2"}', ' [{"pwd": "REDACTED"}', id="a broken list"),
        pytest.param("a%FF=1&password=hunter2&b%FF=2", "a%FF=1&password=REDACTED&b%FF=2", id="a form with what is no text"),
    ],
)
def test_bodies(text: str, kept: str) -> None:
    data = text.encode()
    redacted = DEFAULT.data(data)
    assert redacted.decode() == kept
    assert (redacted is data) is (text == kept)


@pytest.mark.parametrize("pair", [{"name": "colour", "value": "red"}, {"x": "password", "value": "red"}])
def test_a_value_of_a_pair_without_a_secret_stays(pair: dict[str, str]) -> None:
    assert DEFAULT.value({"password": "x", "pair": pair}) == {"password": "REDACTED", "pair": pair}


def test_a_find_says_where_it_ends_and_that_the_users_pattern_found_it() -> None:
    (find,) = Redactor(patterns=["h[ou]+se"]).finds("a house")
    assert find[:3] == ("pattern", 2, 7)


def test_names_and_values_that_are_no_text() -> None:
    assert DEFAULT.header("\ud800", "v") == "v"
    assert [DEFAULT.named(value) for value in (b"", b"REDACTED", b"\xff", b"x")] == [b"", b"REDACTED", b"REDACTED", b"REDACTED"]
    assert DEFAULT.part('form-data; name=""', b"x") == b"x"


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("national_id", '{"a": {"National-ID" : "1"}}', '{"a": {"National-ID" : "REDACTED"}}'),
        ("pin", '{"PIN": "1"}', '{"PIN": "REDACTED"}'),
        ("ab", '{"ab": "1", "b": "2"}', '{"ab": "REDACTED", "b": "2"}'),
        ("ab", '{"abc": "1", "cab": "2"}', '{"abc": "1", "cab": "2"}'),
    ],
)
def test_an_added_name_alone(name: str, text: str, kept: str) -> None:
    redactor = Redactor(names=[name])
    assert redactor.json_text(text) == kept
    assert redactor.value(json.loads(text)) == json.loads(kept)


def test_a_parameter_whose_value_is_no_text() -> None:
    assert DEFAULT.url("https://h/?password=%FFx&a=%FF") == "https://h/?password=REDACTED&a=%FF"
