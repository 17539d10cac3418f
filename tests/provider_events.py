"""Streams as the providers send them, event by event; the shapes are those of the event models in the providers' own SDKs.

Each says the same as its non-stream form would: "one two three", five tokens read and seven written.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"
COHERE_LINES = "application/stream+json"
WORDS = ("one ", "two ", "three")
TEXT = "".join(WORDS)


class Streamed(NamedTuple):
    """A stream of one provider."""

    path: str
    kind: str
    events: list[bytes]
    counts: bool = True  # does it tell the usage?
    needs_end: bool = False  # no event says that it is over


def sse(value: Any, name: str = "") -> bytes:
    """One event; ``name`` as its ``event`` field."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def line(value: Any) -> bytes:
    """One line of JSON."""
    return json.dumps(value).encode() + b"\n"


def typed(kind: str, **members: Any) -> bytes:
    """An event whose type is both in its name and in its data (Anthropic, Responses)."""
    return sse({"type": kind, **members}, kind)


DONE = b"data: [DONE]\n\n"

# -- OpenAI chat, and all that speak like it --------------------------------------------------------------------------

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a chat; without a choice if ``delta`` is None."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": "fp"}
    return {**head, "choices": choices, **more}


TEXT_CHUNKS = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in WORDS)]
CHAT_ENDS = [sse(chunk({}, "stop", usage=None)), sse(chunk(None, usage=USAGE)), DONE]
CHAT = [*map(sse, TEXT_CHUNKS), *CHAT_ENDS]
CHAT_TOOL = [
    sse(chunk({"role": "assistant", "content": None})),
    sse(chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "degrees", "arguments": ""}}]})),
    *(sse(chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})) for part in ('{"city"', ': "Oslo"}')),
    sse(chunk({}, "tool_calls")),
    sse(chunk(None, usage=USAGE)),
    DONE,
]
CHAT_JSON = [
    *(sse(chunk({"role": "assistant", "content": part})) for part in ('{"name"', ': "Os', 'lo"}')),
    *CHAT_ENDS,
]
CHAT_FILTERED = [*map(sse, TEXT_CHUNKS), sse(chunk({}, "content_filter")), DONE]
CHAT_ERROR = [*map(sse, TEXT_CHUNKS), sse({"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}})]
GROQ = [*map(sse, TEXT_CHUNKS), sse(chunk({}, "stop", x_groq={"id": "req_1", "usage": USAGE})), DONE]
GROQ_ERROR = [*map(sse, TEXT_CHUNKS), sse(chunk({}, "stop", x_groq={"id": "req_1", "error": "over capacity"})), DONE]
MISTRAL = [
    *(sse({"id": "m1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) for choice in (
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None},
        *({"index": 0, "delta": {"content": word}, "finish_reason": None} for word in WORDS),
    )),
    sse({"id": "m1", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": USAGE,
         "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]}),
    DONE,
]  # fmt: skip
CEREBRAS = [
    *map(sse, TEXT_CHUNKS),
    sse(chunk({}, "stop", usage=USAGE, time_info={"queue_time": 0.1, "completion_time": 0.2, "total_time": 0.3, "created": 1.0})),
    DONE,
]
CEREBRAS_ERROR = [*map(sse, TEXT_CHUNKS), sse({"error": {"message": "overloaded", "code": "x"}, "status_code": 503})]
TOGETHER = [*map(sse, TEXT_CHUNKS), sse(chunk({"content": ""}, "stop", usage=USAGE)), DONE]


def text_completion(text: str, finish: str | None = None, **more: Any) -> bytes:
    """A chunk of a legacy completion."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return sse({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], **more})


COMPLETIONS = [*map(text_completion, WORDS), text_completion("", "stop", usage=USAGE), DONE]

# -- OpenAI Responses -------------------------------------------------------------------------------------------------


def response(status: str, **more: Any) -> dict[str, Any]:
    """The response object that some events hold."""
    settings = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": [], "usage": None}
    return {**head, **settings, **more}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _item(status: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": list(content)}


def responses(end: str = "completed", text: str = TEXT, **more: Any) -> list[bytes]:
    """A stream of Responses that ends with that status."""
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    third = len(text) // 3
    words = [text[:third], text[third : 2 * third], text[2 * third :]]
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response("in_progress")}),
        ("response.in_progress", {"response": response("in_progress")}),
        ("response.output_item.added", {"output_index": 0, "item": _item("in_progress")}),
        ("response.content_part.added", {**at, "part": _part("")}),
        *(("response.output_text.delta", {**at, "delta": word, "logprobs": []}) for word in words),
        ("response.output_text.done", {**at, "text": text, "logprobs": []}),
        ("response.content_part.done", {**at, "part": _part(text)}),
        ("response.output_item.done", {"output_index": 0, "item": _item("completed", _part(text))}),
    ]
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    whole = response(end, output=[_item("completed", _part(text))], usage={**usage, **details}, **more)
    events.append((f"response.{end}", {"response": whole}))
    return [typed(kind, **members, sequence_number=number) for number, (kind, members) in enumerate(events)]


RESPONSES = responses()
RESPONSES_JSON = responses(text='{"name": "Oslo"}')
RESPONSES_INCOMPLETE = responses("incomplete", incomplete_details={"reason": "max_output_tokens"})
RESPONSES_FILTERED = responses("incomplete", incomplete_details={"reason": "content_filter"})
RESPONSES_FAILED = [*RESPONSES[:5], responses("failed", error={"code": "server_error", "message": "no room"})[-1]]
RESPONSES_ERROR = [*RESPONSES[:5], typed("error", code="server_error", message="no room", param=None, sequence_number=5)]

# -- Anthropic --------------------------------------------------------------------------------------------------------


def messages(stop: str = "end_turn") -> list[bytes]:
    """A stream of Anthropic that stops for that reason; its counts are cumulative."""
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None}
    return [
        typed("message_start", message={**begun, "usage": {"input_tokens": 5, "output_tokens": 1}}),
        typed("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        typed("ping"),
        *(typed("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in WORDS),
        typed("content_block_stop", index=0),
        typed("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 7}),
        typed("message_stop"),
    ]


MESSAGES = messages()
MESSAGES_TOOL = [
    MESSAGES[0],
    typed("content_block_start", index=0, content_block={"type": "tool_use", "id": "toolu_1", "name": "degrees", "input": {}}),
    *(typed("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": part}) for part in ('{"city"', ': "Oslo"}')),
    typed("content_block_stop", index=0),
    typed("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 7}),
    MESSAGES[-1],
]
MESSAGES_REFUSED = messages("refusal")
MESSAGES_ERROR = [*MESSAGES[:4], typed("error", error={"type": "overloaded_error", "message": "Overloaded"})]

# -- Google -----------------------------------------------------------------------------------------------------------


def gemini(text: str, finish: str | None = None, **counts: int) -> dict[str, Any]:
    """A chunk of Gemini; without ``finish`` there is more to come."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 5, **counts}, "modelVersion": "m", "responseId": "r"}


def gemini_sse(value: Any) -> bytes:
    """One event, with Google's line ends."""
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


GEMINI = [
    gemini_sse(gemini("one ", totalTokenCount=5)),
    gemini_sse(gemini("two ", candidatesTokenCount=4, totalTokenCount=9)),
    gemini_sse(gemini("three", "STOP", candidatesTokenCount=4, thoughtsTokenCount=3, totalTokenCount=12)),
]
GEMINI_SAFETY = [GEMINI[0], gemini_sse(gemini("", "SAFETY", candidatesTokenCount=2))]
GEMINI_BLOCKED = [gemini_sse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}})]
GEMINI_ERROR = [*GEMINI[:2], gemini_sse({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})]
# An error that Gemini sends in place of the stream comes without "data:", over several lines.
GEMINI_BARE_ERROR = [b'{\n  "error": {\n    "code": 503,\n    "message": "overloaded"\n  }\n}\n']


def interactions(end: str = "completed") -> list[bytes]:
    """A stream of Google's interactions that ends with that status."""
    counts = {"total_input_tokens": 5, "total_output_tokens": 7, "total_tokens": 12}
    events: list[dict[str, Any]] = [
        {"event_type": "interaction.created", "interaction": {"id": "i", "status": "in_progress"}},
        {"event_type": "interaction.status_update", "interaction_id": "i", "status": "in_progress"},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output", "content": []}},
        *({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": word}} for word in WORDS),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "interaction.completed", "interaction": {"id": "i", "status": end, "usage": counts}},
    ]
    return [sse(event, event["event_type"]) for event in events]


INTERACTIONS = interactions()
INTERACTIONS_ERROR = [*INTERACTIONS[:4], sse({"event_type": "error", "error": {"code": "internal", "message": "no"}}, "error")]

# -- Cohere -----------------------------------------------------------------------------------------------------------


def cohere(finish: str = "COMPLETE", **more: Any) -> list[bytes]:
    """A stream of Cohere's second version."""
    usage = {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 5, "output_tokens": 7}}
    return [
        typed("message-start", id="c", delta={"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}),
        typed("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}}),
        *(typed("content-delta", index=0, delta={"message": {"content": {"text": word}}}) for word in WORDS),
        typed("content-end", index=0),
        typed("message-end", id="c", delta={"finish_reason": finish, "usage": usage, **more}),
    ]


COHERE = cohere()
COHERE_ERROR = cohere("ERROR", error="no room")


def cohere_v1(finish: str = "COMPLETE") -> list[dict[str, Any]]:
    """A stream of Cohere's first version."""
    response = {"text": TEXT, "generation_id": "g", "finish_reason": finish, "meta": {"tokens": {"input_tokens": 5, "output_tokens": 7}}}
    return [
        {"is_finished": False, "event_type": "stream-start", "generation_id": "g"},
        *({"is_finished": False, "event_type": "text-generation", "text": word} for word in WORDS),
        {"is_finished": True, "event_type": "stream-end", "finish_reason": finish, "response": response},
    ]


COHERE_V1 = [line(event) for event in cohere_v1()]
COHERE_V1_SSE = [sse(event) for event in cohere_v1()]
COHERE_V1_TOXIC = [line(event) for event in cohere_v1("ERROR_TOXIC")]
COHERE_V1_ERROR = [*COHERE_V1[:3], line({"is_finished": True, "event_type": "stream-error", "finish_reason": "COMPLETE", "err": "no room"})]

# -- Ollama -----------------------------------------------------------------------------------------------------------


def ollama(word: str, **more: Any) -> bytes:
    """A line of Ollama's chat."""
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": word}}
    return line({**head, "done": False, **more})


COUNTS = {"total_duration": 9, "load_duration": 1, "prompt_eval_count": 5, "prompt_eval_duration": 1, "eval_count": 7, "eval_duration": 1}
OLLAMA = [*map(ollama, WORDS), ollama("", done=True, done_reason="stop", **COUNTS)]
OLLAMA_GENERATE = [
    *(line({"model": "m", "created_at": "2026-01-01T00:00:00Z", "response": word, "done": False}) for word in WORDS),
    line(
        {"model": "m", "created_at": "2026-01-01T00:00:00Z", "response": "", "done": True, "done_reason": "stop", "context": [1], **COUNTS}
    ),
]
OLLAMA_ERROR = [*OLLAMA[:2], line({"error": "model runner has unexpectedly stopped"})]

# -- Hugging Face, text-generation-inference ----------------------------------------------------------------------------


def tgi(index: int, word: str, **end: Any) -> bytes:
    """A token of a text generation (no space after the colon)."""
    value = {
        "index": index,
        "token": {"id": index, "text": word, "logprob": -1.0, "special": False},
        "generated_text": None,
        "details": None,
    }
    return b"data:" + json.dumps({**value, **end}).encode() + b"\n\n"


TGI_DETAILS = {"finish_reason": "length", "generated_tokens": 3, "input_length": 5, "seed": None}
TGI = [*(tgi(at, word) for at, word in enumerate(WORDS[:2])), tgi(2, "three", generated_text=TEXT, details=TGI_DETAILS)]
TGI_ERROR = [TGI[0], b'data:{"error":"Request failed during generation","error_type":"generation"}\n\n']

# -- OpenAI audio and images --------------------------------------------------------------------------------------------

TOKENS = {"type": "tokens", "input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
TRANSCRIPT = [
    *(typed("transcript.text.delta", delta=word) for word in WORDS),
    typed("transcript.text.done", text=TEXT, usage=TOKENS),
]
SPEECH = [*(typed("speech.audio.delta", audio="UklGRg==") for _ in WORDS), typed("speech.audio.done", usage=TOKENS)]
_IMAGE = {"b64_json": "iVBORw==", "created_at": 1, "size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png"}
IMAGE = [
    typed("image_generation.partial_image", partial_image_index=0, **_IMAGE),
    typed("image_generation.completed", usage=TOKENS, **_IMAGE),
]
IMAGE_EDIT = [
    typed("image_edit.partial_image", partial_image_index=0, **_IMAGE),
    typed("image_edit.completed", usage=TOKENS, **_IMAGE),
]

# -- every dialect, whole and good -------------------------------------------------------------------------------------

CHAT_PATH = "/v1/chat/completions"
STREAMS: dict[str, Streamed] = {
    "openai-chat": Streamed(CHAT_PATH, SSE, CHAT),
    "openai-chat-tool": Streamed(CHAT_PATH, SSE, CHAT_TOOL),
    "openai-completions": Streamed("/v1/completions", SSE, COMPLETIONS),
    "openai-responses": Streamed("/v1/responses", SSE, RESPONSES),
    "openai-responses-incomplete": Streamed("/v1/responses", SSE, RESPONSES_INCOMPLETE),
    "openai-transcript": Streamed("/v1/audio/transcriptions", SSE, TRANSCRIPT),
    "openai-speech": Streamed("/v1/audio/speech", SSE, SPEECH),
    "openai-image": Streamed("/v1/images/generations", SSE, IMAGE),
    "openai-image-edit": Streamed("/v1/images/edits", SSE, IMAGE_EDIT),
    "groq": Streamed("/openai/v1/chat/completions", SSE, GROQ),
    "mistral": Streamed(CHAT_PATH, SSE, MISTRAL),
    "cerebras": Streamed(CHAT_PATH, SSE, CEREBRAS),
    "together": Streamed(CHAT_PATH, SSE, TOGETHER),
    "anthropic": Streamed("/v1/messages", SSE, MESSAGES),
    "anthropic-tool": Streamed("/v1/messages", SSE, MESSAGES_TOOL),
    "gemini": Streamed("/v1beta/models/m:streamGenerateContent?alt=sse", SSE, GEMINI, needs_end=True),
    "google-interactions": Streamed("/v1beta/interactions", SSE, INTERACTIONS),
    "cohere": Streamed("/v2/chat", SSE, COHERE),
    "cohere-v1": Streamed("/v1/chat", COHERE_LINES, COHERE_V1),
    "cohere-v1-sse": Streamed("/v1/chat", SSE, COHERE_V1_SSE),
    "ollama": Streamed("/api/chat", NDJSON, OLLAMA),
    "ollama-generate": Streamed("/api/generate", NDJSON, OLLAMA_GENERATE),
    "tgi": Streamed("/hf-inference/models/gpt2", SSE, TGI, counts=False),
}

# MCP over streamable HTTP: the server may ask and notify before it replies.
MCP_REPLY = [
    sse({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hi"}}),
    sse({"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-06-18", "capabilities": {}}}),
]
