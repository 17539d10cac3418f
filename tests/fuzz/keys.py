"""Two requests have one key exactly if they are one request to a server: by a second opinion, and by what an HTTP library would send."""

from __future__ import annotations

import random
from typing import Any

import httpx
from hypothesis import assume
from hypothesis import strategies as st

from tests.core.jsons import changed, documents, spelled
from tests.fuzz.key_reference import identity
from tests.fuzz.target import Target
from wirecache import KeyOptions, make_key
from wirecache._core.keys.canonical import EMPTY
from wirecache._core.keys.keys import key_of
from wirecache._transport.requests import to_request
from wirecache.httpx import _LIBRARY as LIBRARY

# -- pairs of requests ------------------------------------------------------------------------------------------------

METHODS = st.sampled_from(["POST", "POST", "post", "PUT"])
HOSTS = st.sampled_from(["api.openai.com", "API.OpenAI.com", "h", "127.0.0.1"])
SCHEMES = st.sampled_from(["https", "https", "http", "HTTPS"])
PORTS = st.sampled_from(["", "", ":443", ":80", ":8080"])
SEGMENTS = st.sampled_from(["v1", "chat", "completions", "", "a b", "~x", "~", "%2F", "%", "é", "a;b", "a:b", "@", "models"])
NAMES = st.sampled_from(["a", "b", "A", "model", "alt", "api-version", "key", "api_key", "Access_Token", "keyword", "x key", "c[]"])
WORDS = st.sampled_from(["", "1", "2", "a=b", "~", "a b", "%41", "&", "é", "+", "/"]) | st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=3
)
HEADER_NAMES = st.sampled_from(
    [
        "anthropic-version", "Anthropic-Beta", "openai-beta", "groq-model-version", "prefer", "accept", "user-agent", "x-stainless-lang",
        "idempotency-key", "traceparent", "date", "authorization", "x-api-key", "api-key", "openai-organization", "x-mine", "x-mine-too",
        "host",
    ]
)  # fmt: skip
TOKENS = st.sampled_from(["a", "b", "1", " a ", "a  b", "*/*", "application/json", "audio/wav", "text/event-stream"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "credentials": st.just(True),
        "host": st.just(False),
        "headers": st.sampled_from([["x-mine"], ["X-Mine*"], ["prefer"]]),
        "ignore_query": st.sampled_from([["a"], ["MODEL", "b"]]),
        "ignore_body": st.lists(
            st.sampled_from(["/a", "/0", "/1", "/*", "/a/0", "/a/1", "/a/*", "/*/a", "/a~1b", "/a~0b", "/", "/b/*/a", "/1:a", "/type"]),
            max_size=3,
        ),
    },
)


UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
DICE = st.integers(0, 999).map(random.Random)


def escaped(text: str, plain: str, dice: random.Random) -> str:
    """The text in a URL, in one of its spellings. ``plain``: the characters that may stand for themselves."""
    return "".join(
        chr(octet) if chr(octet) in plain and dice.random() < 0.9 else dice.choice([f"%{octet:02X}", f"%{octet:02x}"])
        for octet in text.encode()
    )


def spelled_url(endpoint: tuple[str, str, str, list[str]], pairs: list[Any], dice: random.Random) -> str:
    """A URL of these parts, in one of its spellings."""
    scheme, host, port, segments = endpoint
    path = "".join("/" + escaped(segment, UNRESERVED, dice) for segment in segments)
    query = [escaped(name, UNRESERVED, dice) + ("" if value is None else "=" + escaped(value, UNRESERVED, dice)) for name, value in pairs]
    if len({name.lower() for name, _ in pairs}) == len(pairs):  # those of one name keep their order
        dice.shuffle(query)
    mark = "?" if query or dice.random() < 0.1 else ""
    return f"{scheme}://{host}{port}{path}{mark}{'&'.join(query)}{dice.choice(['', '', '#x'])}"


ID = "pyd_ai_" + "0123456789abcdef" * 2
OTHER_ID = "pyd_ai_" + "fedcba9876543210" * 2
LINKED = st.recursive(
    st.sampled_from([ID, OTHER_ID, "x", 1]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "tool_call_id", "toolUseId", "name", "Id"]), inner, max_size=3)
    ),
    max_leaves=5,
).map(lambda value: {"messages": value})
PART_HEADS = st.sampled_from(
    [
        ['Content-Disposition: form-data; name="file"; filename="a.wav"', "Content-Type: audio/wav"],
        ['Content-Disposition: form-data; name="model"'],
        ['content-disposition:form-data; name="model"'],
        ['Content-Disposition: form-data; name="file"; filename="b.wav"'],
        [],
    ]
)
BOUNDARIES = st.sampled_from(["a", "ab", "0123456789abcdef"])
CONTENTS = st.sampled_from([b"", b"\r\n", b"--a", b"\r\n--", b"x", b"\r\n--abc", b"gpt", b"\r\n\r\n", b"--\r\n"]) | st.binary(max_size=4)


@st.composite
def forms_with_files(draw: st.DrawFn, parts: list[Any]) -> tuple[str, bytes]:
    boundary = draw(BOUNDARIES)
    body = b""
    for head, content in parts:
        lines = draw(st.permutations(head)) if draw(st.booleans()) else head
        body += f"--{boundary}\r\n".encode() + b"".join(line.encode() + b"\r\n" for line in lines) + b"\r\n" + content + b"\r\n"
    end = draw(st.sampled_from([b"--\r\n", b"--\r\n", b"--", b"", b"--\r\n\r\n"]))
    quote = draw(st.sampled_from(["", '"']))
    return f"multipart/form-data; boundary={quote}{boundary}{quote}", body + f"--{boundary}".encode() + end


def form_body(pairs: list[Any], dice: random.Random) -> bytes:
    """The body of a form, in one of its spellings."""
    plain = UNRESERVED + "*"
    return "&".join(
        "=".join(escaped(text, plain, dice).replace("%20", dice.choice(["%20", "+"])) for text in pair) for pair in pairs
    ).encode()


JSON_BREAKERS = st.sampled_from(
    [
        (b"1", b"1e400"), (b'"a"', b'"\\ud800"'), (b"1", b"NaN"), (b"null", b"nul"), (b"}", b',"a":1}'), (b"}", b',"\\u0061":1}'), (b"]",
        b",]"),
        (b"1", b"01"), (b"1", b"-0"), (b"1", b"-0.0"), (b'"', b'"\x01'), (b'"', b'"\xff'), (b"1", b"1" + b"0" * 30), (b"1", b"9" * 5000),
        (b" ", b"\x0b"),
        (b"{", b"\xef\xbb\xbf{"), (b"[", b"[" * 300),
    ]
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, pools: dict[str, Any]) -> tuple[str | None, bytes]:
    """A content type and a body of one of the pools."""
    kind = draw(st.sampled_from(pools["kinds"]))
    if kind == "json":
        text = spelled(draw(st.sampled_from(pools["json"])), draw(DICE)).encode()
        if not draw(st.integers(0, 4)):
            old, new = draw(JSON_BREAKERS)
            text = text.replace(old, new, 1)
        return draw(st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", None])), text
    if kind == "multipart":
        return draw(forms_with_files(draw(st.sampled_from(pools["parts"]))))
    if kind == "form":
        return "application/x-www-form-urlencoded", form_body(draw(st.sampled_from(pools["pairs"])), draw(DICE))
    return draw(st.sampled_from(["application/octet-stream", "text/plain", "multipart/form-data; boundary=a", None])), draw(
        st.sampled_from(pools["raw"])
    )


KINDS = st.sampled_from([["json"], ["json"], ["multipart"], ["form"], ["raw"], ["json", "raw"], ["form", "json"], ["multipart", "raw"]])
VALUES = documents | LINKED
PARTS = st.lists(st.tuples(PART_HEADS, CONTENTS), max_size=3)
PAIRS = st.lists(st.tuples(NAMES, WORDS), max_size=3)
REQUEST_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "endpoint": st.tuples(SCHEMES, HOSTS, PORTS, st.lists(SEGMENTS, max_size=3)),
    "query": st.lists(st.tuples(NAMES, WORDS | st.none()), max_size=3),
    "headers": st.lists(st.tuples(HEADER_NAMES, TOKENS), max_size=3),
    "method": METHODS,
    "sample": st.sampled_from([0, 0, 1, 11]),
    "namespace": st.sampled_from(["", "", "a", "1", "é"]),
}
VARIED = st.lists(st.sampled_from(list(REQUEST_PARTS)), max_size=2, unique=True)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Some requests that are easily taken for one another: each of their parts is one of two."""
    kinds = draw(KINDS)
    pools: dict[str, Any] = {"kinds": kinds}
    if "json" in kinds:
        value = draw(VALUES)
        pools["json"] = [value, draw(changed(value) if draw(st.booleans()) else VALUES)]
    if "multipart" in kinds:
        pools["parts"] = [draw(PARTS), draw(PARTS)]
    if "form" in kinds:
        pairs = draw(PAIRS)
        pools["pairs"] = [pairs, draw(PAIRS) if draw(st.booleans()) else pairs[::-1]]
    if "raw" in kinds:
        pools["raw"] = [draw(CONTENTS), draw(CONTENTS)]
    # Most requests are alike in all but their body, or in their body and all but one thing.
    varied = draw(VARIED)
    fixed = {name: draw(part) for name, part in REQUEST_PARTS.items()}
    made = []
    for _ in range(draw(st.integers(2, 3))):
        chosen = {**fixed, **{name: draw(REQUEST_PARTS[name]) for name in varied}}
        content_type, content = draw(bodies(pools))
        headers = [[name, item] for name, item in chosen["headers"]]
        if content_type is not None:
            headers.append(["Content-Type", content_type])
        url = spelled_url(chosen["endpoint"], chosen["query"], draw(DICE))
        made.append(
            {
                "method": chosen["method"], "url": url, "headers": headers, "content": content,
                "namespace": chosen["namespace"], "sample": chosen["sample"],
            }
        )  # fmt: skip
    options = draw(OPTIONS | st.just({}))
    if kinds != ["json"]:
        options.pop("ignore_body", None)  # of a form, it counts by its names then
    return {"options": options, "requests": made}


def options_of(given: dict[str, Any]) -> KeyOptions:
    return KeyOptions(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def check_pairs(case: dict[str, Any]) -> None:
    options, seen = options_of(case["options"]), []
    for request in case["requests"]:
        headers = [(name, value) for name, value in request["headers"]]
        key = make_key(
            request["method"],
            request["url"],
            headers,
            request["content"],
            options=options,
            namespace=request["namespace"],
            sample=request["sample"],
        )
        seen.append((key, identity(request, case["options"])))
    for index, (key, own) in enumerate(seen):
        for other_key, other in seen[:index]:
            if not (own.exact and other.exact):
                assert key != other_key or own.letters == other.letters, f"one key for two malformed requests: {own} {other}"
            elif key == other_key:
                assert own.parts == other.parts, f"one key for two requests: {own.parts} {other.parts}"
            else:
                assert own.parts != other.parts, f"two keys for one request: {own.parts}"


# -- URLs as a library sends them -------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "/", "//", ".", "..", "/./", "/../", "?", "#", "&", "=", ":", "@", "%", "%2", "%2f", "%2E", "%2e%2e", "%zz", "+", " ", "\\", "[",
        "]", "{", "}", "|",
        "^", "`", '"', "<", ">", "'", "~", "!", "$", "(", ")", "*", ",", ";", "é", "\u00df", "a", "v1", "key=x", "[::1]", "xn--",
        "user:pw@", "\u3002", "%C3%A9",
    ]
)  # fmt: skip


@st.composite
def urls(draw: st.DrawFn) -> dict[str, Any]:
    host = draw(
        st.sampled_from(["h.example", "H.Example", "127.0.0.1", "[::1]", "b\u00fccher.example", "xn--bcher-kva.example", "h.example."])
    )
    host = draw(st.sampled_from(["", "", "", "user:pw@"])) + host + draw(st.sampled_from(["", "", "", ":443", ":80", ":8080", ":"]))
    rest = "".join(draw(st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=2), max_size=6)))
    return {"method": draw(st.sampled_from(["POST", "GET"])), "url": f"{draw(st.sampled_from(['https', 'http', 'HTTPS']))}://{host}/{rest}"}


def check_url(case: dict[str, Any]) -> None:
    """The key of a URL is that of the request that httpx makes of it."""
    try:
        request = httpx.Request(case["method"], case["url"])
    except httpx.InvalidURL:
        assume(False)
    sent = key_of(to_request(LIBRARY, request), EMPTY)
    assert make_key(case["method"], case["url"], request.headers) == sent, f"sent to {request.url.raw_host!r} as {request.url.raw_path!r}"


TARGETS = [Target("keys", requests(), check_pairs), Target("urls", urls(), check_url)]
