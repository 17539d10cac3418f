"""Who is calling: the caller's identity, not the bytes of the moment."""

from __future__ import annotations

import time

import pytest

from tests.core.play import ask
from wirecache._core.keys.identity import credential_fingerprint
from wirecache._core.privacy.names import CREDENTIAL_FIELDS, CREDENTIAL_QUERY

URL = "https://api.example.com/v1/x"
AWS = "AWS4-HMAC-SHA256 Credential={id}/2026{day}/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"


def fingerprint(url: str = URL, **headers: str) -> bytes:
    return credential_fingerprint(ask(url, headers={name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize("name", sorted(CREDENTIAL_FIELDS - {b"cookie"}))
def test_each_credential_header_distinguishes_callers(name: bytes) -> None:
    prints = [credential_fingerprint(ask(headers={name.decode(): value})) for value in ("a", "b", "")]
    assert len({*prints, b""}) == 4


@pytest.mark.parametrize(
    "name",
    [
        "x-portkey-api-key", "cf-aig-authorization", "openai-organization", "openai-project", "x-goog-user-project", "private-token",
        "helicone-auth", "anthropic-organization-id", "anthropic-workspace-id", "x-hf-bill-to", "x-litellm-api-key", "x-key",
        "x-portkey-virtual-key", "x-amzn-bedrock-projectidentifier", "x-acme-access-token", "x_api_key",
        "x-bf-vk", "opc-compartment-id", "x-folder-id", "ai-resource-group", "modal-key", "cf-access-jwt-assertion", "x-amzn-oidc-data",
    ],
)  # fmt: skip
def test_credentials_by_ending_and_accounts_distinguish_callers(name: str) -> None:
    one, other = (credential_fingerprint(ask(headers={name: value})) for value in ("a", "b"))
    assert len({one, other, b""}) == 3


@pytest.mark.parametrize("name", sorted(CREDENTIAL_QUERY))
def test_each_credential_parameter_distinguishes_callers(name: bytes) -> None:
    assert len({credential_fingerprint(ask(f"{URL}?{name.decode()}={value}")) for value in ("a", "b")} | {b""}) == 3


def test_of_an_aws_signature_the_access_key_id_counts() -> None:
    one = fingerprint(authorization=AWS.format(id="AKIA1", day="1128", signature="0a"), x_amz_security_token="a")
    later = fingerprint(authorization=AWS.format(id="AKIA1", day="1129", signature="0b"), x_amz_security_token="b")
    other = fingerprint(authorization=AWS.format(id="AKIA2", day="1128", signature="0a"), x_amz_security_token="a")
    assert one == later != other


@pytest.mark.parametrize(
    ("one", "later", "other"),
    [
        *(
            pytest.param(form % ("a", "1" * 32), form % ("a", "2" * 32), form % ("b", "1" * 32), id=form.partition(" ")[0])
            for form in (
                "AWS %s:%s",
                "GOOG1 %s:%s",
                "SharedKey %s:%s",
                "acs %s:%s",
                "SDK-HMAC-SHA256 Access=%s, SignedHeaders=host, Signature=%s",
                "EG1-HMAC-SHA256 client_token=%s;access_token=t;timestamp=1;nonce=n;signature=%s",
                'Hawk id="%s", ts="1", mac="%s"',
                'OAuth oauth_consumer_key="%s", oauth_nonce="n", oauth_signature="%s"',
                'hmac username="%s", signature="%s"',
                "SharedAccessSignature sr=h&se=1&skn=%s&sig=%s",
                "HMAC-SHA256 Credential=%s&SignedHeaders=host&Signature=%s",
            )
        ),
        pytest.param(
            'Signature version="1",keyId="t/u/f",algorithm="rsa-sha256",headers="date host",signature="a=="',
            'Signature version="1",keyId="t/u/f",algorithm="rsa-sha256",headers="date host",signature="b=="',
            'Signature version="1",keyId="t/v/f",algorithm="rsa-sha256",headers="date host",signature="a=="',
            id="Oracle",
        ),
        pytest.param(
            'Digest username="a", realm="r", nonce="1", uri="/", response="x", qop=auth, nc=00000001, cnonce="c"',
            'Digest username="a", realm="r", nonce="2", uri="/", response="y", qop=auth, nc=00000002, cnonce="d"',
            'Digest username="b", realm="r", nonce="1", uri="/", response="x", qop=auth, nc=00000001, cnonce="c"',
            id="Digest",
        ),
        pytest.param("bce-auth-v1/a/1/1800/host/s1", "bce-auth-v1/a/2/1800/host/s2", "bce-auth-v1/b/1/1800/host/s1", id="Baidu"),
        pytest.param(
            "TC3-HMAC-SHA256 Credential=a/1/s/tc3_request, SignedHeaders=host, Signature=1",
            "TC3-HMAC-SHA256 Credential=a/2/s/tc3_request, SignedHeaders=host, Signature=2",
            "TC3-HMAC-SHA256 Credential=b/1/s/tc3_request, SignedHeaders=host, Signature=1",
            id="Tencent",
        ),
    ],
)
def test_other_signatures_count_by_who_signed(one: str, later: str, other: str) -> None:
    assert fingerprint(authorization=one) == fingerprint(authorization=later) != fingerprint(authorization=other)


@pytest.mark.parametrize("value", ["Bearer a=b", "Bearer Credential=a/x, Signature=1 and more words", "Basic YTpi", "token="])
def test_what_is_no_signature_counts_as_it_is(value: str) -> None:
    assert fingerprint(authorization=value) != fingerprint(authorization=value + "x")


def test_a_signed_url_counts_by_who_signed() -> None:
    url = URL + "?X-Amz-Credential={}%2F2026%2Fus%2Fs3%2Faws4_request&X-Amz-Date={}&X-Amz-Signature={}"
    assert fingerprint(url.format("a", 1, 2)) == fingerprint(url.format("a", 3, 4)) != fingerprint(url.format("b", 1, 2))


@pytest.mark.parametrize(
    "cookie",
    [
        "__cf_bm=1",
        "__cf_bm=a=b",
        "acw_tc=1; AKA_A2=A; akaalb_x=1; TS0123abcd_77=1; reese84=1; aws-waf-token=1; HWWAFSESID=1; __ddg1_=1; _pxhd=1; stsservicecookie=1",
        "_cfuvid=2; __cf_bm=3",
        "AWSALB=a; AWSALBCORS=b",
        "ARRAffinity=a",
        "visid_incap_123=x; incap_ses_9_123=y",
        "; ",
        "BIGipServerpool=1",
    ],
)
def test_cookies_of_an_edge_do_not_count(cookie: str) -> None:
    assert fingerprint(cookie=cookie) == fingerprint()
    assert fingerprint(cookie=f"session=a; {cookie}") == fingerprint(cookie="session=a") != fingerprint(cookie=f"{cookie}; session=b")


def test_a_fingerprint_shows_nothing_of_the_credential() -> None:
    found = fingerprint(URL + "?key=s3cr3t", authorization="Bearer s3cr3t")
    assert len(found) == 32
    assert b"s3cr3t" not in found


def test_without_credentials_there_is_no_fingerprint() -> None:
    assert fingerprint(URL + "?a=1", user_agent="x", accept="y") == b""


def test_the_order_of_headers_does_not_matter_and_their_names_do() -> None:
    assert fingerprint(api_key="a", x_api_key="b") == fingerprint(x_api_key="b", api_key="a") != fingerprint(api_key="b", x_api_key="a")
    assert fingerprint(URL + "?api-key=a") != fingerprint(api_key="a")


@pytest.mark.usefixtures("only_new_garbage")
def test_a_hostile_value_takes_no_time() -> None:
    begin = time.process_time()
    for value in ("Digest " + "a=  " * 20_000 + "!", "Digest " + 'a="' * 20_000, "Digest " + "a=," * 20_000 + '"'):
        fingerprint(authorization=value)
    assert time.process_time() - begin < 2


def test_a_caller_is_one_however_its_parameter_is_encoded() -> None:
    ways = ("?key=a-b", "?%6Bey=a%2db", "?%6bey=a%2Db")
    assert len({credential_fingerprint(ask(URL + way)) for way in ways}) == 1


def test_a_signature_without_the_parameter_that_says_who_signed_counts_as_it_is() -> None:
    one, other = (fingerprint(authorization=f"OAuth oauth_nonce={nonce}, oauth_version=1.0") for nonce in ("a", "b"))
    assert one != other


def test_the_fingerprint_of_a_caller_stays() -> None:
    """It is in stored keys."""
    found = credential_fingerprint(
        ask(
            f"{URL}?X-Amz-Credential=b%2F1&X-Amz-Signature=2&api_key=c",
            headers={"cookie": "session=a", "x-api-key": "d", "authorization": AWS.format(id="AKIA1", day="1128", signature="0a")},
        )
    )
    assert found.hex() == "09347919aa4122a30ce14581a2ef0bf338082e4ede1c15fd014b84c12a313f6d"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"authorization": "Bearer a", "cookie": "s=1"}, {"cookie": "s=1"}, id="a header beside a cookie"),
        pytest.param({"authorization": "Bearer a/1/2/3/4/5"}, {"authorization": "Bearer a/1/2/3/4/6"}, id="a token with slashes"),
        pytest.param({"authorization": "bce-auth-v1/a/1"}, {"authorization": "bce-auth-v1/a/2"}, id="half a signature"),
        pytest.param(
            {"authorization": 'Bearer keyId="a",x="1"'}, {"authorization": 'Bearer keyId="a",x="2"'}, id="a key id of another scheme"
        ),
        pytest.param({"authorization": 'Signature x="1"'}, {"authorization": 'Signature x="2"'}, id="a signature without a key id"),
        pytest.param(
            {"authorization": 'Digest username="a", realm="r"'}, {"authorization": 'Digest username="a", realm="s"'}, id="another realm"
        ),
        pytest.param({"authorization": "Digest username=aX"}, {"authorization": "Digest username=a"}, id="another user"),
        pytest.param(
            {"authorization": 'OAuth oauth_consumer_key="a", oauth_nonce="1"'},
            {"authorization": 'OAuth oauth_consumer_key="a", oauth_nonce="2"'},
            id="a consumer without a signature",
        ),
    ],
)
def test_other_callers(one: dict[str, str], other: dict[str, str]) -> None:
    assert fingerprint(**one) != fingerprint(**other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param('Digest username="a", realm=""', "Digest username=a", id="no realm, and quotes"),
        pytest.param(
            'OAuth oauth_consumer_key="a", oauth_token="", oauth_signature="1"',
            'OAuth oauth_consumer_key="a", oauth_signature="2"',
            id="no token",
        ),
        pytest.param(
            "EG1-HMAC-SHA256 client_token=a;access_token=t;signature=1==",
            "EG1-HMAC-SHA256 client_token=a;access_token=t;signature=2==",
            id="a signature in base64",
        ),
    ],
)
def test_the_same_signer(one: str, other: str) -> None:
    assert fingerprint(authorization=one) == fingerprint(authorization=other)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        pytest.param("?a=1&key=b", "?a=2&key=b", "?a=1&key=c", id="among others"),
        pytest.param("?key=a=b&x=1", "?key=a=b&x=2", "?key=a=c&x=1", id="with an equals sign in it"),
        pytest.param("?x-acme-access-token=a", "?x-acme-access-token=a&b=1", "?x-acme-access-token=b", id="by its ending"),
        pytest.param(
            "?X-Amz-Credential=a+b%2F1%2Fus&X-Amz-Signature=1==",
            "?X-Amz-Credential=a%20b%2F2%2Fus&X-Amz-Signature=2==",
            "?X-Amz-Credential=ab%2F1%2Fus&X-Amz-Signature=1==",
            id="a signer with a space in its name, on another day",
        ),
    ],
)
def test_parameters_that_say_who_is_calling(one: str, same: str, other: str) -> None:
    assert fingerprint(URL + one) == fingerprint(URL + same) != fingerprint(URL + other)
    assert fingerprint(URL + one) != b""
