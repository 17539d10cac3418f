from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._core.rules.endpoints import PATTERNS, SUFFIXES, find_endpoint

# One row a path; a wrong row is a wrong answer, or a job that is never started.


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/chat/completions", "chat"),
        ("/openai/v1/chat/completions", "chat"),
        ("/openai/deployments/d/chat/completions", "chat"),
        ("/v1/chat/completions/", "chat"),
        ("/v1/completions", "completions"),
        ("/v1/responses", "responses"),
        ("/v1/responses/input_tokens", "input-tokens"),
        ("/v1/responses/compact", "compact"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/moderations", "moderations"),
        ("/v1/images/generations", "images"),
        ("/v1/images/edits", "images"),
        ("/v1/images/variations", "images"),
        ("/v1/audio/speech", "speech"),
        ("/v1/audio/transcriptions", "transcriptions"),
        ("/v1/audio/translations", "translations"),
        ("/v1/decisions", "decisions"),
        ("/v1/messages", "messages"),
        ("/v1/messages/count_tokens", "count-tokens"),
        ("/v1beta/models/m:generateContent", "generate-content"),
        ("/v1beta/models/m:streamGenerateContent", "generate-content"),
        ("/v1/models/m:countTokens", "count-tokens"),
        ("/v1/models/m:computeTokens", "count-tokens"),
        ("/v1/models/m:embedContent", "embeddings"),
        ("/v1/models/m:batchEmbedContents", "embeddings"),
        ("/v1/projects/p/locations/l/publishers/google/models/m:predict", "predict"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "messages"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict", "messages"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", "count-tokens"),
        ("/v1/interactions", "interactions"),
        ("/v1/fim/completions", "fim"),
        ("/v1/agents/completions", "agents"),
        ("/v1/chat/moderations", "moderations"),
        ("/v1/classifications", "classifications"),
        ("/v1/chat/classifications", "classifications"),
        ("/v1/ocr", "ocr"),
        ("/v1/chat", "chat"),
        ("/v2/chat", "chat"),
        ("/v1/embed", "embeddings"),
        ("/v2/embed", "embeddings"),
        ("/v1/rerank", "rerank"),
        ("/v2/rerank", "rerank"),
        ("/v1/classify", "classify"),
        ("/v1/summarize", "summarize"),
        ("/v1/generate", "completions"),
        ("/v1/tokenize", "tokenize"),
        ("/v1/detokenize", "detokenize"),
        ("/v2/parse", "parse"),
        ("/v2/audio/transcriptions", "transcriptions"),
        ("/20231130/actions/chat", "chat"),
        ("/api/chat", "ollama-chat"),
        ("/api/generate", "ollama-generate"),
        ("/api/embed", "embeddings"),
        ("/api/embeddings", "embeddings"),
        ("/hf-inference/models/org/name", "task"),
        ("/model/anthropic.claude-v1%3A0/invoke", "messages"),
        ("/model/m/converse", "messages"),
        ("/model/m/converse-stream", "messages"),
        ("/endpoints/e/invocations", "invocations"),
    ],
)
def test_inference(path: str, endpoint: str) -> None:
    assert find_endpoint(path.encode()) == endpoint


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1/files",
        "/v1/uploads/u/complete",
        "/v1/batches",
        "/v1/fine_tuning/jobs",
        "/v1/assistants",
        "/v1/threads",
        "/v1/threads/t/messages",
        "/v1/threads/t/runs",
        "/v1/vector_stores/v/search",
        "/v1/containers",
        "/v1/conversations",
        "/v1/conversations/c/items",
        "/v1/evals/e/runs",
        "/v1/realtime/sessions",
        "/v1/videos",
        "/v1/audio/voices",
        "/v1/responses/r/cancel",
        "/v1/chat/completions/c",
        "/v1/messages/batches",
        "/v1/messages/batches/b/cancel",
        "/v1/sessions/s/messages",
        "/v1beta/models/m:batchGenerateContent",
        "/v1beta/models/m:asyncBatchEmbedContent",
        "/v1/models/m:predictLongRunning",
        "/v1/models/m:fetchPredictOperation",
        "/v1beta/cachedContents",
        "/v1/batch/jobs",
        "/v1/agents",
        "/v1/ocr/x",
        "/v1/check-api-key",
        "/v1/embed-jobs",
        "/v2/batches",
        "/api/pull",
        "/api/show",
        "/v1/async/images/generations",
        pytest.param("/async/chat/completions"),
        pytest.param("/v1/async/embeddings"),
        "/model/m/async-invoke",
        "/mychat/completionsx",
        "/v1/Chat/Completions",
    ],
)
def test_not_inference(path: str) -> None:
    assert find_endpoint(path.encode()) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("prefix", ["", "/v1", "/openai/deployments/d", "/a gateway/é"])
def test_every_suffix_is_found_below_any_prefix_and_with_a_trailing_slash(suffix: str, prefix: str) -> None:
    path = (prefix + suffix).encode()
    assert find_endpoint(path) == find_endpoint(path + b"/") == SUFFIXES[suffix]


@quick
@given(st.lists(st.sampled_from(["v1", "chat", "completions", "messages", "async", "embeddings", "m:predict", "model", "invoke"])))
def test_a_path_is_an_endpoint_where_a_suffix_or_pattern_says_so_and_no_job(steps: list[str]) -> None:
    path = "".join(f"/{step}" for step in steps)
    matches = path.endswith(tuple(SUFFIXES)) or any(pattern.search(path) for pattern, _ in PATTERNS)
    assert (find_endpoint(path.encode()) is not None) == (matches and "/async/" not in path)


@quick
@given(st.binary(max_size=30))
def test_any_bytes_are_a_path(path: bytes) -> None:
    assert isinstance(find_endpoint(path), str | None)


def test_a_path_that_only_begins_like_an_endpoint_is_none() -> None:
    assert find_endpoint(b"/v1/chat/completions/") == "chat"
    assert find_endpoint(b"/v1/chat/completionsX") is None
