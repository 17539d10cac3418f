"""What can be asked of the proxy itself: health, numbers, and which cassette answers."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider import Answer, Provider
from tests.proxy.serving import Proxy, serving
from wirecache import Cache, Cassette, cached_client

CHAT = "/openai/v1/chat/completions"
BODY = {"model": "m", "messages": []}


def test_health_and_readiness(proxy: Proxy) -> None:
    assert proxy.get("/-/wirecache/health").json()["status"] == "ok"
    assert proxy.get("/-/wirecache/ready").json() == {"status": "ready"}
    proxy.app.control.is_stopping = True
    assert proxy.get("/-/wirecache/ready").status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/-/wirecache/none", 404), ("GET", "/-/wirecache/cassette/start", 405), ("GET", "/-/x", 404)]
)
def test_what_there_is_not(proxy: Proxy, provider: Provider, method: str, path: str, status: int) -> None:
    assert proxy.request(method, path).status_code == status
    assert provider.calls == 0


def test_metrics(proxy: Proxy, provider: Provider) -> None:
    for _ in range(2):
        proxy.post(f"{CHAT}?key=secret", json=BODY, headers={"authorization": "Bearer sk-secret"})
    proxy.request("BREW", "/openai/v1/models/secret")
    provider.script = lambda _: Answer.of({}, 429)
    proxy.post(CHAT, json={**BODY, "n": 2})
    response = proxy.get("/-/wirecache/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    for line in (
        'wirecache_proxy_calls_total{upstream="openai",method="POST",status="200",outcome="miss"} 1',
        'wirecache_proxy_calls_total{upstream="openai",method="POST",status="200",outcome="hit"} 1',
        'wirecache_proxy_calls_total{upstream="openai",method="POST",status="429",outcome="miss"} 1',
        "wirecache_proxy_open_calls 0",
        'wirecache_proxy_sent_bytes_total{upstream="openai"}',
        'wirecache_proxy_seconds_bucket{outcome="hit",le="+Inf"} 1',
        "wirecache_hits_total 1",
        'wirecache_billed_tokens_total{kind="output"} 7',
    ):
        assert any(found.startswith(line) for found in lines), line
    assert "secret" not in response.text
    assert all(re.fullmatch(r"# TYPE \w+ (counter|gauge|histogram)|\w+(\{(\w+=\"[^\"]*\",?)+\})? [\d.e+-]+", line) for line in lines)


def test_a_call_is_one_line_of_the_log_without_secrets(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        proxy.post(
            f"{CHAT}?key=AIzaSyA-secret", json=BODY, headers={"authorization": "Bearer sk-proj-secret123456789012345678901234567890"}
        )
        proxy.post("/nowhere/%0aforged%20line", json=BODY)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("wirecache")]
    assert len(lines) == 2
    assert re.fullmatch(r"POST openai /v1/chat/completions 200 miss [\d.]+ ms 282 B", lines[0])
    assert "\n" not in lines[1]
    assert "secret" not in "".join(lines)


# -- cassettes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(provider: Provider, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that records cassettes."""
    with Cassette(tmp_path / "tapes", "once") as cassette, serving(cassette, provider) as running:
        yield running


def test_a_test_in_any_language_chooses_its_cassette_by_a_header(recording: Proxy, provider: Provider, tmp_path: Path) -> None:
    for name in ("first", "nested/second"):
        for _ in range(2):
            assert recording.post(CHAT, json=BODY, headers={"x-wirecache-cassette": name}).status_code == 200
        assert recording.post("/-/wirecache/cassette/stop", json={"name": name}).json() == {
            "name": name, "replayed": 0, "recorded": 2, "live": 0, "missing": [], "unused": [],
        }  # fmt: skip
    assert all("cassette" not in name for request in provider.requests for name, _ in request.headers)
    with Cassette(tmp_path / "tapes/nested/second") as cassette, cached_client(cassette) as client:
        assert "hit" in client.post(f"{provider.url}/v1/chat/completions", json=BODY).headers["cache-status"]


def test_a_cassette_that_was_started_answers_until_it_is_stopped(recording: Proxy, provider: Provider, tmp_path: Path) -> None:
    answers = iter(range(100))
    provider.script = lambda _: Answer.of({"number": next(answers)})
    assert recording.post("/-/wirecache/cassette/start?name=mine").json() == {"name": "mine", "record_mode": "once"}
    assert [recording.post(CHAT, json=BODY).json()["number"] for _ in range(2)] == [0, 1]
    recording.post("/-/wirecache/cassette/start", json={"name": "mine"})
    assert [recording.post(CHAT, json=BODY).json()["number"] for _ in range(2)] == [0, 1]
    missing = recording.post(CHAT, json={**BODY, "n": 2})
    assert missing.status_code == 424
    assert "nearest" in missing.text
    report = recording.post("/-/wirecache/cassette/stop").json()
    assert (report["replayed"], len(report["missing"])) == (2, 1)
    assert recording.post("/-/wirecache/cassette/stop").status_code == 404
    assert recording.post(CHAT, json=BODY).json()["number"] == 2
    assert len(list((tmp_path / "tapes").glob("*.json"))) == 2  # with the schema


@pytest.mark.parametrize("name", ["../up", "/etc", "a/../b", "a//b", ".hidden", "a/.git", "", "a\\b", "x" * 300, "a\x7f", "~root", "C:"])
def test_no_name_leaves_the_directory(recording: Proxy, provider: Provider, name: str) -> None:
    assert recording.post("/-/wirecache/cassette/start", json={"name": name}).status_code == 400
    assert recording.post(CHAT, json=BODY, headers={"x-wirecache-cassette": name}).status_code == 400
    assert provider.calls == 0


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"name": 1}', b"{}"])
def test_what_is_no_name(recording: Proxy, body: bytes) -> None:
    assert recording.post("/-/wirecache/cassette/start", content=body).status_code == 400


def test_a_server_with_a_store_has_no_cassettes(proxy: Proxy, provider: Provider) -> None:
    response = proxy.post(CHAT, json=BODY, headers={"x-wirecache-cassette": "a"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "no_cassettes")
    assert provider.calls == 0


def test_a_miss_that_raises_in_python_is_answered_424(provider: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path, mode="offline", miss="raise") as cache, serving(cache, provider) as proxy:
        response = proxy.post(CHAT, json=BODY)
    assert (response.status_code, response.json()["error"]["code"]) == (424, "not_recorded")


def test_a_cassette_of_a_proxy_forks_below_the_child_of_all(provider: Provider, tmp_path: Path) -> None:
    def play(mode: str, **options: int) -> dict[str, object]:
        with Cassette(tmp_path / "tapes", mode, **options) as cassette, serving(cassette, provider) as running:  # type: ignore[arg-type]
            for model in ("m", "n"):
                running.post(CHAT, json={**BODY, "model": model}, headers={"x-wirecache-cassette": "a/b"})
            report: dict[str, object] = running.post("/-/wirecache/cassette/stop", json={"name": "a/b"}).json()
            return report

    play("once")
    report = play("fork", from_step=2)
    assert (report["replayed"], report["recorded"], report["live_from_step"]) == (1, 1, 2)
    assert report["child"] == str(tmp_path / "tapes-fork" / "a" / "b")
    assert len(list((tmp_path / "tapes-fork" / "a" / "b").glob("chat-*.json"))) == 2
