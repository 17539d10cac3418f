"""What the loopback provider answers in the matrix, for every provider's API: a text, a tool call, a vector, a transcript, a stream.

The shapes are those of the models in the providers' own SDKs; the cell "hit equals live" reads each with them, strictly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests import provider_events
from tests.provider import Answer, ReceivedRequest

TEXT = provider_events.TEXT
CITY = {"city": "Oslo"}
VECTOR = [0.5, 0.25]
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def _chat(finish: str, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1795227541, "model": "m", "system_fingerprint": "fp"}
    return {**head, "choices": [choice], "usage": USAGE}


def chat_tool(name: str, arguments: Mapping[str, Any], called: str = "call_1") -> dict[str, Any]:
    """A chat's answer that calls a tool."""
    call = {"id": called, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return _chat("tool_calls", tool_calls=[call])


def _message(stop: str, content: dict[str, Any]) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [content]}
    return {**head, "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 7}}


def _gemini(part: dict[str, Any]) -> dict[str, Any]:
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m", "responseId": "r"}


def _cohere(finish: str, **message: Any) -> dict[str, Any]:
    counts = {"input_tokens": 5, "output_tokens": 7}
    return {
        "id": "c",
        "finish_reason": finish,
        "message": {"role": "assistant", **message},
        "usage": {"billed_units": counts, "tokens": counts},
    }


def _ollama(**message: Any) -> dict[str, Any]:
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", **message}}
    return {**head, "done": True, "done_reason": "stop", **provider_events.COUNTS}


class Dialect(NamedTuple):
    """What one API says."""

    text: Any
    tool: Any
    stream: Sequence[bytes]
    kind: str = provider_events.SSE


_CALL = {"id": "call_1", "type": "function", "function": {"name": "degrees", "arguments": json.dumps(CITY)}}
CHAT = Dialect(_chat("stop", content=TEXT), chat_tool("degrees", CITY), provider_events.CHAT)
# By the end of the path; the first that fits.
DIALECTS: dict[str, Dialect] = {
    "/openai/v1/chat/completions": CHAT._replace(stream=provider_events.GROQ),
    "/chat/completions": CHAT,
    "/messages": Dialect(
        _message("end_turn", {"type": "text", "text": TEXT}),
        _message("tool_use", {"type": "tool_use", "id": "toolu_1", "name": "degrees", "input": CITY}),
        provider_events.MESSAGES,
    ),
    ":generateContent": Dialect(_gemini({"text": TEXT}), _gemini({"functionCall": {"name": "degrees", "args": CITY}}), ()),
    ":streamGenerateContent": Dialect(None, None, provider_events.GEMINI),
    "/v2/chat": Dialect(
        _cohere("COMPLETE", content=[{"type": "text", "text": TEXT}]),
        _cohere("TOOL_CALL", tool_plan="I ask.", tool_calls=[_CALL]),
        provider_events.COHERE,
    ),
    "/api/chat": Dialect(
        _ollama(content=TEXT),
        _ollama(content="", tool_calls=[{"function": {"name": "degrees", "arguments": CITY}}]),
        provider_events.OLLAMA,
        provider_events.NDJSON,
    ),
}
# Whose chats differ from OpenAI's in a member or in the stream's end; told by the name in the user agent.
BY_AGENT: dict[str, Dialect] = {
    "together": CHAT._replace(text={**CHAT.text, "prompt": []}, tool={**CHAT.tool, "prompt": []}, stream=provider_events.TOGETHER),
    "cerebras": CHAT._replace(stream=provider_events.CEREBRAS),
    "mistral": CHAT._replace(stream=provider_events.MISTRAL),
}
OTHERS: dict[str, Any] = {
    "/v2/embed": {"id": "e", "response_type": "embeddings_by_type", "embeddings": {"float": [VECTOR]}, "texts": ["hi"]},
    "/embeddings": {
        "id": "e",
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    },
    "/api/embed": {"model": "m", "embeddings": [VECTOR], "total_duration": 9, "load_duration": 1, "prompt_eval_count": 1},
    ":batchEmbedContents": {"embeddings": [{"values": VECTOR}]},
    "/feature-extraction": [VECTOR],
    # Mistral's has more, which OpenAI's, Groq's, Together's and Cohere's readers pass over.
    "/audio/transcriptions": {"text": TEXT, "model": "m", "language": None, "segments": [], "usage": {**USAGE, "prompt_audio_seconds": 1}},
}
# What only a request has that names the tool to call, and a conversation in which a tool has answered.
_MUST_CALL = b'"tool_choice":{"type":"function"'
_ANSWERED = (b'"role":"tool"', b'"tool_result"', b'"functionResponse"')


def script(request: ReceivedRequest) -> Answer | None:
    """The provider's answer: a tool call to who offers tools, and a text once the tool has answered."""
    path, body = request.path.partition("?")[0], request.body.replace(b" ", b"")
    for end, value in OTHERS.items():
        if path.endswith(end):
            usage = {} if b'name="language"' in body or "mistral" in str(request.header("user-agent")) else {"usage": None}
            return Answer.of({**value, **usage} if end == "/audio/transcriptions" else value, x_request_id="req_1")
    dialect = next((dialect for end, dialect in DIALECTS.items() if path.endswith(end)), None)
    if dialect is None:
        return None
    if dialect is CHAT:
        agent = str(request.header("user-agent")).lower()
        dialect = next((own for name, own in BY_AGENT.items() if name in agent), CHAT)
    if b'"stream":true' in body or "stream" in path:
        return Answer(200, {"content-type": dialect.kind}, provider_events.CHAT_TOOL if _MUST_CALL in body else dialect.stream)
    offered = b'"tools":[{' in body and not any(mark in body for mark in _ANSWERED)
    if _MUST_CALL in body:  # a tool that must be called: how instructor asks for a model
        return Answer.of(chat_tool(request.json["tools"][0]["function"]["name"], CITY), x_request_id="req_1")
    return Answer.of(dialect.tool if offered else dialect.text, x_request_id="req_1")


def streamed(request: ReceivedRequest) -> Sequence[bytes]:
    """The stream that ``script`` would send."""
    answer = script(request)
    assert answer is not None
    return list(answer.chunks)
