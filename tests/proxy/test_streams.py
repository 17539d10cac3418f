"""Bodies of any size pass both ways, no faster than they are read; whoever leaves ends what is done for him."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.provider import CHAT, Answer, Provider
from tests.provider_events import STREAMS
from tests.proxy.serving import Proxy, serving
from tests.proxy.upstream import RawUpstream, answering, waiting_upstream
from tests.sdk.wire import CHAT_STREAM, Gate
from wirecache import Cache, Cassette
from wirecache.serve import Upstream

ROOT = Path(__file__).parents[2]
PATH = "/openai/v1/chat/completions"
BODY = {"model": "m", "messages": [], "stream": True}
REQUEST = json.dumps(BODY).encode()
HEAD = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
CALL = HEAD % (PATH.encode(), len(REQUEST)) + REQUEST
MEGABYTE = 1024 * 1024


def eventually(is_so: Callable[[], object], seconds: float = 50) -> bool:
    """Return whether it is so within that time."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(is_so())


def test_a_stream_comes_as_it_is_sent(proxy: Proxy, provider: Provider) -> None:
    gate = Gate(CHAT_STREAM)
    provider.script = lambda _: gate.answer()
    with httpx.Client(trust_env=False) as client, client.stream("POST", proxy.url + PATH, json=BODY) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        gate.open()
        rest = b"".join(pieces)
    assert gate.in_time
    assert first == CHAT_STREAM[0]
    assert first + rest == b"".join(CHAT_STREAM)
    assert response.headers["x-accel-buffering"] == "no"
    assert proxy.post(PATH, json=BODY).content == first + rest
    assert provider.calls == 1


def test_a_stream_that_nobody_reads_is_not_read_either(proxy: Proxy, provider: Provider) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 400:  # megabytes
            sent += 1
            yield bytes(MEGABYTE)

    provider.script = lambda _: Answer(200, {"content-type": "application/octet-stream"}, endless())
    with proxy.open(b"GET /openai/v1/files/f/content HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        assert eventually(lambda: sent > 1)
        assert eventually(lambda at=[-1]: (at[0] == sent and sent) or at.__setitem__(0, sent) or time.sleep(0.3))  # type: ignore[misc]
        assert sent < 40
        connection.recv(MEGABYTE)


@pytest.mark.parametrize("path", [PATH, "/openai/v1/other"])
def test_a_client_that_leaves_ends_what_upstream_does(cache: Cache, path: str) -> None:
    begun = threading.Event()

    def script(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndata: 1\r\n")
        begun.set()
        upstream.wait_for_close(connection)

    with RawUpstream(script) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        client = proxy.open(HEAD % (path.encode(), len(REQUEST)) + REQUEST)
        assert begun.wait(10)
        client.recv(4096)
        client.close()
        assert upstream.closed.wait(10)
        assert eventually(lambda: "wirecache_proxy_open_calls 0" in proxy.get("/-/wirecache/metrics").text)
        assert 'disconnects_total{upstream="openai"} 1' in proxy.get("/-/wirecache/metrics").text
    assert not list(cache.entries())


def test_a_client_that_leaves_before_the_answer_ends_what_upstream_does(cache: Cache) -> None:
    with waiting_upstream() as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        client = proxy.open(CALL)
        assert eventually(lambda: upstream.heads)
        client.close()
        assert upstream.closed.wait(10)


def test_a_client_that_leaves_amid_its_request_ends_it(cache: Cache) -> None:
    with waiting_upstream() as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        client = proxy.open(b"POST /openai/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        assert eventually(lambda: upstream.heads)
        client.close()
        assert upstream.closed.wait(10)


def test_who_waits_for_one_that_leaves_goes_on(proxy: Proxy, provider: Provider) -> None:
    body = json.dumps({"model": "m", "messages": []}).encode()
    call = HEAD % (PATH.encode(), len(body)) + body
    leave, answers = threading.Event(), itertools.count()

    def answer(_: object) -> Answer | None:
        if next(answers) == 0:
            leave.wait(50)
        return None

    provider.script = answer
    leader = proxy.open(call)
    assert eventually(lambda: provider.calls == 1)
    with proxy.open(call) as follower:
        assert eventually(lambda: len(proxy.get("/-/wirecache/calls").json()["open"]) == 2)
        leader.close()
        answered = b""
        while not answered.endswith(json.dumps(CHAT).encode()):
            answered += follower.recv(65536)
        leave.set()
    assert answered.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("kind", ["chunked", "length"])
def test_an_answer_that_is_cut_does_not_look_whole(proxy: Proxy, provider: Provider, kind: str) -> None:
    length = 10_000 if kind == "length" else None
    provider.script = lambda _: Answer(200, {"content-type": "text/event-stream"}, CHAT_STREAM[:1], length=length, cut=True)
    answer = proxy.raw(CALL)
    assert CHAT_STREAM[0] in answer
    assert not answer.endswith(b"0\r\n\r\n")
    with pytest.raises(httpx.RemoteProtocolError):
        proxy.post(PATH, json=BODY)
    assert provider.calls == 2, "nothing was stored"


def test_an_upstream_that_is_not_there(cache: Cache) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with serving(cache, upstreams={"openai": f"http://127.0.0.1:{port}"}) as proxy:
        response = proxy.post(PATH, json=BODY)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_error"
    assert "x-should-retry" not in response.headers


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
def test_an_upstream_that_speaks_no_http(cache: Cache, data: bytes) -> None:
    with RawUpstream(answering(data)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        assert proxy.post(PATH, json=BODY).status_code == 502


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_http_does_not_have(cache: Cache, status: int) -> None:
    data = b"HTTP/1.1 %d Odd\r\nContent-Length: 2\r\n\r\nhi" % status
    with RawUpstream(answering(data)) as upstream, serving(cache, upstreams={"openai": upstream.url}) as proxy:
        response = proxy.post(PATH, json=BODY)
    assert response.status_code == 502
    assert f"its status is {status}" in response.json()["error"]["message"]


def test_an_upstream_that_does_not_answer_in_its_time(cache: Cache) -> None:
    with waiting_upstream() as upstream:
        port = int(upstream.url.rpartition(":")[2])
        slow = Upstream("openai", "http", "127.0.0.1", port, timeout=0.2)
        with serving(cache, upstreams={"openai": slow}) as proxy:
            response = proxy.post(PATH, json=BODY)
        assert upstream.closed.wait(10)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "upstream_timeout"


# -- pings ------------------------------------------------------------------------------------------------------------


def paused(chunks: list[bytes], pause: float, **headers: str) -> Answer:
    return Answer(200, {"content-type": "text/event-stream", **headers}, chunks, pause=pause)


def test_a_silent_event_stream_gets_comments_that_are_not_stored(cache: Cache, provider: Provider) -> None:
    events = STREAMS["anthropic"].events[:2]
    provider.script = lambda _: paused([*events, *STREAMS["anthropic"].events[2:]], 0.25)
    with serving(cache, provider, ping_seconds=0.1) as proxy:
        live = proxy.post("/anthropic/v1/messages", json=BODY).content
        replayed = proxy.post("/anthropic/v1/messages", json=BODY).content
    whole = b"".join(STREAMS["anthropic"].events)
    assert live.count(b": ping\n\n") > len(events)
    assert live.replace(b": ping\n\n", b"") == replayed == whole
    assert provider.calls == 1


def test_a_comment_comes_only_between_events(cache: Cache, provider: Provider) -> None:
    provider.script = lambda _: paused([b"data: one", b" and the rest\r\n", b"\r\n", b"data: [DONE]\n\n"], 0.3)
    with serving(cache, provider, ping_seconds=0.1) as proxy:
        live = proxy.post(PATH, json=BODY).content
    assert live.replace(b": ping\n\n", b"") == b"data: one and the rest\r\n\r\ndata: [DONE]\n\n"
    assert b"data: one and the rest\r\n\r\n: ping" in live
    assert live.startswith(b": ping")


@pytest.mark.parametrize("answer", [paused([b"a", b"b"], 0.3, **{"content-encoding": "gzip"}), Answer(200, {}, [b"a", b"b"], pause=0.3)])
def test_what_is_no_plain_event_stream_gets_none(cache: Cache, provider: Provider, answer: Answer) -> None:
    provider.script = lambda _: answer
    head = b"POST /openai/v1/other HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with serving(cache, provider, ping_seconds=0.05) as proxy:
        assert proxy.raw(head).partition(b"\r\n\r\n")[2] == b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"


# -- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "chunked"), [("/openai/v1/files", True), (PATH, False)], ids=["file, chunked", "call, with a length"])
def test_bodies_of_80_megabytes_pass_both_ways(proxy: Proxy, provider: Provider, path: str, chunked: bool) -> None:
    data = os.urandom(MEGABYTE) * 80
    provider.script = lambda request: Answer(200, {"content-type": "application/octet-stream"}, [request.body])
    content = iter([data[at : at + 100_000] for at in range(0, len(data), 100_000)]) if chunked else data
    response = proxy.post(path, content=content)
    assert response.content == data
    assert provider.requests[0].body == data


def test_a_cassette_passes_what_it_cannot_hold(provider: Provider, tmp_path: Path) -> None:
    data = os.urandom(MEGABYTE) * 65
    pieces = (data[at : at + MEGABYTE] for at in range(0, len(data), MEGABYTE))
    with Cassette(tmp_path / "tape", "once") as cassette, serving(cassette, provider) as proxy:
        assert proxy.post("/openai/v1/files", content=pieces).status_code == 200
        assert cassette.report().recorded == 0
    assert provider.requests[0].body == data


MEMORY = """
import sys
from pathlib import Path
from tests.proxy.serving import serving
from wirecache import Cache, MemoryStore
with serving(Cache(MemoryStore()), upstreams={"openai": sys.argv[1]}) as proxy:
    print(proxy.url, flush=True)
    sys.stdin.readline()
    print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], flush=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_a_body_that_is_not_kept_takes_no_memory(provider: Provider) -> None:
    provider.script = lambda _: Answer(200, {}, (bytes(MEGABYTE) for _ in range(300)))
    command = [sys.executable, "-c", MEMORY, provider.url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        upload = (bytes(MEGABYTE) for _ in range(100))
        with httpx.stream("POST", url + "/openai/v1/files", content=upload, timeout=60, trust_env=False) as response:
            assert sum(map(len, response.iter_raw())) == 300 * MEGABYTE
        kilobytes = int(process.communicate("\n")[0])
    assert kilobytes < 200 * 1024
