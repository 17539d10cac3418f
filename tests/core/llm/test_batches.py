from __future__ import annotations

import pytest

from wirecache._core.llm.batches import Provider, answered_in, asked_in, live_url


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.openai.com/v1", "/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://gateway.example/openai/v1", "/v1/responses", "https://gateway.example/openai/v1/responses"),
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://x.example/v1beta/openai", "/chat/completions", "https://x.example/v1beta/openai/chat/completions"),
        ("https://v1", "/v1/responses", "https://v1/v1/responses"),
        ("https://api.openai.com/v1", "https://other.example/v1/responses", "https://other.example/v1/responses"),
    ],
)
def test_where_the_live_call_goes(base: str, path: str, url: str) -> None:
    assert live_url(base, path) == url


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no JSON"),
        ("[1]", "no JSON object"),
        ("{}", '"url" is missing'),
        ('{"url": 1}', '"url" is of the wrong kind'),
        ('{"url": "/v1/x", "method": 1}', '"method" is 1'),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_wrong_with_a_call(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        asked_in(line)


@pytest.mark.parametrize("line", ['{"custom_id": "a"}', '{"custom_id": "a", "response": null}', '{"response": {"status_code": 200}}'])
@pytest.mark.parametrize("provider", Provider)
def test_what_is_wrong_with_a_result(line: str, provider: Provider) -> None:
    with pytest.raises(ValueError, match=r"is missing|of the wrong kind"):
        answered_in(line, provider)


def test_an_error_of_any_depth_is_told() -> None:
    deep = '{"custom_id": "a", "response": {"status_code": 400, "body": {"error": {"error": {"code": "c", "message": "m"}}}}}'
    assert answered_in(deep, Provider.OPENAI).error == "status 400: c: m"
    assert answered_in('{"custom_id": "a", "error": "broken"}', Provider.OPENAI).error == "broken"
    assert answered_in('{"custom_id": "a", "result": {"type": "canceled"}}', Provider.ANTHROPIC).error == "canceled"
