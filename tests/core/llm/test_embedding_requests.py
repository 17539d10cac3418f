"""Which requests are split into items, and what is the request for one of them?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import texts
from tests.core.play import ask, quick
from tests.embedder import COHERE, GEMINI, OLLAMA, OPENAI, body_for
from wirecache._core.keys.canonical import parse_body
from wirecache._core.llm.embedding_requests import ItemBatch, split_request

HOST = "https://api.example.com"
ONE: dict[str, Any] = {"model": "m"}


def split(path: str, body: Any, **headers: str) -> ItemBatch | None:
    raw = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
    return split_request(ask(HOST + path, headers=headers), parse_body(raw))


@pytest.mark.parametrize(
    ("path", "body", "alone"),
    [
        pytest.param(OPENAI, {**ONE, "input": ["a", "b"], "dimensions": 3}, {**ONE, "input": "b", "dimensions": 3}, id="openai"),
        pytest.param(OPENAI, {**ONE, "input": [[1, 2], [3]]}, {**ONE, "input": [3]}, id="tokens"),
        pytest.param("/openai/deployments/d/embeddings", {"input": ["a", "b"]}, {"input": "b"}, id="azure"),
        pytest.param(OLLAMA, {**ONE, "input": ["a", "b"], "options": {}}, {**ONE, "input": "b", "options": {}}, id="ollama"),
        pytest.param(COHERE, {**ONE, "texts": ["a", "b"]}, {**ONE, "texts": ["b"]}, id="cohere"),
        pytest.param("/v1/embed", {**ONE, "texts": ["a", "b"]}, {**ONE, "texts": ["b"]}, id="cohere v1"),
        pytest.param(GEMINI, {"requests": [{"content": 1}, {"content": 2}]}, {"requests": [{"content": 2}]}, id="gemini"),
    ],
)
def test_shapes(path: str, body: Any, alone: Any) -> None:
    batch = split(path, body)
    assert batch is not None
    assert len(batch.items) == 2
    one = batch.body_of_one(1)
    assert (one.kind, one.value) == ("json", alone)
    assert json.loads(one.raw) == alone
    assert json.loads(batch.content_of([0, 1])) == body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(OPENAI, {**ONE, "input": "a"}, id="a text"),
        pytest.param(OPENAI, {**ONE, "input": [1, 2, 3]}, id="tokens of one input"),
        pytest.param(OPENAI, {**ONE, "input": []}, id="nothing"),
        pytest.param(OPENAI, {**ONE, "input": [[1], []]}, id="no tokens"),
        pytest.param(OPENAI, {**ONE, "input": [[1], [True]]}, id="no token"),
        pytest.param(OPENAI, {**ONE, "input": ["a", [1]]}, id="texts and tokens"),
        pytest.param(OPENAI, {**ONE, "input": ["a", None]}, id="null"),
        pytest.param(OPENAI, {**ONE, "input": [{"text": "a"}]}, id="objects"),
        pytest.param(OPENAI, {**ONE, "input": ["a"], "late_chunking": True}, id="vectors that depend on each other"),
        pytest.param(OPENAI, {**ONE, "input": ["a"], "stream": False}, id="an unknown member"),
        pytest.param(COHERE, {**ONE, "texts": ["a"], "images": ["b"]}, id="texts and images"),
        pytest.param(COHERE, {**ONE, "inputs": [{"content": []}]}, id="inputs"),
        pytest.param(GEMINI, {"requests": [{}], "config": {}}, id="gemini and more"),
        pytest.param(GEMINI, {"requests": ["a"]}, id="gemini's texts"),
        pytest.param("/api/embeddings", {**ONE, "prompt": "a"}, id="ollama's older path"),
        pytest.param("/v1/models/m:embedContent", {"content": {}}, id="gemini's single content"),
        pytest.param("/v1/chat/completions", {**ONE, "input": ["a"]}, id="another path"),
        pytest.param(OPENAI, ["a"], id="a list"),
        pytest.param(OPENAI, b'{"input": ["a"], "input": ["b"]}', id="a name twice"),
        pytest.param(OPENAI, b"input=a", id="a form"),
    ],
)
def test_what_is_one_request(path: str, body: Any) -> None:
    assert split(path, body) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("authorization", "AWS4-HMAC-SHA256 x"), ("content-digest", "x"), ("x-amz-content-sha256", "x"), ("content-encoding", "zstd")],
)
def test_what_is_signed_is_one_request(name: str, value: str) -> None:
    assert split(OPENAI, {**ONE, "input": ["a"]}, **{name: value}) is None
    assert split(OPENAI, {**ONE, "input": ["a"]}, authorization="Bearer x") is not None


@quick
@given(st.lists(texts, min_size=1, max_size=6), st.data())
def test_what_is_sent_is_the_callers_own_text(items: list[str], data: st.DataObject) -> None:
    body = body_for(OPENAI, items, dimensions=3)
    raw = json.dumps(body, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 2]))).encode()
    batch = split(OPENAI, raw)
    assert batch is not None
    places = data.draw(st.lists(st.integers(0, len(items) - 1)))
    assert json.loads(batch.content_of(places)) == {**body, "input": [items[place] for place in places]}
    for place, item in enumerate(items):
        one = batch.body_of_one(place)
        assert parse_body(one.raw) == one
        assert one.value == {**body, "input": item}
