from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wirecache.httpx
import wirecache.httpx2
from tests.core.jsons import changed, documents, spelled
from tests.core.play import CHAT, ask, quick
from wirecache import Cache, ConfigError, KeyOptions, make_key
from wirecache._core.keys.canonical import EMPTY
from wirecache._core.keys.keys import changed_mark_key, http_key, key_of, request_from, stored_mark_key, variant_key

GOLDEN = json.loads((Path(__file__).parents[3] / "fixtures" / "keys.json").read_text("utf-8"))
WITH_CREDENTIALS = KeyOptions(credentials=True)


def key(content: bytes | str | None = '{"model":"m"}', **changes: Any) -> str:
    arguments = {"method": "POST", "url": CHAT, "headers": {}, **changes}
    return make_key(arguments.pop("method"), arguments.pop("url"), arguments.pop("headers"), content, **arguments)


def multipart(boundary: str, *parts: tuple[str, bytes]) -> dict[str, Any]:
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), lines.encode(), content) for lines, content in parts)
    return {"content": body + b"--%b--\r\n" % boundary.encode(), "headers": {"content-type": f"multipart/form-data; boundary={boundary}"}}


WAV = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav'
MODEL = 'Content-Disposition: form-data; name="model"'
FORM = {"content-type": "application/x-www-form-urlencoded"}


# -- equal requests, equal keys ---------------------------------------------------------------------------------------


@quick
@given(documents, st.randoms(use_true_random=False))
def test_every_spelling_of_a_json_body_has_the_same_key(value: object, dice: random.Random) -> None:
    content_type = dice.choice([{}, {"content-type": "application/json"}, {"Content-Type": "text/plain; charset=utf-8"}])
    assert key(spelled(value, dice), headers=content_type) == key(json.dumps(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"method": "post"}, {}, id="method in lower case"),
        pytest.param({"url": "https://API.OpenAI.com:443/v1/chat/completions"}, {}, id="host in upper case, default port"),
        pytest.param({"url": "http://h:80/x"}, {"url": "http://h/x"}, id="default port of http"),
        pytest.param({"url": "HTTPS://h/x"}, {"url": "https://h/x"}, id="scheme in upper case"),
        pytest.param({"url": "https://h"}, {"url": "https://h/"}, id="no path"),
        pytest.param({"url": CHAT + "#part"}, {}, id="a fragment is not sent"),
        pytest.param({"url": CHAT + "?b=2&a=1"}, {"url": CHAT + "?a=1&b=2"}, id="order of parameters"),
        pytest.param({"url": "https://h/%7euser/%e9"}, {"url": "https://h/~user/%E9"}, id="percent-encoding of the path"),
        pytest.param({"url": CHAT + "?a=%7e%2d"}, {"url": CHAT + "?a=~-"}, id="percent-encoding of the query"),
        pytest.param({"url": CHAT + "?key=a"}, {"url": CHAT + "?key=b"}, id="a key in the query"),
        pytest.param({"url": CHAT + "?API_KEY=a&Access_Token=b"}, {}, id="credentials in the query"),
        pytest.param({"url": CHAT + "?%6Bey=a"}, {}, id="a credential in the query, its name encoded"),
        pytest.param(
            {"headers": {"authorization": "Bearer a", "x-api-key": "b", "api-key": "c", "x-goog-api-key": "d"}}, {}, id="credentials"
        ),
        pytest.param(
            {"headers": {"user-agent": "a", "x-stainless-lang": "python", "date": "now", "traceparent": "0"}}, {}, id="agents, traces"
        ),
        pytest.param({"headers": {"x-stainless-retry-count": "2", "idempotency-key": "1"}}, {}, id="retries"),
        pytest.param({"headers": {"accept": "application/json"}}, {"headers": {"accept": "*/*"}}, id="plain accept"),
        pytest.param({"headers": {"accept": "application/json, */*"}}, {}, id="a list of plain accept"),
        pytest.param({"headers": {"Anthropic-Beta": "a"}}, {"headers": {"anthropic-beta": " a "}}, id="header name and white space"),
        pytest.param(
            {"headers": [("anthropic-beta", "a"), ("anthropic-beta", "b")]}, {"headers": {"anthropic-beta": "a, b"}}, id="repeated header"
        ),
        pytest.param({"content": "{}"}, {"content": b"{}"}, id="text and bytes"),
        pytest.param({"content": None}, {"content": b""}, id="no body"),
        pytest.param(multipart("x", (MODEL, b"m"), (WAV, b"1")), multipart("yy-1", (MODEL, b"m"), (WAV, b"1")), id="multipart boundary"),
        pytest.param(
            multipart("x", (WAV, b"1")), multipart("x", ("\r\n".join(reversed(WAV.split("\r\n"))), b"1")), id="order of a part's headers"
        ),
        pytest.param(
            multipart("x", (WAV, b"1")), multipart("x", (WAV.replace("Content-", "content-"), b"1")), id="case of a part's headers"
        ),
        pytest.param({"content": "a=%7e+b", "headers": FORM}, {"content": "a=~%20b", "headers": FORM}, id="encoding of a form"),
        pytest.param({"options": WITH_CREDENTIALS}, {}, id="no credential to tell apart"),
        pytest.param(
            {"options": KeyOptions(host=False), "url": "http://a:1/x"},
            {"options": KeyOptions(host=False), "url": "https://b/x"},
            id="host=False",
        ),
        pytest.param(
            {"options": KeyOptions(ignore_query=("Trace",)), "url": CHAT + "?trace=1&a=2"}, {"url": CHAT + "?a=2"}, id="ignore_query"
        ),
        pytest.param(
            {"options": KeyOptions(ignore_body=("/user", "/messages/*/id")), "content": '{"user":"u","messages":[{"id":1,"x":2}]}'},
            {"content": '{"messages":[{"x":2}]}'},
            id="ignore_body",
        ),
        pytest.param(
            {"options": KeyOptions(normalize=lambda value: {**value, "at": 0}), "content": '{"at":1}'},
            {"content": '{"at":0}'},
            id="normalize",
        ),
    ],
)
def test_the_same_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(**one) == key(**other)


# -- other requests, other keys ---------------------------------------------------------------------------------------


@quick
@given(documents, st.data())
def test_any_change_of_a_json_body_gives_another_key(value: Any, data: st.DataObject) -> None:
    assert key(json.dumps(value)) != key(json.dumps(data.draw(changed(value))))


def test_integers_never_collide() -> None:
    numbers = [sign * (2**power + step) for power in (53, 54, 64, 70, 1024) for step in range(-4, 5) for sign in (1, -1)]
    assert len({key(f"[{number}]") for number in numbers}) == len(numbers)


@quick
@given(st.data())
def test_no_part_of_a_request_runs_over_into_another(data: st.DataObject) -> None:
    text = st.sampled_from(["a", "b", "1", "1:", "0:", "a1:a", "1:a"])
    parts = st.fixed_dictionaries({"namespace": text, "path": text, "value": text, "beta": text, "own": text, "body": text})
    one = data.draw(parts)
    other = {**one, **data.draw(parts.map(lambda drawn: {name: drawn[name] for name in list(drawn)[:: data.draw(st.integers(1, 6))]}))}
    assert (_of_parts(**one) == _of_parts(**other)) == (one == other)


def _of_parts(namespace: str, path: str, value: str, beta: str, own: str, body: str) -> str:
    headers = {"anthropic-beta": beta, "x-own": own}
    options = KeyOptions(headers=("X-Own",))
    return make_key("POST", f"https://h/{path}?v={value}", headers, body, namespace=namespace, options=options)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"method": "PUT"}, {}, id="method"),
        pytest.param({"url": CHAT.replace("https", "http")}, {}, id="scheme"),
        pytest.param({"url": CHAT.replace("api.", "eu.")}, {}, id="host"),
        pytest.param({"url": "http://localhost:8000/x"}, {"url": "http://localhost:8001/x"}, id="port"),
        pytest.param({"url": "http://localhost:8000/x"}, {"url": "http://localhost/x"}, id="port and none"),
        pytest.param({"url": "https://h/a/b"}, {"url": "https://h/a%2Fb"}, id="an encoded slash"),
        pytest.param({"url": "https://h/a"}, {"url": "https://h/A"}, id="case of the path"),
        pytest.param({"url": "https://h/a"}, {"url": "https://h/a/"}, id="trailing slash"),
        pytest.param({"url": CHAT + "?api-version=1"}, {}, id="a parameter"),
        pytest.param({"url": CHAT + "?api-version=1"}, {"url": CHAT + "?api-version=2"}, id="value of a parameter"),
        pytest.param({"url": CHAT + "?a=1&a=2"}, {"url": CHAT + "?a=2&a=1"}, id="order of one parameter's values"),
        pytest.param({"url": CHAT + "?a=1%262"}, {"url": CHAT + "?a=1&2"}, id="an encoded ampersand"),
        pytest.param({"url": CHAT + "?a"}, {"url": CHAT + "?a="}, id="a parameter without value"),
        pytest.param({"url": CHAT + "?a=b"}, {"url": CHAT + "?ab="}, id="name and value"),
        pytest.param({"url": CHAT + "?a=1+1"}, {"url": CHAT + "?a=1%201"}, id="plus and space"),
        pytest.param({"url": "https://h/%2%41"}, {"url": "https://h/%2A"}, id="a broken escape"),
        pytest.param({"url": "https://faß.de/"}, {"url": "https://fass.de/"}, id="two hosts"),
        pytest.param({"namespace": "a"}, {}, id="namespace"),
        pytest.param({"sample": 1}, {}, id="sample"),
        pytest.param({"sample": 1}, {"namespace": "1"}, id="sample and namespace"),
        pytest.param({"headers": {"anthropic-beta": "a"}}, {}, id="anthropic-beta"),
        pytest.param({"headers": {"anthropic-beta": "a"}}, {"headers": {"anthropic-beta": "b"}}, id="value of a header"),
        pytest.param({"headers": {"anthropic-beta": "a"}}, {"headers": {"openai-beta": "a"}}, id="name of a header"),
        pytest.param({"headers": {"anthropic-version": "1"}}, {"headers": {"anthropic-version": "2"}}, id="anthropic-version"),
        pytest.param({"headers": {"accept": "audio/mpeg"}}, {}, id="accept of another type"),
        pytest.param({"headers": {"accept": "audio/mpeg"}}, {"headers": {"accept": "audio/wav"}}, id="accept of two types"),
        pytest.param(
            {"headers": {"accept": "application/json, audio/mpeg"}},
            {"headers": {"accept": "audio/mpeg"}},
            id="accept of JSON too",
        ),
        pytest.param({"headers": {"content-encoding": "gzip"}}, {}, id="content-encoding"),
        pytest.param(
            {"headers": {"accept": "audio/pcm;rate=16000"}},
            {"headers": {"accept": "audio/pcm;rate=24000"}},
            id="parameter of accept",
        ),
        pytest.param(
            {"headers": {"accept": "audio/wav, audio/mpeg;q=.1"}},
            {"headers": {"accept": "audio/wav;q=.1, audio/mpeg"}},
            id="preference of accept",
        ),
        pytest.param(
            {"headers": {"x-a": "1"}, "options": KeyOptions(headers=("X-A",))},
            {"options": KeyOptions(headers=("X-A",))},
            id="user's header",
        ),
        pytest.param({"content": '{"a":1}'}, {"content": '{"a":1,"a":1}'}, id="duplicate member"),
        pytest.param({"content": '{"a":1,"a":2}'}, {"content": '{"a":2,"a":1}'}, id="duplicate members in another order"),
        pytest.param({"content": "[NaN]"}, {"content": "[ NaN]"}, id="NaN by its bytes"),
        pytest.param({"content": '["\\ud800"]'}, {"content": '["\\uD800"]'}, id="a lone surrogate by its bytes"),
        pytest.param({"content": "[1e400]"}, {"content": "[1e401]"}, id="numbers beyond a double by their bytes"),
        pytest.param({"content": '{"a":1'}, {"content": '{"a": 1'}, id="broken JSON by its bytes"),
        pytest.param({"content": "[" * 300 + "]" * 300}, {"content": "[" * 300 + " " + "]" * 300}, id="deep JSON by its bytes"),
        pytest.param(
            {"content": "x", "headers": {"content-type": "a/b"}},
            {"content": "x", "headers": {"content-type": "a/c"}},
            id="type of raw bytes",
        ),
        pytest.param({"content": "{}"}, {"content": None}, id="no body"),
        pytest.param({"content": '{"stream":true}'}, {"content": '{"stream":false}'}, id="stream"),
        pytest.param({"content": '{"stop":"x","user":"y"}'}, {"content": '{"stop":"xuser: y"}'}, id="members run together"),
        pytest.param(
            {"content": '{"p":"1+1"}', "headers": FORM},
            {"content": '{"p":"1 1"}', "headers": FORM},
            id="JSON sent as a form",
        ),
        pytest.param(
            {"content": '{"a":1,"a":"1+1"}', "headers": FORM},
            {"content": '{"a":1,"a":"1 1"}', "headers": FORM},
            id="JSON with duplicate members, sent as a form",
        ),
        pytest.param({"content": "a=1&b=2", "headers": FORM}, {"content": "b=2&a=1", "headers": FORM}, id="order of a form"),
        pytest.param({"content": "a=1%262", "headers": FORM}, {"content": "a=1&2", "headers": FORM}, id="value of a form"),
        pytest.param({"content": "a=b", "headers": FORM}, {"content": "ab=", "headers": FORM}, id="name and value of a form"),
        pytest.param(multipart("x", (WAV, b"1")), multipart("x", (WAV, b"2")), id="two files of one name"),
        pytest.param(multipart("x", (WAV, b"1")), multipart("x", (WAV.replace("a.wav", "b.wav"), b"1")), id="file name"),
        pytest.param(multipart("x", (WAV, b"1")), multipart("x", (WAV.replace("audio/wav", "audio/mp3"), b"1")), id="type of a part"),
        pytest.param(multipart("x", (WAV, b"1"), (MODEL, b"m")), multipart("x", (MODEL, b"m"), (WAV, b"1")), id="order of parts"),
        pytest.param(multipart("x", (WAV, b"1")), multipart("x", (WAV, b"1"), (WAV, b"1")), id="a part twice"),
        pytest.param(
            {"options": KeyOptions(host=False), "url": "https://h/a"},
            {"options": KeyOptions(host=False), "url": "https://h/b"},
            id="path, host=False",
        ),
    ],
)
def test_another_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(**one) != key(**other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"url": "https://h/kv?key=a"}, {"url": "https://h/kv?key=b"}, id="a key in the query"),
        pytest.param({"url": "https://h/kv?key=a"}, {"url": "https://h/kv"}, id="a key and none"),
        pytest.param({"url": "https://h/kv?%6Bey=a"}, {"url": "https://h/kv?%6Bey=b"}, id="its name encoded"),
        pytest.param({"headers": {"authorization": "Bearer a"}}, {"headers": {"Authorization": "Bearer b"}}, id="authorization"),
        pytest.param({"headers": {"x-api-key": "a"}}, {"headers": {"api-key": "a"}}, id="the header it is sent in"),
        pytest.param({"headers": {"cookie": "a"}}, {}, id="cookie"),
    ],
)
def test_credentials_tell_callers_apart_where_required(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(method="GET", options=WITH_CREDENTIALS, **one) != key(method="GET", options=WITH_CREDENTIALS, **other)
    assert key(method="GET", **one) == key(method="GET", **other) or "url" in one


def test_a_large_body_is_hashed_like_a_small_one() -> None:
    """Its pieces are hashed one by one: every byte of every piece counts."""
    image = "QUJD" * 50_000
    keys = {key(json.dumps(body)) for body in ([image], [image + "A"], ["A" + image], [image, ""], ["", image], [image[:-1] + "E"])}
    assert len(keys) == 6
    assert len({key(b"\xff" * size + tail) for size in (65_535, 65_536, 65_537) for tail in (b"", b"a", b"b")}) == 9


def test_what_is_hashed_spelled_out() -> None:
    parts = (
        b"wirecache key 2",
        b"ns",
        b"3",
        b"POST",
        b"https://h:443",
        b"/v1/messages",
        b"1:b1:=1:2",
        b"14:anthropic-beta1:x",
        b"",
        b"json",
    )
    body = b"{2:1:a[3:i1;tn1:bs2:hi"
    framed = b"".join(b"%d:%b" % (len(part), part) for part in (*parts, body))
    made = make_key(
        "post", "https://H/v1/messages?key=k&b=2", {"Anthropic-Beta": "x"}, '{"b":"hi","a":[1.0,true,null]}', namespace="ns", sample=3
    )
    assert made == hashlib.sha256(framed).hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"ignore_body": ("user",)}, id="a pointer without its slash"),
        pytest.param({"ignore_body": "/user"}, id="a text for a tuple"),
        pytest.param({"headers": "x-a"}, id="a text for a tuple of names"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"ignore_body|headers"):
        KeyOptions(**options)


# -- one key, whoever asks ----------------------------------------------------------------------------------------------


class MemoryStore(dict[str, bytes]):
    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self[key] = value


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://API.example.com:443{}?b=1&a=2&key=k", id="origin and query"),
        pytest.param("http://[::1]:8080{}", id="IPv6"),
        pytest.param("https://u:p@h{}", id="user and password"),
        pytest.param("https://h/a b/é/%7e/%zz/100%{}?q=a b&é=ü&%", id="encoding"),
        pytest.param("https://h//a/[x]/'y'/(z);p=1,2@3{}?a[]=1&x='y'&t=12:30/1?2", id="delimiters"),
        pytest.param("https://h/a|b^c{}", id="path with | and ^"),
        pytest.param("https://h{}?filter={{a|b}}`", id="query with braces"),
        pytest.param("https://h/a/../b/.{}", id="dot segments"),
        pytest.param("https://münchen.de{}", id="international host"),
        pytest.param("https://faß.de{}", id="international host, IDNA 2008"),
    ],
)
def test_make_key_gives_the_key_of_a_real_request(library: str, url: str) -> None:
    face: Any = {"httpx": wirecache.httpx, "httpx2": wirecache.httpx2}[library]
    lib: Any = {"httpx": httpx, "httpx2": httpx2}[library]
    url = url.format("/v1/chat/completions")
    answering = lib.MockTransport(lambda request: lib.Response(500))
    with Cache(MemoryStore()) as cache, face.cached_client(cache, transport=answering) as client:
        response = client.post(url, json={"model": "m"}, headers={"anthropic-beta": "x"})
    assert make_key("POST", url, {"anthropic-beta": "x"}, '{"model":"m"}') == response.extensions["wirecache"].key


# -- golden keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("golden", [pytest.param(row, id=row["name"]) for row in GOLDEN])
def test_golden_key(golden: dict[str, Any]) -> None:
    body = golden["body"]
    content = base64.b64decode(body["base64"]) if isinstance(body, dict) else body
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in golden["options"].items()}
    plain = {name: options.pop(name) for name in ("namespace", "sample") if name in options}
    made = make_key(golden["method"], golden["url"], golden["headers"], content, options=KeyOptions(**options), **plain)
    assert made == golden["key"], (
        "This request has another key than before, so whatever people have stored is lost to them. "
        "That is a breaking change: if it is meant, bump FORMAT in src/wirecache/_core/keys/keys.py, "
        "say so in the changelog, and write the new keys into fixtures/keys.json."
    )


def test_golden_keys_differ() -> None:
    assert len({row["name"] for row in GOLDEN}) == len({row["key"] for row in GOLDEN}) == len(GOLDEN)


# -- where a request goes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "same"),
    [
        ("10.0.0.1", True), ("10.0.0.1:80", True), ("a.example", False), ("b.example", False), ("10.0.0.1:81", False),
    ],
)  # fmt: skip
def test_a_host_header_of_another_name_counts(field: str, same: bool) -> None:
    url = "http://10.0.0.1/v1/chat/completions"
    assert (make_key("POST", url, {"host": field}, b"{}") == make_key("POST", url, {}, b"{}")) is same


def test_two_virtual_hosts_have_two_keys() -> None:
    url = "https://10.0.0.1/v1/chat/completions"
    keys = {make_key("POST", url, {"Host": name}, b"{}") for name in ("a.example", "b.example", "A.example")}
    assert len(keys) == 2


def test_a_unix_socket_counts() -> None:
    request = request_from("POST", "http://localhost/v1/chat/completions")
    keys = {key_of(request._replace(socket=path), EMPTY) for path in ("", "/run/a.sock", "/run/b.sock")}
    assert len(keys) == 3
    assert len({http_key(request._replace(socket=path, method="GET")) for path in ("", "/run/a.sock")}) == 2


def test_without_the_host_none_of_it_counts() -> None:
    options = KeyOptions(host=False)
    url = "http://10.0.0.1/v1/chat/completions"
    assert make_key("POST", url, {"host": "a.example"}, b"{}", options=options) == make_key("POST", url, {}, b"{}", options=options)


# -- what the parts of a key are made of ------------------------------------------------------------------------------------


def test_a_normalizer_is_a_function_or_has_a_known_name() -> None:
    with pytest.raises(ConfigError, match="normalize must be a function or one of coding-agent, got 'x'"):
        KeyOptions(normalize="x")
    assert KeyOptions().normalized({"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/../b", "/b"), ("/a/b/../../c", "/c"), ("/..", "/"), ("/a...b/.c", "/a...b/.c")],
)
def test_dot_segments_are_resolved_as_the_libraries_send_them(path: str, sent: str) -> None:
    assert key(url=f"https://h{path}") == key(url=f"https://h{sent}")
    assert key(url=f"https://h{path}") != key(url="https://h/other")


def test_representations_and_marks_of_a_url_have_keys_of_their_own() -> None:
    request = ask("https://h/v1/models", "GET", {"accept-language": "de"})
    url = http_key(request)
    variants = [variant_key(url, varied) for varied in ({}, {"accept-language": "de"}, {"accept-language": "en"}, {"accept": "de"})]
    marks = [mark(request, space) for mark in (stored_mark_key, changed_mark_key) for space in ("", "team")]
    assert len({url, http_key(request._replace(method="HEAD")), *variants, *marks}) == 10
    assert variant_key(url, {"a": "1", "b": "2"}) == variant_key(url, {"b": "2", "a": "1"})
    for mark in (stored_mark_key, changed_mark_key):
        assert mark(request) == mark(ask("https://h/v1/models", "POST", {"authorization": "Bearer another"}))
        assert mark(request) != mark(ask("https://h/v1/models", "GET", {"host": "other"}))


def test_an_answer_of_http_belongs_to_its_caller_and_route_alone() -> None:
    def stored(**fields: str) -> str:
        return http_key(ask("https://h/v1/models", "GET", {name.replace("_", "-"): value for name, value in fields.items()}))

    assert stored(openai_beta="a") == stored(openai_beta="b") == stored(accept="x/y") == stored()
    assert len({stored(), stored(authorization="Bearer a"), stored(host="other"), stored(x_portkey_provider="a")}) == 4


def test_a_form_in_which_no_option_finds_anything_has_its_ordinary_key() -> None:
    form = {"content": "a=1&b=2", "headers": FORM}
    assert key(**form, options=KeyOptions(ignore_body=("/user",))) == key(**form)


def test_of_a_signed_url_the_signature_makes_no_difference() -> None:
    def signed(date: str, signature: str, item: str = "1") -> str:
        return key(url=f"https://h/x?X-Amz-Credential=AKIA%2F1&X-Amz-Date={date}&X-Amz-Signature={signature}&item={item}")

    assert signed("1", "a") == signed("2", "b") != signed("1", "a", "2")


def test_a_form_with_a_repeated_header_counts_as_it_was_sent_whatever_the_options() -> None:
    lines = 'Content-Disposition: form-data; name="a"\r\nX: 1\r\nX: 2'
    twice, once = multipart("x", (lines, b"1")), multipart("x", (MODEL, b"1"))
    options = KeyOptions(ignore_body=("/model",))
    assert key(**twice, options=options) == key(**twice)
    assert key(**once, options=options) != key(**once)


# -- keys that must stay ------------------------------------------------------------------------------------------------


def hashed(*parts: bytes) -> str:
    """Return the hash of the parts, each with its length in front."""
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


def spelled_out(
    method: bytes, fields: bytes = b"", credential: bytes = b"", kind: bytes = b"empty", body: bytes = b"", space: bytes = b""
) -> str:
    """Return the key of a request for ``https://h/p`` as it is made, part by part."""
    return hashed(b"wirecache key 2", space, b"0", method, b"https://h:443", b"/p", b"", fields, credential, kind, body)


@pytest.mark.parametrize("space", ["", "team"])
def test_the_keys_of_http_spelled_out(space: str) -> None:
    request = ask("https://h/p", "GET", {"accept": "x/y", "anthropic-beta": "b"})
    arguments = (space,) if space else ()
    ours = space.encode()
    assert stored_mark_key(request, *arguments) == spelled_out(b"*STORED", kind=b"raw", body=b"0:", space=ours)
    assert changed_mark_key(request, *arguments) == spelled_out(b"*CHANGED", kind=b"raw", body=b"0:", space=ours)
    one = http_key(request, *arguments)
    assert one == http_key(request._replace(method="PUT"), *arguments)
    assert one == key_of(request._replace(fields={}), EMPTY, WITH_CREDENTIALS, *arguments)
    assert http_key(request._replace(method="HEAD"), *arguments) == key_of(
        request._replace(method="HEAD", fields={}), EMPTY, WITH_CREDENTIALS, *arguments
    )
    assert variant_key("k", {"a": "1"}) == hashed(b"wirecache key 2", b"variant", b"k", b"a", b"1")


def test_a_key_without_namespace_and_sample_has_the_first_of_both() -> None:
    request = ask("https://h/p", "POST")
    assert key_of(request, EMPTY) == key_of(request, EMPTY, KeyOptions(), "", 0) == make_key("POST", "https://h/p")


def test_a_request_is_normalised_as_it_is_sent() -> None:
    assert request_from("post", "https://h/p").method == "POST"
    assert request_from("GET", "/p").host == ""


def test_a_form_as_its_members_spelled_out() -> None:
    form = {"content": "a=1&b=2", "headers": FORM}
    left = key(**form, url="https://h/p", options=KeyOptions(ignore_body=("/b",)))
    assert left == spelled_out(b"POST", kind=b"form by name", body=b"[1:[2:s1:as1:1")
    doubled = KeyOptions(normalize=lambda value: {**value, "a": value["a"] * 2})
    assert key(**form, url="https://h/p", options=doubled) == spelled_out(
        b"POST", kind=b"form by name", body=b"[2:[2:s1:as1:b{2:1:as2:111:bs1:2"
    )


def test_options_hold_beside_a_signature() -> None:
    def signed(item: str) -> str:
        url = f"https://h/x?X-Amz-Credential=AKIA%2F1&X-Amz-Date=1&X-Amz-Signature=a&item={item}"
        return key(url=url, options=KeyOptions(ignore_query=("item",)))

    assert signed("1") == signed("2")


def test_a_normalizer_with_a_name_normalizes() -> None:
    assert KeyOptions(normalize="coding-agent").normalized({"model": "m"}) == {"model": "m"}
    assert KeyOptions(normalize=lambda value: [value]).normalized(1) == [1]
    assert KeyOptions().normalized(1) == 1


def test_the_first_character_of_a_large_text_counts() -> None:
    assert key(json.dumps(["A" * 70_000])) != key(json.dumps(["B" + "A" * 69_999]))
