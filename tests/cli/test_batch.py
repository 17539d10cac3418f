"""``wirecache import batch``: what was bought at batch price answers the real SDKs, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from openai import NotFoundError, OpenAI, OpenAIError

from tests.cli.command import Done, wirecache
from tests.embedder import OPENAI, Embedder, body_for, vector
from tests.provider import CHAT, EMBEDDINGS, MESSAGE, RESPONSE
from wirecache import Cache, cached_client

CHAT_REQUEST: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Héllo, 日本 \U0001f600"}],
    "temperature": 0.0,
    "max_completion_tokens": 100,
    "seed": 2**53 + 1,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
}


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def request(name: str, url: str, body: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": url, "body": body}


def result(name: str, body: Any, status: int = 200) -> dict[str, Any]:
    return {"id": "b", "custom_id": name, "response": {"status_code": status, "request_id": "req_9", "body": body}, "error": None}


def batch(folder: Path, requests: list[Any], results: list[Any], *more: str) -> Done:
    files = "--input", write(folder / "requests.jsonl", requests), "--output", write(folder / "results.jsonl", results)
    return wirecache("import", "batch", *files, *more)


def openai(**options: Any) -> OpenAI:
    return OpenAI(http_client=cached_client(Cache(mode="offline")), api_key="sk-example", max_retries=0, **options)


@pytest.mark.parametrize("base", [None, "https://gateway.example/openai/v1", "http://localhost:8000/v1/"])
def test_openai(tmp_path: Path, base: str | None) -> None:
    requests = [
        request("chat", "/v1/chat/completions", CHAT_REQUEST),
        request("responses", "/v1/responses", {"model": "m", "input": "hello"}),
        request("embeddings", "/v1/embeddings", {"model": "m", "input": ["x"], "encoding_format": "float"}),
    ]
    results = [result("responses", RESPONSE), result("embeddings", EMBEDDINGS), result("chat", CHAT)]
    done = batch(tmp_path, requests, results, *(["--base-url", base] if base else []))
    assert (done.code, done.out.partition(" into ")[0]) == (0, "3 answers imported"), done.error
    client = openai(base_url=base)
    raw = client.chat.completions.with_raw_response.create(**CHAT_REQUEST)
    assert raw.headers["cache-status"].startswith("wirecache; hit")
    assert raw.headers["x-request-id"] == "req_9"
    assert raw.parse().to_dict() == CHAT
    assert client.responses.create(model="m", input="hello").output_text == "hi"
    assert client.embeddings.create(model="m", input=["x"], encoding_format="float").data[0].embedding == [0.5, 0.25]


def test_anthropic(tmp_path: Path) -> None:
    request_body: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 64,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hé"}],
    }
    results = [
        {"custom_id": "b", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "overloaded", "message": "busy"}}}},
        {"custom_id": "c", "result": {"type": "expired"}},
        {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}},
    ]
    done = batch(tmp_path, [{"custom_id": name, "params": request_body} for name in "abc"], results, "--provider", "anthropic")
    assert done.code == 1
    assert "results.jsonl:1: b: overloaded: busy" in done.error
    assert "results.jsonl:2: c: expired" in done.error
    client = Anthropic(http_client=cached_client(Cache(mode="offline")), api_key="x", max_retries=0)
    raw = client.messages.with_raw_response.create(**request_body)
    assert raw.headers["cache-status"].startswith("wirecache; hit")
    assert raw.parse().content[0].text == "hi"


def test_what_failed_is_listed_and_left_out(tmp_path: Path) -> None:
    filtered = {**CHAT, "choices": [{**CHAT["choices"][0], "finish_reason": "content_filter"}]}
    bodies = {name: {**CHAT_REQUEST, "user": name} for name in ("good", "bad", "filtered", "late", "lost")}
    requests = [*(request(name, "/v1/chat/completions", body) for name, body in bodies.items()), "{", request("good", "/v1/x", {})]
    results = [
        result("bad", {"error": {"message": "no such model", "type": "invalid_request_error", "code": None}}, 404),
        result("filtered", filtered),
        {"custom_id": "late", "response": None, "error": {"code": "batch_expired", "message": "too late"}},
        result("good", CHAT),
        result("nobody", CHAT),
        "[]",
    ]
    done = batch(tmp_path, requests, results, "--json")
    assert (done.code, done.json["written"], done.json["already"]) == (1, 1, 0)
    errors = [error.removeprefix(f"{tmp_path}/") for error in done.json["errors"]]
    assert errors == [
        "requests.jsonl:6: not JSON: Expecting property name enclosed in double quotes",
        "requests.jsonl:7: good occurs twice",
        "results.jsonl:1: bad: status 404: invalid_request_error: no such model",
        "results.jsonl:2: filtered: a cache does not store such an answer: content-filter",
        "results.jsonl:3: late: batch_expired: too late",
        "results.jsonl:5: no request has the custom_id 'nobody'",
        "results.jsonl:6: not a JSON object",
        "requests.jsonl: lost has no result",
    ]
    assert openai().chat.completions.create(**bodies["good"]).choices[0].message.content == "hi"
    with pytest.raises(OpenAIError) as refused:
        openai().chat.completions.create(**bodies["bad"])
    assert not isinstance(refused.value, NotFoundError)


def test_the_same_twice_is_there_once(tmp_path: Path) -> None:
    files = [request("a", "/v1/chat/completions", CHAT_REQUEST)], [result("a", CHAT)]
    assert batch(tmp_path, *files, "--json").json["written"] == 1
    again = batch(tmp_path, *files, "--json")
    assert (again.code, again.json["written"], again.json["already"]) == (0, 0, 1)
    assert len(wirecache("ls", "--json").json["entries"]) == 1


def test_headers_that_count_in_the_key(tmp_path: Path) -> None:
    request_body = {"model": "claude", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    succeeded = {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}}
    beta = ("--provider", "anthropic", "--header", "anthropic-beta: one-2026-01-01")
    assert batch(tmp_path, [{"custom_id": "a", "params": request_body}], [succeeded], *beta).code == 0
    client = Anthropic(http_client=cached_client(Cache(mode="offline")), api_key="x", max_retries=0)
    headers = {"anthropic-beta": "one-2026-01-01"}
    assert client.messages.create(**request_body, extra_headers=headers).content[0].text == "hi"


def test_each_text_of_a_list_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_EMBEDDINGS", "items")
    body = body_for(OPENAI, ["a", "b", "a"], encoding_format="float")
    answers = [json.loads(Embedder(order=order).answer(OPENAI, body)) for order in (lambda places: places[::-1], lambda places: places[1:])]
    requests = [request(name, "/v1/embeddings", body) for name in ("good", "bad")]
    done = batch(tmp_path, requests, [result("good", answers[0]), result("bad", answers[1])])
    assert done.code == 1
    assert "bad: a cache does not store such an answer: items-count" in done.error
    assert done.out.startswith("2 answers imported")
    client = openai()
    for texts in (["b", "a"], ["b"]):
        found = client.embeddings.create(model="m", input=texts, encoding_format="float")
        assert [item.embedding for item in found.data] == [json.loads(vector(text)) for text in texts]
    assert client.embeddings.create(model="m", input="a", encoding_format="float").data[0].embedding == json.loads(vector("a"))
