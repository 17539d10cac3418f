"""What an explanation says, for a request of either library or a dict; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

import wirecache
from wirecache import Cache, KeyOptions, Rule, make_key, options
from wirecache.httpx import cached_client

URL = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "It is 12:03:11."}]}
LATER: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "It is 12:03:15."}]}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache that holds the answer to ``BODY``."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with Cache(tmp_path / "store") as cache, cached_client(cache, transport=answer) as client:
        client.post(URL, json=BODY, headers={"anthropic-beta": "a"})
        client.post(URL, json=BODY)
        yield cache


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(httpx.Request("POST", URL, json=BODY), id="httpx"),
        pytest.param(httpx2.Request("POST", URL, json=BODY), id="httpx2"),
        pytest.param({"url": URL, "body": BODY}, id="parts"),
    ],
)
def test_what_would_hit(cache: Cache, request_: Any) -> None:
    explanation = cache.explain(request_)
    assert (explanation.rule, explanation.found, explanation.reason, explanation.nearest) == ("built-in: chat", True, None, None)
    assert explanation.key == make_key("POST", URL, {}, httpx.Request("POST", URL, json=BODY).content)
    assert explanation.age is not None
    assert '"model":"m"' in (explanation.canonical or "")
    assert str(explanation).startswith("hit: ")


def test_what_would_miss_and_where_it_differs(cache: Cache) -> None:
    explanation = cache.explain({"url": URL + "?key=s3cr3t", "body": LATER, "headers": {"authorization": "s3cr3t", "anthropic-beta": "a"}})
    assert (explanation.found, explanation.reason) == (False, "there is no entry with this key")
    assert explanation.nearest is not None
    assert [difference.pointer for difference in explanation.nearest.differences] == ["url", "/messages/0/content"]
    assert "looks like a time" in (explanation.nearest.differences[1].hint or "")
    assert "s3cr3t" not in str(explanation) + (explanation.canonical or "")


def test_which_headers_do_not_count(cache: Cache) -> None:
    headers = {"Helicone-Target-URL": "https://a", "x-request-id": "1", "Authorization": "s3cr3t", "User-Agent": "x"}
    explanation = cache.explain({"url": URL, "body": BODY, "headers": headers})
    assert explanation.uncounted == ("authorization", "user-agent", "x-request-id")
    assert "headers that do not count: authorization, user-agent, x-request-id" in str(explanation)
    with Cache("memory://", key=KeyOptions(credentials=True, headers=("x-*",))) as other:
        assert other.explain({"url": URL, "body": BODY, "headers": headers}).uncounted == ("user-agent",)


def test_the_target_on_the_wire_counts(cache: Cache) -> None:
    request = httpx.Request("POST", "https://api.example/x", json=BODY, extensions={"target": b"/v1/chat/completions?a=1"})
    assert cache.explain(request).key == make_key("POST", "https://api.example/v1/chat/completions?a=1", {}, request.content)


@pytest.mark.parametrize(
    ("made", "request_", "reason"),
    [
        pytest.param({"ttl": 0}, {"url": URL, "body": BODY}, "it is stale", id="stale"),
        pytest.param({"mode": "refresh"}, {"url": URL, "body": BODY}, "the call requires a new answer (refresh or no-cache)", id="refresh"),
        pytest.param({"mode": "off"}, {"url": URL, "body": BODY}, "bypassed: off", id="off"),
        pytest.param({}, {"url": URL, "body": {**BODY, "stream": True}}, "bypassed: stream", id="stream"),
        pytest.param({}, {"url": "https://h/v1/files", "body": {}}, "bypassed: no-rule", id="no rule"),
        pytest.param({"rules": [Rule(cache=False)]}, {"url": URL, "body": BODY}, "bypassed: rule", id="a rule closes it"),
        pytest.param({"namespace": "n"}, {"url": URL, "body": BODY}, "there is no entry with this key", id="namespace"),
        pytest.param({}, {"method": "GET", "url": "https://h/v1/models"}, "there is no entry with this key", id="GET"),
    ],
)
def test_why_not(cache: Cache, made: dict[str, Any], request_: dict[str, Any], reason: str) -> None:
    with Cache(cache.store, **made) as other:
        assert other.explain(request_).reason == reason


def test_a_namespace_or_a_header_is_a_difference_too(cache: Cache) -> None:
    with options(namespace="n", sample=2):
        explanation = cache.explain({"url": URL, "body": BODY, "headers": {"openai-beta": "b"}})
    assert explanation.nearest is not None
    assert {"namespace", "sample", "header openai-beta"} <= {difference.pointer for difference in explanation.nearest.differences}


def test_the_key_options_count(cache: Cache) -> None:
    with Cache(cache.store, key=KeyOptions(ignore_body=("/messages",))) as other:
        one, two = (other.explain({"url": URL, "body": body}).key for body in (BODY, LATER))
    assert one == two


def test_the_default_cache_explains_too(cache: Cache) -> None:
    assert wirecache.explain({"url": URL, "body": BODY}).found is False
    assert wirecache.explain({"url": URL, "body": BODY}, cache).found is True


def test_an_explanation_tells_no_secret(cache: Cache) -> None:
    key = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"
    body = {**BODY, "user": f"my key is {key}", "metadata": {"api_key": "hunter2"}}
    explanation = cache.explain({"url": f"{URL}?q={key}", "body": body, "headers": {"anthropic-beta": key}})
    assert explanation.nearest is not None
    assert {difference.pointer for difference in explanation.nearest.differences} >= {"url", "header anthropic-beta", "/user"}
    for text in (str(explanation), explanation.canonical or ""):
        assert key not in text
        assert "hunter2" not in text
