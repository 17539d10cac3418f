"""Which paths are inference endpoints, whose answers may be cached?

A table of path suffixes, since hosts and prefixes differ (``/v1``, ``/openai/v1``, Azure's deployments, gateways, self-hosted
servers). It is an allow-list: what is not in it is not cached. Checked against the routes in the providers' SDKs.
"""

from __future__ import annotations

import re

from wirecache._core.short_cache import cached_if_short

__all__ = ["find_endpoint"]

# Path suffixes, and the endpoint's name in statistics and file names.
SUFFIXES: dict[str, str] = {
    # OpenAI and compatible APIs (Groq, Mistral, Together, Cerebras, Ollama, vLLM, llama.cpp, Azure, gateways)
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/responses/input_tokens": "input-tokens",
    "/responses/compact": "compact",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/images/generations": "images",
    "/images/edits": "images",
    "/images/variations": "images",
    "/audio/speech": "speech",
    "/audio/transcriptions": "transcriptions",
    "/audio/translations": "translations",
    "/rerank": "rerank",
    "/v1/decisions": "decisions",
    # Anthropic (not "/messages": the paths of threads also end with it)
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "count-tokens",
    # Mistral
    "/fim/completions": "fim",
    "/agents/completions": "agents",
    "/chat/moderations": "moderations",
    "/v1/classifications": "classifications",
    "/chat/classifications": "classifications",
    "/ocr": "ocr",
    # Cohere
    "/v1/chat": "chat",
    "/v2/chat": "chat",
    "/v1/embed": "embeddings",
    "/v2/embed": "embeddings",
    "/v1/classify": "classify",
    "/v1/summarize": "summarize",
    "/v1/generate": "completions",
    "/v1/tokenize": "tokenize",
    "/v1/detokenize": "detokenize",
    "/v2/parse": "parse",
    "/actions/chat": "chat",  # Oracle
    "/actions/embedText": "embeddings",
    # Ollama
    "/api/chat": "ollama-chat",
    "/api/generate": "ollama-generate",
    "/api/embed": "embeddings",
    "/api/embeddings": "embeddings",
    # Google
    ":generateContent": "generate-content",
    ":streamGenerateContent": "generate-content",
    ":countTokens": "count-tokens",
    ":computeTokens": "count-tokens",
    ":embedContent": "embeddings",
    ":batchEmbedContents": "embeddings",
    ":predict": "predict",
    "/interactions": "interactions",
    # Anthropic's and Mistral's models on Google's Vertex
    "/count-tokens:rawPredict": "count-tokens",
    ":rawPredict": "messages",
    ":streamRawPredict": "messages",
}
# Below this path, the same suffixes start jobs that are polled (Z.ai, Perplexity).
ASYNC_JOBS = "/async/"

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/hf-inference/models/.+"), "task"),  # Hugging Face: a model's task
    (re.compile(r"/model/[^/]+/(invoke|invoke-with-response-stream|converse|converse-stream)\Z"), "messages"),  # Bedrock
    (re.compile(r"/endpoints/[^/]+/invocations(-response-stream)?\Z"), "invocations"),  # SageMaker
)

_LONGEST_FIRST = sorted(SUFFIXES, key=len, reverse=True)


@cached_if_short(1024)
def find_endpoint(path: bytes) -> str | None:
    """Return the name of the inference endpoint that a POST to this path calls, or None if the table has none."""
    text = path.decode("latin-1").rstrip("/")
    if ASYNC_JOBS in text:
        return None
    for suffix in _LONGEST_FIRST:
        if text.endswith(suffix):
            return SUFFIXES[suffix]
    return next((name for pattern, name in PATTERNS if pattern.search(text)), None)
