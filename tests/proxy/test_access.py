"""Who may use the proxy, and where it leads: no page in a browser, no open proxy, nothing private that was not named."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.provider import Answer, Provider
from tests.proxy.serving import Proxy, serving
from wirecache import Cache, ConfigError, MemoryStore
from wirecache._proxy.addresses import is_private
from wirecache.serve import App

CHAT = "/openai/v1/chat/completions"
BODY = {"model": "m", "messages": []}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:{port}", 200),
        ("127.0.0.1:{port}", 200),
        ("[::1]:{port}", 200),
        ("LOCALHOST.:{port}", 200),
        ("app.localhost:9", 200),
        ("host.docker.internal:4141", 200),
        ("192.168.1.7:4141", 200),  # an address cannot be rebound
        ("evil.example", 403),
        ("evil.example:{port}", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("127.0.0.1@evil.example", 403),
        ("", 403),
    ],
)
def test_the_host_header_must_be_a_name_of_this_machine(proxy: Proxy, provider: Provider, host: str, status: int) -> None:
    response = proxy.post(CHAT, json=BODY, headers={"host": host.format(port=proxy.port)})
    assert response.status_code == status
    assert provider.calls == (status == 200)


def test_a_further_name_of_the_server(cache: Cache, provider: Provider) -> None:
    with serving(cache, provider, server_names=["Wirecache", "cache.corp:80"]) as proxy:
        statuses = [
            proxy.post(CHAT, json=BODY, headers={"host": host}).status_code for host in ("wirecache:1", "cache.corp:80", "cache.corp")
        ]
    assert statuses == [200, 200, 403]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:{port}"},  # another page of this machine: rebinding makes Origin and Host equal
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/-/wirecache/cassette/start", "/-/wirecache/health"])
def test_no_page_may_use_it(proxy: Proxy, provider: Provider, path: str, headers: dict[str, str]) -> None:
    filled = {name: value.format(port=proxy.port) for name, value in headers.items()}
    response = proxy.post(path, content=b"{}", headers={**filled, "content-type": "text/plain"})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "origin_not_allowed"
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert provider.calls == 0


def test_a_preflight_without_cors_is_refused(proxy: Proxy, provider: Provider) -> None:
    asks = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert proxy.request("OPTIONS", CHAT, headers=asks).status_code == 403
    assert provider.calls == 0


def test_a_page_that_may_use_it(cache: Cache, provider: Provider) -> None:
    provider.script = lambda _: Answer.of(
        {"choices": [{"finish_reason": "stop"}]}, access_control_allow_origin="*", access_control_expose_headers="x"
    )
    origin = {"origin": "https://app.example"}
    with serving(cache, provider, cors_origins=["https://app.example"]) as proxy:
        preflight = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
        allowed = proxy.request("OPTIONS", CHAT, headers={**preflight, "access-control-request-private-network": "true"})
        answers = [proxy.post(CHAT, json=BODY, headers=origin) for _ in range(2)]
        other = proxy.post(CHAT, json=BODY, headers={"origin": "https://app.example.evil"})
        plain = proxy.post(CHAT, json=BODY)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-headers"] == "authorization,content-type"
    assert allowed.headers["access-control-allow-private-network"] == "true"
    for answer in (allowed, *answers):
        assert answer.headers.get_list("access-control-allow-origin") == ["https://app.example"]
        assert "Origin" in answer.headers["vary"]
    assert other.status_code == 403
    assert not [name for name in plain.headers if name.startswith("access-control")]
    assert provider.calls == 1


@pytest.mark.parametrize(
    ("prefix", "headers", "status"),
    [
        ("", {}, 401),
        ("", {"x-wirecache-token": "wrong"}, 401),
        ("/token/wrong", {}, 401),
        ("/token/", {}, 401),
        ("", {"authorization": "Bearer t0ken"}, 401),  # the provider's own credential
        ("", {"x-wirecache-token": "t0ken"}, 200),
        ("", {"proxy-authorization": "bearer t0ken"}, 200),
        ("/token/t0ken", {}, 200),
    ],
)
def test_a_token(cache: Cache, provider: Provider, prefix: str, headers: dict[str, str], status: int) -> None:
    with serving(cache, provider, token="t0ken") as proxy:
        assert proxy.post(prefix + CHAT, json=BODY, headers=headers).status_code == status
        assert proxy.get(f"{prefix}/-/wirecache/metrics", headers=headers).status_code == status
        assert proxy.get("/-/wirecache/health").status_code == 200
    assert provider.calls == (status == 200)


@pytest.mark.parametrize(
    "target",
    [
        b"http://127.0.0.1:{port}/v1/chat/completions",
        b"https://evil.example/",
        b"//127.0.0.1:{port}/v1/chat/completions",
        b"/http://127.0.0.1:{port}/",
        b"/openai@127.0.0.1:{port}/v1",
        b"/OpenAI/v1/chat/completions",
        b"/%6fpenai/v1/chat/completions",
        b"*",
    ],
)
def test_it_is_no_open_proxy(proxy: Proxy, provider: Provider, target: bytes) -> None:
    filled = target.replace(b"{port}", str(provider.port).encode())
    answer = proxy.raw(b"GET " + filled + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"403", b"404")
    assert provider.calls == 0


def test_connect_is_refused(proxy: Proxy, provider: Provider) -> None:
    answer = proxy.raw(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % provider.port)
    assert answer.split()[1] in (b"400", b"404")
    assert provider.calls == 0


@pytest.mark.parametrize("header", ["x-wirecache-upstream", "x-forwarded-host", "helicone-target-url", "x-upstream", "forwarded"])
def test_no_header_names_an_upstream(proxy: Proxy, provider: Provider, header: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.1)
        proxy.post(CHAT, json=BODY, headers={header: f"http://127.0.0.1:{elsewhere.getsockname()[1]}"})
        with pytest.raises(TimeoutError):
            elsewhere.accept()
    assert provider.calls == 1


@pytest.fixture
def allowing_all(cache: Cache, provider: Provider) -> Iterator[Proxy]:
    """A proxy that passes to any host with a public address, by both schemes."""
    with serving(cache, provider, allow_hosts=["http://*:*", "https://*:*"]) as running:
        yield running


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "[::]",
        "127.0.0.1.",
    ],
)
def test_a_wildcard_does_not_lead_into_a_private_network(allowing_all: Proxy, provider: Provider, host: str) -> None:
    response = allowing_all.post(f"/to/{host}:{provider.port}/v1/chat/completions", json=BODY)
    assert response.status_code in (403, 502), response.text
    assert provider.calls == 0


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "127.9.9.9", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    ("allowed", "path", "status"),
    [
        ("http://127.0.0.1:{port}", "/to/127.0.0.1:{port}/v1/chat/completions", 200),
        ("http://localhost:*", "/to/localhost:{port}/v1/chat/completions", 200),
        ("http://127.0.0.1", "/to/127.0.0.1:{port}/v1/chat/completions", 403),
        ("http://127.0.0.1:{port}", "/to/127.0.0.2:{port}/v1/chat/completions", 403),
        ("http://127.0.0.1:{port}", "/to/user@127.0.0.1:{port}/v1/chat/completions", 400),
        ("http://127.0.0.1:{port}", "/to/127.0.0.1:{port}%2f/v1/chat/completions", 400),
        ("http://127.0.0.1:{port}", "/to/", 400),
        ("http://127.0.0.1:{port}", "/to/127.0.0.1:99999/", 400),
    ],
)
def test_a_host_that_is_named_may_be_private(cache: Cache, provider: Provider, allowed: str, path: str, status: int) -> None:
    with serving(cache, provider, allow_hosts=[allowed.format(port=provider.port)]) as proxy:
        assert proxy.post(path.format(port=provider.port), json=BODY).status_code == status
    assert provider.calls == (status == 200)


def test_a_path_cannot_leave_that_of_its_upstream(cache: Cache, provider: Provider) -> None:
    with serving(cache, upstreams={"gateway": f"{provider.url}/llm"}) as proxy:
        good = proxy.raw(b"GET /gateway/v1/models?a=..%2f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        bad = [
            proxy.raw(b"GET /gateway/" + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            for path in (b"../admin", b"v1/%2e%2e/%2E./admin", b"v1/..%2f..%2fadmin", b"v1/..\\..\\admin")
        ]
    assert good.startswith(b"HTTP/1.1 200")
    assert [answer.split()[1] for answer in bad] == [b"400"] * 4
    assert [request.path for request in provider.requests] == ["/llm/v1/models?a=..%2f"]


@pytest.mark.parametrize(
    "options",
    [
        {"upstreams": {"to": "https://a"}},
        {"upstreams": {"A": "https://a"}},
        {"upstreams": {"a/b": "https://a"}},
        {"upstreams": {"a": "ftp://a"}},
        {"upstreams": {"a": "a.example"}},
        {"upstreams": {"a": "https://user:pass@a"}},
        {"upstreams": {"a": "https://a?x=1"}},
        {"upstreams": {"a": "https://a:99999"}},
        {"allow_hosts": ["https://a/b"]},
        {"allow_hosts": ["ftp://a"]},
        {"allow_hosts": [""]},
    ],
)
def test_wrong_options_are_refused_at_once(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        App(Cache(MemoryStore()), **options)
