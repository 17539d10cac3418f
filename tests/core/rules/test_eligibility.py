from __future__ import annotations

import json

import pytest

from tests.core.play import CHAT, ask
from wirecache._core.keys.canonical import Body, parse_body
from wirecache._core.rules.eligibility import (
    body_bypass_reason,
    choices_requested,
    has_content,
    is_event_stream,
    is_upgrade,
    model_of,
    target_requests_stream,
    too_large,
)

# -- the request ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "stream"),
    [
        ("/v1/chat/completions", "", False),
        ("/v1beta/models/m:generateContent", "key=k", False),
        ("/v1beta/models/m:generateContent", "salt=sse", False),
        ("/v1beta/models/m:streamGenerateContent", "", True),
        ("/v1beta/models/m:streamGenerateContent/", "", True),
        ("/v1beta/models/m:generateContent", "alt=sse", True),
        ("/v1beta/models/m:generateContent", "key=k&alt=sse", True),
        ("/x/models/m:streamRawPredict", "", True),
        ("/model/m/invoke-with-response-stream", "", True),
        ("/model/m/converse-stream", "", True),
        ("/endpoints/e/invocations-response-stream", "", True),
    ],
)
def test_stream_by_path_and_query(path: str, query: str, stream: bool) -> None:
    assert target_requests_stream(path.encode(), query.encode()) is stream


@pytest.mark.parametrize(
    ("url", "headers", "upgrade"),
    [
        (CHAT, {}, False),
        (CHAT, {"connection": "keep-alive"}, False),
        ("wss://h/v1/realtime", {}, True),
        ("ws://h/v1/realtime", {}, True),
        ("https://h/v1/realtime", {"Upgrade": "websocket"}, True),
    ],
)
def test_upgrade(url: str, headers: dict[str, str], upgrade: bool) -> None:
    assert is_upgrade(ask(url, "GET", headers)) is upgrade


@pytest.mark.parametrize(
    ("declared", "large"),
    [({}, False), ({"content-length": "1000000"}, False), ({"content-length": "1000001"}, True), ({"content-length": "9999999x"}, False)],
)
def test_body_size(declared: dict[str, str], large: bool) -> None:
    assert too_large(ask(headers=declared), 1_000_000) is large


# -- the body ------------------------------------------------------------------------------------------------------------

FORM = b"application/x-www-form-urlencoded"


def parts(**fields: str) -> bytes:
    return (
        "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()).encode()
        + b"--x--\r\n"
    )


def body_of(value: object) -> Body:
    return parse_body(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("endpoint", "body", "reason"),
    [
        pytest.param("chat", body_of({"model": "m"}), None, id="plain"),
        pytest.param("chat", parse_body(b""), "no-body", id="no body"),
        pytest.param("chat", parse_body(b"\xff"), None, id="raw bytes"),
        pytest.param("chat", body_of([{"stream": True}]), None, id="a list"),
        pytest.param("chat", body_of({"stream": True}), "stream", id="stream"),
        pytest.param("chat", body_of({"stream": False}), None, id="no stream"),
        pytest.param("chat", body_of({"stream": None}), None, id="stream null"),
        pytest.param("chat", body_of({"messages": [{"stream": True}]}), None, id="stream at depth"),
        pytest.param("ollama-chat", body_of({}), "stream", id="Ollama streams unless told not to"),
        pytest.param("ollama-chat", body_of({"stream": None}), "stream", id="Ollama, null"),
        pytest.param("ollama-generate", body_of({"stream": False}), None, id="Ollama, told not to"),
        pytest.param("responses", body_of({"background": True}), "background", id="background"),
        pytest.param("responses", body_of({"background": False}), None, id="no background"),
        pytest.param("interactions", body_of({}), "stateful", id="an interaction is kept by default"),
        pytest.param("interactions", body_of({"store": False}), None, id="an interaction that is not kept"),
        pytest.param(
            "interactions", body_of({"store": False, "previous_interaction_id": "i"}), "stateful", id="an interaction that goes on"
        ),
        pytest.param("transcriptions", parse_body(parts(model="m"), b"multipart/form-data; boundary=x"), None, id="parts"),
        pytest.param("transcriptions", parse_body(parts(stream="true"), b"multipart/form-data; boundary=x"), "stream", id="parts, stream"),
        pytest.param("transcriptions", parse_body(parts(stream="false"), b"multipart/form-data; boundary=x"), None, id="parts, no stream"),
        pytest.param("transcriptions", parse_body(b"model=m&stream=True", FORM), "stream", id="form, stream"),
        pytest.param("transcriptions", parse_body(b"model=m", FORM), None, id="form"),
        pytest.param("transcriptions", parse_body(b"stream=false", FORM), None, id="form, no stream"),
        pytest.param("transcriptions", parse_body(b"verbose=true", FORM), None, id="form, something else is true"),
        pytest.param(
            "transcriptions", parse_body(parts(verbose="true"), b"multipart/form-data; boundary=x"), None, id="parts, something else"
        ),
        *(
            pytest.param("interactions", body_of({"store": False, name: "x"}), "stateful", id=f"an interaction with {name}")
            for name in ("continuation_token", "agent", "environment", "webhook_config")
        ),
    ],
)
def test_why_not_this_body(endpoint: str, body: Body, reason: str | None) -> None:
    assert body_bypass_reason(endpoint, body) == reason


FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\nRIFF\r\n' + parts(model="whisper-1")


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        pytest.param("/v1/chat/completions", body_of({"model": "gpt"}), "gpt", id="member"),
        pytest.param("/v1/models/in-path:generateContent", body_of({"model": "gpt"}), "gpt", id="member before path"),
        pytest.param("/v1/chat/completions", body_of({"model": 7}), None, id="a model that is no text"),
        pytest.param("/v1/chat/completions", body_of([]), None, id="none"),
        pytest.param("/v1/audio/transcriptions", parse_body(parts(model="w-1"), b"multipart/form-data; boundary=x"), "w-1", id="part"),
        pytest.param(
            "/v1/audio/transcriptions",
            parse_body(FILE, b"multipart/form-data; boundary=x"),
            "whisper-1",
            id="a file called model",
        ),
        pytest.param("/v1/audio/transcriptions", parse_body(b"model=w-1", FORM), "w-1", id="form"),
        pytest.param("/v1beta/models/gemini:generateContent", body_of({}), "gemini", id="Gemini's path"),
        pytest.param("/openai/deployments/d/chat/completions", body_of({}), "d", id="Azure's path"),
        pytest.param("/model/anthropic.claude/invoke", body_of({}), "anthropic.claude", id="Bedrock's path"),
        pytest.param("/model/claude-v1:0/invoke", body_of({}), "claude-v1:0", id="Bedrock's path, version"),
        pytest.param("/hf-inference/models/org/name", body_of({}), "org/name", id="Hugging Face's path"),
        pytest.param("/v1/models", body_of({}), None, id="a path that ends there"),
    ],
)
def test_model(path: str, body: Body, model: str | None) -> None:
    assert model_of(ask("https://h" + path), body) == model


@pytest.mark.parametrize(
    ("content_type", "stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/x-ndjson", True),
        ("application/vnd.amazon.eventstream", True),
        ("application/json", False),
        ("text/event-streams", False),
        ("audio/mpeg", False),
    ],
)
def test_stream_by_response(content_type: str, stream: bool) -> None:
    assert is_event_stream({b"content-type": content_type.encode()}) is stream
    assert is_event_stream({}) is False


@pytest.mark.parametrize(
    ("sent", "choices"),
    [
        ({}, 1),
        ({"n": 3}, 3),
        ({"n": None}, 1),
        ({"n": "3"}, 1),
        ({"n": 0}, 1),
        ({"prompt": "a", "n": 2}, 2),
        ({"prompt": ["a", "b"], "n": 2}, 4),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1], [2, 3]]}, 2),
        ({"generationConfig": {"candidateCount": 2}}, 2),
        ({"generation_config": {"candidate_count": 2}}, 2),
        ({"generationConfig": {}}, 1),
        ({"generationConfig": 1, "n": 2}, 2),
    ],
)
def test_how_many_choices_are_requested(sent: dict[str, object], choices: int) -> None:
    assert choices_requested(parse_body(json.dumps(sent).encode())) == choices


def test_a_call_of_json_rpc_is_live_unless_a_rule_includes_it() -> None:
    body = parse_body(b'{"jsonrpc": "2.0", "method": "x"}')
    assert body_bypass_reason("chat", body) == "json-rpc"
    assert body_bypass_reason("rule", body) is None


def test_a_model_in_a_form_that_is_no_text_is_one_all_the_same() -> None:
    assert model_of(ask(), parse_body(b"model=\xffm", b"application/x-www-form-urlencoded")) == "\ufffdm"


def test_a_path_that_only_ends_like_that_of_a_stream_is_none() -> None:
    assert target_requests_stream(b"/v1beta/models/m:streamGenerateContent/", b"")
    assert not target_requests_stream(b"/v1beta/models/m:streamGenerateContentX", b"")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"content-length": "0"}, False),
        ({"content-length": " 0 "}, False),
        ({"content-length": "5"}, True),
        ({"transfer-encoding": "chunked"}, True),
        ({"transfer-encoding": "chunked", "content-length": "0"}, True),
    ],
)
def test_whether_a_request_declares_a_body(headers: dict[str, str], expected: bool) -> None:
    assert has_content(ask(headers=headers)) is expected
