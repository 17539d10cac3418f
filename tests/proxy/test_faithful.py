"""A faithful proxy: what the client sends arrives, what upstream answers comes back, and nothing is added or lost."""

from __future__ import annotations

import gzip
import json
import threading
import zlib

import brotli
import httpx
import pytest
import zstandard

from tests.provider import CHAT, Answer, Provider
from tests.proxy.serving import Proxy, serving
from tests.proxy.upstream import RawUpstream, answering
from wirecache import Cache

PATH = "/openai/v1/chat/completions"
BODY = {"model": "m", "messages": []}
PLAIN = json.dumps(CHAT).encode()


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """Return the bytes of a request that has no body and closes its connection."""
    return (
        method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n"
    )


# -- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_paths_and_queries_arrive_as_they_were_sent(proxy: Proxy, provider: Provider, method: str) -> None:
    path = b"/v1/files/a%2Fb%20c/../d;e=1,2:x@y?b=2&a=1&a=%C3%A9&empty=&key=k"
    answer = proxy.raw(get(b"/openai" + path, b"X-Mine: 1", method=method.encode()))
    assert answer.startswith(b"HTTP/1.1 200")
    assert (provider.requests[0].method, provider.requests[0].path) == (method, path.decode())


def test_headers_arrive_but_those_of_one_connection(cache: Cache) -> None:
    with RawUpstream(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as upstream:
        with serving(cache, upstreams={"openai": upstream.url}) as proxy:
            proxy.raw(
                b"POST /openai/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAuthorization: Bearer sk-1\r\n"
                b"X-Two: a\r\nX-Two: b\r\nCookie: a=1; b=2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                b"Proxy-Connection: x\r\n"
                b"Expect: 100-continue\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nX-Wirecache-Token: t\r\n"
                b"Idempotency-Key: i\r\nUser-Agent: mine\r\n\r\n"
            )
        lines = upstream.heads[0].decode().split("\r\n")[1:-2]
    assert lines == [
        f"host: {upstream.url.removeprefix('http://')}", "authorization: Bearer sk-1", "x-two: a", "x-two: b", "cookie: a=1; b=2",
        "idempotency-key: i", "user-agent: mine", "content-length: 0",
    ]  # fmt: skip


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    "coding",
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.compress), ("deflate", zlib.compress)],
    ids=lambda c: c[0],
)
def test_request_bodies_in_any_coding_arrive_as_they_are(proxy: Proxy, provider: Provider, coding: tuple, chunked: bool) -> None:  # type: ignore[type-arg]
    name, compress = coding
    data = compress(json.dumps(BODY).encode())
    for _ in range(2):
        content = iter([data[:10], data[10:]]) if chunked else data
        response = proxy.post(PATH, content=content, headers={"content-encoding": name, "content-type": "application/json"})
        assert response.json() == CHAT
    assert [(request.body, request.header("content-encoding")) for request in provider.requests] == [(data, name)]


def test_the_first_bytes_of_an_upload_arrive_before_the_last_were_sent(proxy: Proxy, cache: Cache) -> None:
    arrived, body = threading.Event(), b""

    def script(connection, head):  # type: ignore[no-untyped-def]
        nonlocal body
        while b"first" not in head:
            head += connection.recv(65536)
        arrived.set()
        while not head.endswith(b"0\r\n\r\n"):
            head += connection.recv(65536)
        body = head
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with RawUpstream(script) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        head = b"POST /openai/v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
        with proxy.open(head) as connection:
            assert arrived.wait(10)
            connection.sendall(b"4\r\nlast\r\n0\r\n\r\n")
            assert b"200 OK" in connection.recv(65536)
    assert b"last" in body


def test_100_continue(proxy: Proxy, provider: Provider) -> None:
    head = (
        b"POST "
        + PATH.encode()
        + b" HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 27\r\nConnection: close\r\n\r\n"
    )
    with proxy.open(head) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b'{"model":"m","messages":[]}')
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert provider.requests[0].body == b'{"model":"m","messages":[]}'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            b"POST /openai/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", id="two lengths"
        ),
        pytest.param(b"POST /openai/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"POST /openai/v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n", id="unknown coding"),
        pytest.param(b"POST /openai/v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk size"),
        pytest.param(b"GET /openai/v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(b"GET /openai/v1/x HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /openai/v1/x HTTP/1.1\r\nHost: localhost\r\nX : 1\r\n\r\n", id="space in a name"),
        pytest.param(b"GET /openai/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", id="nul"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="tls"),
    ],
)
def test_a_malformed_request_is_answered_400_and_goes_nowhere(proxy: Proxy, provider: Provider, data: bytes) -> None:
    with proxy.open(data + b"\r\n\r\n") as connection:
        answer = connection.recv(65536)
    assert answer.split()[1:2] == [b"400"], answer
    assert provider.calls == 0


def test_a_length_beside_chunks_cannot_smuggle(proxy: Proxy, provider: Provider) -> None:
    smuggled = b"POST /openai/v1/other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    head = b"POST /openai/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    proxy.open(head % (5 + len(smuggled))).close()
    proxy.get("/openai/v1/models")
    assert all(
        request.body == b"" and request.header("content-length") is None for request in provider.requests if request.path == "/v1/files"
    )


# -- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 301, 302, 307, 400, 401, 403, 404, 409, 418, 422, 429, 451, 500, 502, 503, 504, 529]
)
def test_statuses_headers_and_bodies_come_back_unchanged(proxy: Proxy, provider: Provider, status: int) -> None:
    body = b'{"error": {"message": "no"}}'
    headers = [("Retry-After", "7"), ("X-Two", "a"), ("X-Two", "b"), ("Location", "http://elsewhere.example/"), ("x-request-id", "r")]
    provider.script = lambda _: Answer(status, headers, [body], length=None if status == 204 else len(body))
    response = proxy.post(PATH, json=BODY)
    assert response.status_code == status
    assert response.content == (b"" if status == 204 else body)
    assert [pair for pair in response.headers.raw if pair[0] in (b"Retry-After", b"X-Two", b"Location", b"x-request-id")] == [
        (name.encode(), value.encode()) for name, value in headers
    ]
    assert provider.calls == 1


def test_headers_of_one_connection_and_of_cors_do_not_come_back(cache: Cache) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTrailer: x\r\n"
        b"Proxy-Authenticate: x\r\n"
        b'Access-Control-Allow-Origin: *\r\nAlt-Svc: h3=":443"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: theirs\r\n\r\nok'
    )
    with RawUpstream(answering(head)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        answer = proxy.raw(get(b"/openai/v1/models"))
    lines = answer.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
    assert [line for line in lines if not line.startswith("cache-status")] == [
        "Content-Length: 2", "Set-Cookie: a=1", "Set-Cookie: b=2", "Server: theirs", "Connection: close",
    ]  # fmt: skip


def test_no_callers_cookies_are_kept_for_another(proxy: Proxy, provider: Provider) -> None:
    provider.script = lambda _: Answer.of({}, set_cookie="session=secret; Path=/")
    proxy.get("/openai/v1/models")
    proxy.get("/openai/v1/models")
    assert [request.header("cookie") for request in provider.requests] == [None, None]


def test_head(proxy: Proxy, cache: Cache) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: 1\r\n\r\n"
    with RawUpstream(answering(head)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        answer = proxy.raw(get(b"/openai/v1/models", method=b"HEAD"))
    assert b"Content-Length: 1234\r\nX-A: 1\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_interim_answers_are_not_taken_for_the_final_one(cache: Cache) -> None:
    data = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
    )
    with RawUpstream(answering(data)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        response = proxy.post("/openai/v1/files", content=b"x")
    assert (response.status_code, response.content) == (201, b"ok")


def test_a_body_that_ends_with_the_connection(cache: Cache) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"
    with RawUpstream(answering(data)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        assert proxy.get("/openai/v1/files/f/content").content == b"all of it"


def test_trailers_end_the_body_and_nothing_else(cache: Cache) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"
    with RawUpstream(answering(data)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        assert proxy.get("/openai/v1/models").content == b"ok"


ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        (None, None),
        ("identity", "identity"),
        ("gzip", "gzip"),
        ("gzip, compress, x-own", "gzip"),
        ("x-own", "identity"),
        ("br;q=0.5, gzip;q=0", "br;q=0.5, gzip;q=0"),
        ("*", "br, deflate, gzip, zstd"),
        ("*;q=0", "identity"),
        ("GZIP", "GZIP"),
    ],
)
def test_only_codings_that_both_can_undo_are_asked_for(proxy: Proxy, provider: Provider, accepted: str | None, sent: str | None) -> None:
    proxy.raw(get(b"/openai/v1/models", *([b"Accept-Encoding: " + accepted.encode()] if accepted else [])))
    assert provider.requests[0].header("accept-encoding") == sent


@pytest.mark.parametrize("coding", ENCODERS)
def test_the_answer_is_coded_as_the_client_asked(proxy: Proxy, provider: Provider, coding: str) -> None:
    coded = ENCODERS[coding](PLAIN)
    provider.script = lambda _: Answer(200, {"content-type": "application/json", "content-encoding": coding}, [coded], length=len(coded))
    raw = []
    for _ in range(2):
        with (
            httpx.Client(trust_env=False) as client,
            client.stream("POST", proxy.url + PATH, json=BODY, headers={"accept-encoding": coding}) as r,
        ):
            raw.append((r.headers.get("content-encoding"), b"".join(r.iter_raw())))
    plain = proxy.post(PATH, json=BODY, headers={"accept-encoding": "identity"})
    assert raw == [(coding, coded), (None, PLAIN)]
    assert (plain.content, plain.headers["content-length"]) == (PLAIN, str(len(PLAIN)))
    assert provider.calls == 1


def test_one_connection_serves_many_calls(proxy: Proxy, provider: Provider) -> None:
    with httpx.Client(trust_env=False) as client:
        for number in range(5):
            response = client.post(proxy.url + PATH, json={**BODY, "n": number})
            assert response.json() == CHAT
    head = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 27\r\n\r\n" + b'{"model":"m","messages":[]}'
    with proxy.open(head * 3) as connection:  # pipelined
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 3 or not answers.endswith(PLAIN):
            answers += connection.recv(65536)
    assert provider.calls == 6


# -- upgrades ---------------------------------------------------------------------------------------------------------

WEBSOCKET = (b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13")


def test_a_websocket_is_answered_426(proxy: Proxy, provider: Provider) -> None:
    answer = proxy.raw(
        b"GET /openai/v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" + b"\r\n".join(WEBSOCKET) + b"\r\n\r\n"
        + get(b"/-/wirecache/health")
    )  # fmt: skip
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"HTTP/1.1 200 OK" in answer, "the connection can be used further"
    assert provider.calls == 0


def test_an_upgrade_that_a_server_may_pass_over(proxy: Proxy, provider: Provider) -> None:
    answer = proxy.raw(
        b"GET /openai/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert provider.requests[0].header("upgrade") is None
