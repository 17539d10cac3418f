from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.core.jsons import values
from tests.core.play import quick
from wirecache._core.llm.batches import BatchRequest, BatchResult, Provider, custom_id_of, json_body, live_url, parse_request, parse_result


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
    ("line", "message"),
    [
        ("", "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", '"url" is missing'),
        ('{"url": 1}', '"url" must be of type str, got int'),
        ('{"url": "/v1/x", "method": 1}', '"method" must be a string such as "POST", got 1'),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_request(line)


@pytest.mark.parametrize("line", ['{"custom_id": "a"}', '{"custom_id": "a", "response": null}', '{"response": {"status_code": 200}}'])
@pytest.mark.parametrize("provider", Provider)
def test_a_wrong_result_says_what_is_wrong(line: str, provider: Provider) -> None:
    with pytest.raises(ValueError, match=r"is missing|must be of type"):
        parse_result(line, provider)


def test_an_error_of_any_depth_is_reported() -> None:
    deep = '{"custom_id": "a", "response": {"status_code": 400, "body": {"error": {"error": {"code": "c", "message": "m"}}}}}'
    assert parse_result(deep, Provider.OPENAI).error == "status 400: c: m"
    assert parse_result('{"custom_id": "a", "error": "broken"}', Provider.OPENAI).error == "broken"
    assert parse_result('{"custom_id": "a", "result": {"type": "canceled"}}', Provider.ANTHROPIC).error == "canceled"


def test_the_requests_and_results_of_each_provider() -> None:
    body = {"model": "m"}
    assert parse_request({"custom_id": "a", "method": "post", "url": "/v1/x", "body": body}) == BatchRequest("a", "POST", "/v1/x", body)
    assert parse_request({"url": "/v1/x"}) == BatchRequest("", "POST", "/v1/x", None)
    row = '{"custom_id": "a", "params": {"model": "m"}}'
    assert parse_request(row, Provider.ANTHROPIC) == BatchRequest("a", "POST", "/v1/messages", body)
    row = '{"custom_id": "a", "response": {"status_code": 200, "request_id": "r", "body": {"model": "m"}}, "error": null}'
    assert parse_result(row, Provider.OPENAI) == BatchResult("a", 200, body, "r")
    row = '{"custom_id": "a", "result": {"type": "succeeded", "message": {"model": "m"}}}'
    assert parse_result(row, Provider.ANTHROPIC) == BatchResult("a", 200, body)


@quick
@given(values)
def test_a_body_is_written_so_that_it_reads_back(value: Any) -> None:
    assert json.loads(json_body(value)) == value


@pytest.mark.parametrize(
    ("line", "found"),
    [('{"custom_id": "a"}', "a"), ({"custom_id": 7}, "7"), ("{}", ""), ("[1]", ""), ("no JSON", ""), ("[" * 100_000, "")],
)
def test_the_custom_id_of_a_line_whatever_else_is_wrong(line: Any, found: str) -> None:
    assert custom_id_of(line) == found
