"""Who may see the pages: by token, by name of the server, and from which site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.ui import sample
from tests.ui.server import TOKEN, Served, serve
from wirecache import ConfigError
from wirecache._inspector.security import is_allowed_host
from wirecache.ui import App


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = sample.write_store(tmp_path_factory.mktemp("s") / "store", [sample.chat("a secret prompt", "a secret answer")])
    with serve([store], allowed_hosts=["inspector.example", "proxied.example:8443"]) as running:
        yield running


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=served.url) as client:
        yield client


PATHS = ["/", "/sessions", "/x/0/" + "0" * 64, "/api/v1/exchanges", "/api/v1/openapi.json", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_shown(path: str, stranger: httpx.Client) -> None:
    for headers in ({}, {"authorization": "Bearer wrong-token"}, {"cookie": f"wirecache_ui_{stranger.base_url.port}=wrong"}):
        answer = stranger.get(path, headers=headers)
        assert answer.status_code == 401
        assert "secret" not in answer.text


def test_the_token_becomes_a_cookie_and_leaves_the_address(served: Served, stranger: httpx.Client) -> None:
    answer = stranger.get(f"/?q=a+b&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?q=a+b")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert f"wirecache_ui_{served.port}=" in cookie
    assert "secret prompt" in stranger.get("/").text  # the client kept the cookie


def test_a_wrong_token_in_the_address_sets_nothing(stranger: httpx.Client) -> None:
    answer = stranger.get("/?token=wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_redirect_never_leaves_this_server(stranger: httpx.Client) -> None:
    answer = stranger.get("/", extensions={"target": f"//evil.example/a?token={TOKEN}".encode()})
    assert answer.headers["location"] == "/evil.example/a"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.1.evil.example:{port}", "proxied.example", ""]
)
def test_a_rebound_name_gets_nothing(host: str, served: Served) -> None:
    answer = served.client.get("/", headers={"host": host.format(port=served.port)})
    assert answer.status_code in (400, 421)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "inspector.example", "inspector.example:{port}", "proxied.example:8443"]
)
def test_names_of_this_server(host: str, served: Served) -> None:
    assert served.client.get("/", headers={"host": host.format(port=served.port)}).status_code == 200


def test_a_name_needs_its_port() -> None:
    assert is_allowed_host("[::1]:8100", 8100, ())
    assert is_allowed_host("localhost", 80, ())
    assert not is_allowed_host("localhost", 8100, ())
    assert not is_allowed_host("a.example:81", 8100, ["a.example", "b.example:81"])


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_other_site_changes_anything(headers: dict[str, str], served: Served, stranger: httpx.Client) -> None:
    stranger.get(f"/?token={TOKEN}")  # the browser that it abuses is logged in
    assert stranger.get("/").status_code == 200
    assert stranger.post("/api/v1/explain", json={"url": "http://a/"}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"origin": "http://127.0.0.1:{port}"}, {"sec-fetch-site": "same-origin"}])
def test_pages_of_ours_do(headers: dict[str, str], served: Served, stranger: httpx.Client) -> None:
    stranger.get(f"/?token={TOKEN}")
    own = {name: value.format(port=served.port) for name, value in headers.items()}
    assert stranger.post("/api/v1/explain", json={"url": "http://a/"}, headers=own).status_code == 200


def test_origin_equal_to_a_rebound_host_proves_nothing(served: Served) -> None:
    rebound = {"host": f"evil.example:{served.port}", "origin": f"http://evil.example:{served.port}", "sec-fetch-site": "same-origin"}
    assert served.client.post("/api/v1/explain", json={"url": "http://a/"}, headers=rebound).status_code == 421


def test_other_sites_embed_nothing_but_may_link(served: Served) -> None:
    embedding = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert served.client.get("/api/v1/exchanges", headers=embedding).status_code == 403
    assert served.client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v1/exchanges", "/static/pages.css"])
def test_each_answer_has_the_policy(path: str, served: Served, stranger: httpx.Client) -> None:
    for client in (served.client, stranger):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_without_a_token_the_other_checks_hold(tmp_path: Path) -> None:
    with serve([tmp_path / "none"], token=None) as served, httpx.Client(base_url=served.url) as client:
        assert client.get("/").status_code == 200
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421
        assert client.post("/api/v1/explain", json={"url": "http://a/"}).status_code == 403


def test_the_token_is_random_unless_given() -> None:
    one, other = App("memory://"), App("memory://")
    assert one.token
    assert other.token
    assert one.token != other.token
    assert one.url("::1", 9) == f"http://[::1]:9/?token={one.token}"
    assert App("memory://", token=None).url("127.0.0.1", 9) == "http://127.0.0.1:9/"
    with pytest.raises(ConfigError, match="token must be"):
        App("memory://", token="short")
    with pytest.raises(ConfigError, match="allowed_hosts must be a list"):
        App("memory://", allowed_hosts="a.example")


def test_static_files_do_not_leave_their_folder(served: Served) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert served.client.get(path).status_code == 404


NUMBERS = ["\u00b2", "\u0663", "-1", "9" * 30, "9" * 5000, "1e9", "", "\x00"]
NUMBERED = ["/?page=", "/?status=", "/sessions?page=", "/savings?calls_per_day=", "/api/v1/exchanges?limit=", "/api/v1/exchanges?page="]


@pytest.mark.parametrize("path", NUMBERED)
def test_what_is_no_number_breaks_no_page(path: str, served: Served) -> None:
    for text in NUMBERS:
        assert served.client.get(path + quote(text)).status_code == 200, text


def test_what_is_no_number_names_no_part(served: Served) -> None:
    ref = served.client.get("/api/v1/exchanges").json()["exchanges"][0]["ref"]
    for text in NUMBERS:
        for place in (f"{text}.0", f"0.{text}"):
            assert served.client.get(f"/text/0/{ref}", params={"place": place}).status_code == 404, place
        assert served.client.get(f"/x/0/{ref}?view=stream&page={quote(text)}").status_code == 200, text


def test_requests_that_cannot_be_read_are_refused_in_words(served: Served) -> None:
    nested = '{"url": "https://a/", "body": ' + "[" * 100_000 + "]" * 100_000 + "}"
    page = served.client.post("/explain", data={"request": nested}, headers={"sec-fetch-site": "same-origin"})
    assert page.status_code == 200
    assert "neither a curl command nor JSON" in page.text
    assert served.client.post("/api/v1/explain", content=nested).status_code == 400


@pytest.mark.parametrize("option", ["-d @{}", "--data-binary @{}", "-K {}", "--data-urlencode a@{}"])
def test_a_pasted_command_reads_no_file(option: str, served: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("what-the-file-holds")
    command = f"curl https://api.openai.com/v1/chat/completions {option.format(secret)}"
    page = served.client.post("/explain", data={"request": command}, headers={"sec-fetch-site": "same-origin"})
    assert page.status_code == 200
    assert "what-the-file-holds" not in page.text


def test_hostile_options_are_shown_as_text(served: Served) -> None:
    hostile = "/<img/src=x/onerror=alert(1)>{{7*7}}"
    page = served.client.get("/explain", params={"ignore_body": hostile, "ignore_query": hostile, "trial": ""}).text
    assert "&lt;img/src=x/onerror=alert(1)&gt;{{7*7}}" in page
    assert "<img" not in page


@pytest.mark.parametrize("name", ["0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "localhost.evil.example", "127.0.0.1.nip.io"])
def test_other_ways_to_write_this_machine_are_refused(name: str, served: Served) -> None:
    assert served.client.get("/", headers={"host": f"{name}:{served.port}"}).status_code == 421
    origin = {"origin": f"http://{name}:{served.port}"}
    assert served.client.post("/explain", data={"request": "x"}, headers=origin).status_code == 403
    for trick in (f"http://{served.host}@evil.example", f"http://{served.host}.evil.example", "null"):
        assert served.client.post("/explain", data={"request": "x"}, headers={"origin": trick}).status_code == 403
