"""May the store be looked at for this request? If not: why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import Body
from wirecache._core.messages import Request

__all__ = ["body_bypass_reason", "body_requests_stream", "is_event_stream", "is_upgrade", "model_of", "target_requests_stream", "too_large"]

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
    """Does it ask for another protocol (a websocket)? Such a request is never touched."""
    return b"upgrade" in request.fields or request.scheme in ("ws", "wss")


@lru_cache(maxsize=1024)
def target_requests_stream(path: bytes, query: bytes) -> bool:
    """Do path and query say that the answer shall be a stream?"""
    return path.rstrip(b"/").endswith(STREAM_PATHS) or b"alt=sse" in query.split(b"&")


def too_large(request: Request, limit: int) -> bool:
    """Is the body declared to be larger than the cache will hold in memory?"""
    declared = request.fields.get(b"content-length", b"")
    return len(declared) > 6 and declared.isdigit() and int(declared) > limit


def body_bypass_reason(endpoint: str, body: Body, *, streams: bool = False) -> str | None:
    """Which member of the body says that the answer must be live? ``streams``: those are recorded."""
    if body.kind == "empty":
        return "no-body"
    if not streams and body_requests_stream(endpoint, body):
        return "stream"
    if body.member("background"):
        return "background"
    if endpoint == "interactions" and (body.member("store") is not False or any(map(body.member, GOOGLE_STATE))):
        return "stateful"
    return None


# Google's interactions are kept by the server (and continued by their id) unless "store": false is sent.
GOOGLE_STATE = ("previous_interaction_id", "continuation_token", "agent", "environment", "webhook_config")
# Ollama's own endpoints stream unless "stream": false is sent (its API documentation, "Streaming responses").
OLLAMA_STREAMS = frozenset({"ollama-chat", "ollama-generate"})


def body_requests_stream(endpoint: str, body: Body) -> bool:
    """Does the body say that the answer shall be a stream?"""
    if body.kind == "form":
        return any(name == b"stream" and value.lower() == b"true" for name, value in body.value)
    if body.kind == "multipart":
        return any(b' name="stream"' in head and value.strip().lower() == b"true" for head, value in body.value)
    return bool(body.member("stream")) or (endpoint in OLLAMA_STREAMS and body.member("stream") is None)


def model_of(request: Request, body: Body) -> str | None:
    """Which model is asked? The member ``model``, else what stands for it in the path (Gemini, Azure, Bedrock)."""
    model = body.member("model")
    if isinstance(model, str):
        return model
    for name, value in body.value if body.kind in ("multipart", "form") else ():
        if name == b"model" or (body.kind == "multipart" and _MODEL_PART.search(name)):
            return str(value, "utf-8", "replace")
    found = _MODEL_PATH.search(unquote(request.path.decode("latin-1")))
    return next((model for model in found.groups() if model), None) if found else None


_MODEL_PART = re.compile(rb"""[;\s]name="?model"?(?=;|\d|$)""")
# Hugging Face's tasks; Gemini and Vertex (before the verb); Azure's deployments, Bedrock, SageMaker (before the last steps).
_MODEL_PATH = re.compile(r"/hf-inference/models/(.+)|/models/([^/:]+):|/(?:deployments|model|endpoints|models)/([^/]+)/")


def is_event_stream(fields: Mapping[bytes, bytes]) -> bool:
    """Is the answer a stream of events, to be passed on as it comes?"""
    return media_type(fields.get(b"content-type", b"")) in STREAM_TYPES
