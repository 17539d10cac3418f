from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import ask, quick
from wirecache._core.privacy.names import (
    CREDENTIAL_FIELDS,
    CREDENTIAL_QUERY,
    is_credential,
    is_private_field,
    is_secret_member,
    is_secret_name,
    is_secret_parameter,
    keyed_hash,
    name_by_user,
    redacted_url,
)
from wirecache.errors import ConfigError

URL = "https://h/v1/x"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://h/v1/x", "https://h/v1/x", id="nothing to hide"),
        pytest.param("http://localhost:8000/v1/x", "http://localhost:8000/v1/x", id="port"),
        pytest.param("http://[::1]:8000/x", "http://[::1]:8000/x", id="IPv6"),
        pytest.param("https://user:s3cr3t@h/x", "https://h/x", id="user and password"),
        pytest.param("https://h/x?key=s3cr3t", "https://h/x?key=REDACTED", id="key"),
        pytest.param("https://h/x?a=1&KEY=s3cr3t&b=2", "https://h/x?a=1&KEY=REDACTED&b=2", id="in upper case, among others"),
        pytest.param("https://h/x?key=s3cr3t&key=s3cr3t", "https://h/x?key=REDACTED&key=REDACTED", id="twice"),
        pytest.param("https://h/x?key=s3=cr3t=", "https://h/x?key=REDACTED", id="with equals signs in it"),
        pytest.param(
            "https://h/x?monkey=1&keys=2&public_key=3", "https://h/x?monkey=1&keys=2&public_key=3", id="names that only contain one"
        ),
        pytest.param("https://h/x?a=%2F&b=c%20d", "https://h/x?a=%2F&b=c%20d", id="the rest as sent"),
        pytest.param("https://h/x?%6Bey=s3cr3t", "https://h/x?%6Bey=REDACTED", id="an encoded name"),
        pytest.param(
            "https://h/x?api%5Fkey=s3cr3t",
            "https://h/x?api%5Fkey=REDACTED",
            id="an encoded underscore",
        ),
        pytest.param("https://h/v1/gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6/x", "https://h/v1/REDACTED/x", id="a key in the path"),
        pytest.param(
            "https://h/x?q=gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6", "https://h/x?q=REDACTED", id="a key in a parameter of another name"
        ),
        pytest.param("https://h/p/a:b@c/x", "https://h/p/a:b@c/x", id="an at sign in the path"),
        pytest.param("https://h/x?flag", "https://h/x?flag", id="a parameter without value"),
        pytest.param("https://h/x?+code=s3cr3t", "https://h/x?+code=REDACTED", id="a name after a space"),
        pytest.param("https://h/x?user[auth]=s3cr3t&a.pwd=s", "https://h/x?user[auth]=REDACTED&a.pwd=REDACTED", id="the last part"),
        pytest.param(
            "https://h/%FFgsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6%3D%C3%A9=1/%2F",
            "https://h/%FFREDACTED=%C3%A9=1/%2F",
            id="within escapes",
        ),
    ],
)
def test_redacted_url(url: str, shown: str) -> None:
    assert redacted_url(ask(url)) == shown


@quick
@given(
    st.sampled_from(sorted(CREDENTIAL_QUERY)), st.sampled_from(["{}", "a=1&{}", "{}&a=1", "a=1&{}&{}&b"]), st.randoms(use_true_random=False)
)
def test_no_credential_shows_in_any_case_or_place(name: bytes, query: str, dice: object) -> None:
    cased = "".join(dice.choice([letter, letter.upper()]) for letter in name.decode())  # type: ignore[attr-defined]
    assert "s3cr3t" not in redacted_url(ask(f"{URL}?{query.replace('{}', cased + '=s3cr3t')}"))


def test_the_lists_spelled_out() -> None:
    """A name that is lost here is a secret in a store."""
    fields = "authorization proxy-authorization x-api-key api-key x-goog-api-key x-auth-token x-amz-security-token cookie"
    query = "key api_key apikey api-key access_token access-token auth_token token client_secret subscription-key sig signature"
    signed = "x-goog-signature x-goog-credential x-amz-signature x-amz-credential x-amz-security-token"
    assert set(fields.encode().split()) | {b"ocp-apim-subscription-key"} <= CREDENTIAL_FIELDS
    assert set(query.encode().split()) | set(signed.encode().split()) <= CREDENTIAL_QUERY


def test_every_name_is_in_lower_case() -> None:
    assert all(name == name.lower() for name in CREDENTIAL_FIELDS | CREDENTIAL_QUERY)


SECRET_PARAMETERS = [
    "refresh_token",
    "password",
    "passwd",
    "pwd",
    "authorization",
    "auth",
    "jwt",
    "secret",
    "id_token",
    "private_key",
    "session_token",
    "session",
    "code",
    "sig",
    "signature",
    "key",
    "client_secret",
    "csrf-token",
    "X-Amz-Signature",
    "X-Goog-Credential",
    "user[password]",
    "refreshToken",
    "openai_api_key",
    "app_key",
    "client_assertion",
    "SAMLResponse",
    "code_verifier",
    "oauth_verifier",
    "device_code",
    "shared_key",
    "ssh-key",
    "deploy_key",
    "x-functions-key",
    "private_key_pem",
]


@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_a_parameter_of_a_secret_name_shows_in_no_url(name: str) -> None:
    assert is_secret_parameter(name)
    assert "s3cr3t" not in redacted_url(ask(f"{URL}?a=1&{name}=s3cr3t&b=2"))
    assert "s3cr3t" not in redacted_url(ask(f"{URL}?{name.upper().replace('_', '%5F')}=s3cr3t"))


@pytest.mark.parametrize("inner", ["https%3A%2F%2Fh%2F%3Faccess_token%3Ds3cr3tZ1", "https%3A%2F%2Fu%3As3cr3tZ1%40h%2F"])
def test_a_url_within_a_url_shows_no_secret(inner: str) -> None:
    shown = redacted_url(ask(f"{URL}?next={inner}&a=%C3%A9"))
    assert "s3cr3t" not in shown
    assert shown.endswith("&a=%C3%A9")


@pytest.mark.parametrize(
    "name", ["page_token", "nextToken", "continuation_token", "model", "alt", "stream", "q", "max_tokens", "monkey", "passage"]
)
def test_an_ordinary_parameter_is_none(name: str) -> None:
    assert not is_secret_parameter(name)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        pytest.param("password", "swordfish", True, id="whatever it is"),
        pytest.param("jwt", "x", True, id="a whole name"),
        pytest.param("code", "SplxlOBeZQQYbYS6WxSbIA", True, id="the code of an authorization"),
        pytest.param("code", "s3cr3t-abc123", True, id="in two runs"),
        pytest.param("code", "invalid_api_key", False, id="the code of an error"),
        pytest.param("code", "ERR_HTTP2_STREAM_ERROR", False, id="of an error, with a digit"),
        pytest.param("code", "print(sum(range(10)))", False, id="a program"),
        pytest.param("token", " world", False, id="a token of logprobs"),
        pytest.param("token", "8f14e45fceea167a5a36dedd4bea2543", True, id="a token that opens a door"),
        pytest.param("session", "8f14e45fceea167a", True, id="a session"),
        pytest.param("signature", "EqQBCgIYAhIM1gbcDa9GJwZA2b3h", False, id="the signature of a thought"),
        pytest.param("key", "8f14e45fceea167a5a36dedd4bea2543", False, id="the key of a map"),
        ("credential", "abc123def456", True),
        ("credentials", "the usual ones", False),
        ("pass", "abc123def456", True),
        ("pass", "yes", False),
        ("sig", "abc123def456", True),
        ("my-secret", "abc123def456", True),
        ("my_secret", "a birthday party", False),
        ("signature", "abc123def456", False),  # of a model's thoughts
        ("hf_token", "abc123def456", True),
        ("x-vault-token", "abc123def456", True),
        ("botToken", "abc123def456", True),
        ("eos_token", "<|im_end|>", False),
        ("next_page_token", "abc123def456", False),
        ("progressToken", "abc123def456", False),  # of MCP
        ("clientToken", "abc123def456", False),  # Amazon's idempotency
        ("assertion", "abc123def456", True),
        ("assertion", "x must be 5", False),
        ("client_assertion", "x", True),
    ],
)
def test_members_whose_names_are_ordinary_are_judged_by_their_values(name: str, value: str, *, secret: bool) -> None:
    assert is_secret_member(name, value) is secret


@pytest.mark.parametrize(
    "name",
    [
        "x-openai-api-key",
        "x-session-token",
        "x-request-key",
        "x-csrf-token",
        "authentication-info",
        "refresh",
        "set-cookie",
        "x-amz-security-token",
        "x-auth",
        "x-upstream-auth",
        "x-jwt",
        "x-session",
        "x-password",
        "x-new-pwd",
        "set-cookie2",
    ],
)
def test_private_headers_of_an_answer(name: str) -> None:
    assert is_private_field(name.encode())


@pytest.mark.parametrize("name", ["idempotency-key", "x-cache-key", "surrogate-key", "content-type", "x-request-id", "openai-model"])
def test_ordinary_headers_of_an_answer(name: str) -> None:
    assert not is_private_field(name.encode())


def test_a_name_of_the_users_is_spelled_as_the_lists_spell_it() -> None:
    assert name_by_user("My_Secret-Name") == "mysecretname"
    for name in ("", "-_", 7):
        with pytest.raises(ConfigError, match=f"redact: names must be those of headers, .*, got {name!r}"):
            name_by_user(name)  # type: ignore[arg-type]


def test_a_keyed_hash_is_stable_and_says_nothing() -> None:
    assert keyed_hash(b"a").hex() == "f868e07f59042acbd0d49ed11ad0ca3b4beb1ac5ba997e3f7f9b27f305ff582f"
    assert keyed_hash(b"a") != keyed_hash(b"b")


def test_a_path_that_is_no_ascii_is_shown() -> None:
    assert redacted_url(ask("https://h/x")._replace(path=b"/\xff")) == "https://h/\ufffd"


@pytest.mark.parametrize("name", [b"key", b"KEY", b"+sig", b"a%70i_key", b" token "])
def test_a_credential_by_its_name_as_it_is_sent(name: bytes) -> None:
    assert is_credential(name)
    assert not is_credential(name + b"s")


@pytest.mark.parametrize("size", [1, 255, 256, 257, 300, 100_000])
def test_of_a_long_name_the_end_counts(size: int) -> None:
    name = "x" * (size - 8) + "password"
    assert is_secret_name(name)
    assert is_secret_name(f" {name} ")
    assert not is_secret_name(name + "x")


def test_the_start_of_a_long_name_is_not_kept() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            is_secret_name(f"{number}" + "n" * 100_000)
        kept = tracemalloc.get_traced_memory()[0]  # bytes
    finally:
        tracemalloc.stop()
    assert kept < 200_000


def test_the_last_word_of_a_header_counts() -> None:
    assert is_private_field(b"x-my-upstream-auth")
    assert not is_private_field(b"auth-of-mine")
