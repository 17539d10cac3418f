"""Whether an answer is in what came with a status of success."""

from __future__ import annotations

from typing import Any

import pytest

from wirecache._core.flows.substance import ANY_FORM, has_answer, has_choices

ERRORS: dict[str, dict[str, Any]] = {
    "vLLM": {"object": "error", "message": "bad", "type": "BadRequestError", "param": None, "code": 400},
    "FastAPI": {"detail": "Internal error"},
    "FastAPI, a list": {"detail": [{"loc": ["body"], "msg": "x", "type": "y"}]},
    "RFC 9457": {"type": "about:blank", "title": "Unavailable", "status": 503, "instance": "/x"},
    "Spring": {"timestamp": "2026-11-28", "status": 500, "path": "/v1", "message": "x"},
    "Amazon": {"__type": "ThrottlingException", "message": "x"},
    "API Management": {"statusCode": 429, "message": "Rate limit is exceeded."},
    "Baidu": {"error_code": 110, "error_msg": "Access token invalid"},
    "MiniMax": {"base_resp": {"status_code": 1004, "status_msg": "login fail"}, "choices": None, "id": "1"},
    "DashScope": {"code": "InvalidApiKey", "message": "x", "request_id": "r"},
    "llama.cpp": {"status": "loading model"},
    "GraphQL": {"errors": [{"message": "x"}], "data": None},
    "Slack's form": {"ok": False},
}

ANSWERS: dict[str, dict[str, Any]] = {
    "OpenAI": {"id": "1", "choices": [{}]},
    "Ollama": {"model": "m", "message": {"content": "hi"}},
    "a count": {"totalTokens": 0},
    "silence": {"text": ""},
    "an empty result": {"id": "1", "object": "list", "model": "m", "usage": {"total_tokens": 0}, "data": []},
    "nothing found": {"model": "m", "results": []},
    "DashScope": {"code": "", "message": "", "output": {"text": "hi"}},
    "of a form not known": {"status": "ok", "outcome": False},
}


@pytest.mark.parametrize("name", ERRORS)
def test_labels_and_errors_are_no_answer(name: str) -> None:
    assert not has_answer(ERRORS[name], "chat")


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_else_is_one(name: str) -> None:
    assert has_answer(ANSWERS[name], "chat")


NOTHING: dict[str, dict[str, Any]] = {
    "nothing": {},
    "labels alone": {"id": "1", "usage": {}},
    "no failure": {"ok": True, "code": 0, "status": "success", "error": None},
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_reports_no_failure_is_let_pass_unless_it_is_googles(name: str) -> None:
    assert has_answer(NOTHING[name], "chat")
    assert has_answer(NOTHING[name], "count-tokens")  # 0 of them
    assert not has_answer(NOTHING[name], "generate-content")
    assert not has_answer(NOTHING[name], "predict")


@pytest.mark.parametrize("name", ["choices", "content", "output", "candidates", "data"])
def test_null_in_the_place_of_the_answer_is_none(name: str) -> None:
    assert not has_answer({"id": "1", "model": "m", "usage": {"total_tokens": 0}, name: None}, "chat")
    assert has_answer({"id": "1", name: None, "text": "hi"}, "chat")


@pytest.mark.parametrize("endpoint", sorted(ANY_FORM))
def test_where_no_form_is_known_each_is_an_answer(endpoint: str) -> None:
    assert has_answer({"status": "ok"}, endpoint)
    assert has_answer({}, endpoint)


def test_an_object_in_the_place_of_a_message_is_an_answer() -> None:
    assert has_answer({"message": {"content": "hi"}}, "chat")
    assert has_answer({"some_member": 0}, "chat")
    assert not has_answer({"message": "overloaded"}, "chat")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([], False),
        ([None], False),
        ([{"message": None}], False),
        ([{"message": None, "text": "hi"}], True),
        ([{"message": {"content": ""}}], True),
        ([{"text": ""}], True),
        ([{"message": {}}, None], False),
        (["hi"], True),
    ],
)
def test_whether_each_choice_is_a_generation(choices: list[Any], expected: bool) -> None:
    assert has_choices(choices) is expected


@pytest.mark.parametrize(
    ("choices", "there"),
    [
        ([], False),
        ([None], False),
        ([{"message": None}], False),
        ([{"message": {"content": "a"}}, {"message": None, "text": ""}], False),
        ([{"message": None, "text": "a"}], True),
        ([{"text": ""}], True),
        (["of another type"], True),
    ],
)
def test_a_generation_is_in_each_choice(choices: list[Any], there: bool) -> None:
    assert has_choices(choices) is there
