from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.compare.steps import Severity, Step, severity_of, steps_of
from wirecache._core.messages import Entry, RequestSummary

CHAT = "https://api.openai.com/v1/chat/completions"
SSE = ((b"content-type", b"text/event-stream"),)
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def answer(text: str | None = "It rains.", *calls: tuple[str, str], **more: Any) -> bytes:
    functions = [{"id": f"c{at}", "type": "function", "function": {"name": n, "arguments": a}} for at, (n, a) in enumerate(calls)]
    message = {"role": "assistant", "content": text, **({"tool_calls": functions} if calls else {})}
    return json.dumps({"id": "1", "choices": [{"finish_reason": "stop", "message": message}], **more}).encode()


def made(body: bytes = answer(), url: str = CHAT, endpoint: str = "chat", sent: Any = None, method: str = "POST", **changes: Any) -> Entry:
    summary = RequestSummary(method, url, endpoint, "m" if endpoint else None, {}).to_bytes()
    return entry(body=body, summary=summary, request_body=json.dumps(BODY if sent is None else sent).encode(), **changes)


def step(*arguments: Any, **options: Any) -> Step:
    return steps_of([made(*arguments, **options)])[0]


def rpc(result: Any, **sent: Any) -> Step:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, **result}).encode()
    message = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "add"}, **sent}
    return step(body, "https://h/mcp", "", message)


SEARCH, READ = ("search", '{"q": 1, "n": 2}'), ("read", "{}")
SAME, REQUEST, WORDED, ARGUMENTS, TOOL, FAILED = (
    Severity.SAME, Severity.REQUEST, Severity.WORDED, Severity.ARGUMENTS, Severity.TOOL, Severity.FAILED,
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [
        pytest.param(step(), step(answer(id="2", created=9)), SAME, id="an answer's own id and time"),
        pytest.param(step(answer("It  rains.\n")), step(), SAME, id="white space"),
        pytest.param(step(), step(url="https://proxy/v1/chat/completions"), SAME, id="another host"),
        pytest.param(step(), step(sent={**BODY, "seed": 1}), REQUEST, id="another request"),
        pytest.param(step(), step(answer("It pours.")), WORDED, id="another text"),
        pytest.param(step(answer("a", SEARCH)), step(answer("b", SEARCH)), WORDED, id="another text beside a call"),
        pytest.param(step(answer(None, SEARCH)), step(answer(None, ("search", '{"n":2,"q":1}'))), SAME, id="arguments in another order"),
        pytest.param(step(answer(None, SEARCH)), step(answer(None, ("search", "{}"))), ARGUMENTS, id="other arguments"),
        pytest.param(step(answer(None, SEARCH)), step(answer(None, ("search", "no JSON"))), ARGUMENTS, id="arguments that are no JSON"),
        pytest.param(step(answer(None, SEARCH, READ)), step(answer(None, READ, SEARCH)), SAME, id="calls that are made at once"),
        pytest.param(step(answer(None, SEARCH)), step(answer(None, READ)), TOOL, id="another tool"),
        pytest.param(step(answer(None, SEARCH)), step(answer(None, SEARCH, SEARCH)), TOOL, id="one call more"),
        pytest.param(step(answer(None, SEARCH)), step(), TOOL, id="no call"),
        pytest.param(step(), step(b'{"error": {}}', status=500), FAILED, id="a status"),
        pytest.param(step(b'{"error": {}}', status=429), step(), FAILED, id="it failed before"),
        pytest.param(step(b"{}", status=429), step(b"{}", status=500), FAILED, id="it fails in another way"),
        pytest.param(step(b'{"a": 1}', status=429), step(b'{"a": 1}', status=429), SAME, id="it fails as before"),
        pytest.param(step(), step(answer(error={"message": "x"})), FAILED, id="an error with status 200"),
        pytest.param(step(), step(b'data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n', headers=SSE), FAILED, id="a cut stream"),
        pytest.param(rpc({"result": {"content": []}}), rpc({"result": {"content": []}}, id=4), SAME, id="ids of JSON-RPC"),
        pytest.param(
            rpc({"result": {"content": [{"type": "text", "text": "1"}]}}),
            rpc({"result": {"content": [{"type": "text", "text": "2"}]}}),
            WORDED,
            id="a tool of an MCP server finds something else",
        ),
        pytest.param(rpc({"result": {"tools": [1]}}), rpc({"result": {"tools": [2]}}), WORDED, id="other tools of an MCP server"),
        pytest.param(rpc({"result": {}}), rpc({"result": {"isError": True, "content": []}}), FAILED, id="a tool fails"),
        pytest.param(rpc({"result": {}}), rpc({"error": {"code": 1}}), FAILED, id="an MCP server fails"),
        pytest.param(
            step(b'{"data": [{"embedding": [0.5]}]}', endpoint="embeddings"),
            step(b'{"data": [{"embedding": [0.25]}]}', endpoint="embeddings"),
            WORDED,
            id="an answer without text",
        ),
        pytest.param(step(b"one", endpoint="", method="GET"), step(b"two", endpoint="", method="GET"), WORDED, id="what is no JSON"),
    ],
)
def test_how_much_a_step_differs(before: Step, after: Step, severity: Severity) -> None:
    assert severity_of(before, after) is severity


def test_a_stream_and_a_whole_answer_say_the_same() -> None:
    events = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in ("It ", "rains.")]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    assert severity_of(step(), step(body, headers=SSE)) is SAME


def test_a_part_that_a_reader_ended_is_no_failure() -> None:
    part = b'data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n'
    assert step(part, headers=SSE).failure == "truncated"
    assert step(part, headers=SSE, ended_by_reader=True).failure is None


def test_the_steps_of_a_run_are_in_the_order_of_time() -> None:
    steps = steps_of([made(stored_at=2.0), made(answer("first"), stored_at=1.0)])
    assert [(one.number, one.text) for one in steps] == [(1, "first"), (2, "It rains.")]


@pytest.mark.parametrize(
    ("named", "name"),
    [
        (step(), "chat m"),
        (rpc({"result": {}}), "mcp tools/call add"),
        (rpc({"result": {}}, method="initialize"), "mcp initialize"),
        (step(b"", "https://h/mcp", "", {"jsonrpc": "2.0", "id": 1, "result": {}}), "mcp reply"),
        (step(b"{}", "https://h/v1/models?limit=2", "http", "", "GET"), "GET /v1/models?limit=2"),
    ],
)
def test_what_a_step_is_called(named: Step, name: str) -> None:
    assert named.name == name


def test_the_order_of_severities() -> None:
    ranks = [severity.rank for severity in (SAME, REQUEST, WORDED, ARGUMENTS, TOOL, FAILED)]
    assert ranks == sorted(set(ranks))
    assert Severity.MISSING.rank == Severity.ADDED.rank == TOOL.rank


def test_a_request_that_is_no_json_is_compared_as_text() -> None:
    one, other = (steps_of([made()._replace(request_body=body)])[0] for body in (b"plain \xff", b"other"))
    assert (one.value, other.value) == ("plain \ufffd", "other")
    assert severity_of(one, other) is REQUEST


def test_a_json_answer_that_is_no_object_is_compared_as_it_is() -> None:
    one, other = (step(body, endpoint="", method="GET") for body in (b"[1]", b"[2]"))
    assert (one.text, other.text) == ("[1]", "[2]")
