"""May this request be answered from the store, and if not, why not?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from wirecache._core.headers import content_media_type
from wirecache._core.keys.canonical import Body
from wirecache._core.messages import Head, Request

__all__ = [
    "body_bypass_reason", "body_requests_stream", "choices_requested", "has_content", "is_event_stream", "is_upgrade", "model_of",
    "target_requests_stream", "too_large",
]  # fmt: skip

STREAM_TYPES = (
    b"text/event-stream",
    b"application/x-ndjson",
    b"application/jsonl",
    b"application/stream+json",
    b"application/vnd.amazon.eventstream",
)
STREAM_PATHS = (
    b":streamGenerateContent",
    b":streamRawPredict",
    b"/invoke-with-response-stream",
    b"/converse-stream",
    b"/invocations-response-stream",
)


def is_upgrade(request: Request) -> bool:
    """Return whether the request asks for another protocol (a websocket). Such a request passes through untouched."""
    return b"upgrade" in request.fields or request.scheme in ("ws", "wss")


def has_content(request: Request) -> bool:
    """Return whether the request declares a body (RFC 9112 section 6)."""
    return b"transfer-encoding" in request.fields or request.fields.get(b"content-length", b"0").strip() != b"0"


def target_requests_stream(path: bytes, query: bytes) -> bool:
    """Return whether path and query ask for a stream."""
    return path.rstrip(b"/").endswith(STREAM_PATHS) or b"alt=sse" in query.split(b"&")


def too_large(message: Request | Head, limit: int) -> bool:
    """Return whether the declared size of the body exceeds the limit (bytes), so that it is not buffered."""
    declared = message.fields.get(b"content-length", b"")
    return len(declared) > 6 and declared.isdigit() and int(declared) > limit


def body_bypass_reason(endpoint: str, body: Body, *, streams: bool = False) -> str | None:
    """Return why a request with this body must bypass the cache, or None. ``streams``: streams are recorded and may be replayed."""
    if body.kind == "empty":
        return "no-body"
    if not streams and body_requests_stream(endpoint, body):
        return "stream"
    members = body.members
    if members.get("background"):
        return "background"
    if "jsonrpc" in members and endpoint != "rule":
        return "json-rpc"
    if endpoint == "interactions" and (members.get("store") is not False or any(map(members.get, GOOGLE_STATE))):
        return "stateful"
    return None


# Google keeps interactions on the server (where they can be continued by their id) unless "store": false is sent.
GOOGLE_STATE = ("previous_interaction_id", "continuation_token", "agent", "environment", "webhook_config")
# Ollama's native endpoints stream unless "stream": false is sent (its API documentation, "Streaming responses").
OLLAMA_STREAMS = frozenset({"ollama-chat", "ollama-generate"})


def body_requests_stream(endpoint: str, body: Body) -> bool:
    """Return whether the body asks for a stream."""
    if body.kind == "form":
        return any(name == b"stream" and value.lower() == b"true" for name, value in body.value)
    if body.kind == "multipart":
        return any(b' name="stream"' in head and value.strip().lower() == b"true" for head, value in body.value)
    stream = body.members.get("stream")
    return bool(stream) or (endpoint in OLLAMA_STREAMS and stream is None)


def choices_requested(body: Body) -> int:
    """Return how many choices or candidates are requested: ``n`` for each prompt (OpenAI), ``candidateCount`` (Gemini)."""
    config = body.members.get("generationConfig") or body.members.get("generation_config")
    counts = config.get("candidateCount", config.get("candidate_count")) if isinstance(config, dict) else body.members.get("n")
    count = counts if isinstance(counts, int) and counts > 1 else 1
    prompts = body.members.get("prompt")
    if not isinstance(prompts, list) or all(isinstance(token, int) for token in prompts):
        return count
    return count * len(prompts)


def model_of(request: Request, body: Body) -> str | None:
    """Return the requested model: the member ``model``, else the model in the path (Gemini, Azure, Bedrock), or None."""
    model = body.members.get("model")
    if isinstance(model, str):
        return model
    for name, value in body.value if body.kind in ("multipart", "form") else ():
        if name == b"model" or (body.kind == "multipart" and _MODEL_PART.search(name)):
            return str(value, "utf-8", "replace")
    match = _MODEL_PATH.search(unquote(request.path.decode("latin-1")))
    return next(model for model in match.groups() if model) if match else None


_MODEL_PART = re.compile(rb"""[;\s]name="?model"?(?=;|\d|$)""")
# In order: Hugging Face's tasks; Gemini and Vertex (before the verb); Azure's deployments, Bedrock and SageMaker.
_MODEL_PATH = re.compile(r"/hf-inference/models/(.+)|/models/([^/:]+):|/(?:deployments|model|endpoints|models)/([^/]+)/")


def is_event_stream(fields: Mapping[bytes, bytes]) -> bool:
    """Return whether the answer is a stream of events, to be relayed as it arrives."""
    return content_media_type(fields) in STREAM_TYPES
