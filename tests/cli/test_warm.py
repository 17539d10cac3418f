"""``wirecache warm`` and ``wirecache.warm``, against a provider on a socket."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
from openai import OpenAI

from tests.cli.command import wirecache
from tests.embedder import OPENAI, Embedder, body_for, vector
from tests.programs import AnyProgram, started
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from wirecache import Cache, ConfigError, WarmReport, awarm, cached_client, warm


def call(number: int, **changes: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}], **changes}
    return {"custom_id": f"call-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def write(path: Path, calls: list[Any]) -> Path:
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in calls), "utf-8")
    return path


@pytest.fixture
def calls(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-example")
    return write(tmp_path / "calls.jsonl", [call(number) for number in range(5)])


def ask(number: int, **options: Any) -> str | None:
    client = OpenAI(http_client=cached_client(Cache(mode="offline")), max_retries=0)
    done = client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"question {number}"}], **options)
    return done.choices[0].message.content


def test_what_was_warmed_answers_the_sdk(calls: Path, provider: Provider) -> None:
    done = wirecache("warm", calls)
    assert done.code == 0, done.error
    assert done.out.startswith("5 calls, 0 hits, 5 stored, ")
    assert {request.header("authorization") for request in provider.requests} == {"Bearer sk-example"}
    assert [ask(number) for number in range(5)] == ["hi"] * 5
    again = wirecache("warm", "--json", calls)
    assert {**again.json, "seconds": 0} == {
        "total": 5, "hits": 5, "stored": 0, "not_stored": {}, "unstored": [], "errors": [], "seconds": 0, "stopped": False,
        "over_budget": False,
    }  # fmt: skip
    assert provider.calls == 5


def test_errors_are_listed_and_the_rest_is_done(tmp_path: Path, calls: Path, provider: Provider) -> None:
    def script(request: ReceivedRequest) -> Answer | None:
        return Answer.of({"error": {"message": "no such model"}}, 400) if b"question 1" in request.body else None

    provider.script = script
    lines = [call(0), "{no json", call(1), {"url": "/v1/files", "body": {}}, call(2, stream=True), {"custom_id": "x"}, "", call(3)]
    done = wirecache("warm", "--json", "--concurrency", "1", write(tmp_path / "some.jsonl", lines))
    assert done.code == 1
    assert (done.json["stored"], done.json["total"]) == (2, 7)
    reasons = {error["id"]: error["reason"] for error in done.json["errors"]}
    assert "not JSON" in reasons["2"]
    assert "status 400" in reasons["call-1"]
    assert "no-rule" in reasons["4"]
    assert "stream" in reasons["call-2"]
    assert reasons["x"] == '"url" is missing'
    assert len(reasons) == 5
    assert provider.calls == 3  # what would not be stored is not paid for


def test_a_call_that_fails_for_now_is_sent_again(calls: Path, provider: Provider) -> None:
    seen: Counter[bytes] = Counter()
    lock = threading.Lock()

    def script(request: ReceivedRequest) -> Answer | None:
        with lock:
            seen[request.body] += 1
            return Answer.of({"error": "slow down"}, 429, retry_after="0") if seen[request.body] == 1 else None

    provider.script = script
    assert wirecache("warm", calls).code == 0
    assert set(seen.values()) == {2}


def test_it_gives_up_after_so_many_attempts(calls: Path, provider: Provider) -> None:
    provider.script = lambda request: Answer.of({"error": "busy"}, 503, retry_after_ms="1")
    done = wirecache("warm", "--attempts", "2", calls)
    assert done.code == 1
    assert "call-0: status 503" in done.error
    assert provider.calls == 10


def test_no_provider_is_an_error_of_each_call(calls: Path) -> None:
    done = wirecache("warm", "--attempts", "1", "--base-url", "http://127.0.0.1:1/v1", calls)
    assert (done.code, done.error.count("ConnectError")) == (1, 5)


def test_a_store_that_takes_nothing_is_a_problem(calls: Path) -> None:
    done = wirecache("warm", calls, "--store", "redis://127.0.0.1:1")
    assert (done.code, "5 calls" in done.out) == (1, True)


def test_the_key_goes_nowhere_else(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-example")
    elsewhere = {**call(0), "url": f"{provider.url}/v1/chat/completions"}
    assert wirecache("warm", write(tmp_path / "one.jsonl", [elsewhere])).code == 0
    assert provider.requests[0].header("authorization") is None
    given = write(tmp_path / "two.jsonl", [call(1)])
    assert wirecache("warm", "--base-url", f"{provider.url}/v1", "--header", "x-api-key: mine", given).code == 0
    assert (provider.requests[1].header("authorization"), provider.requests[1].header("x-api-key")) == (None, "mine")


def test_equal_calls_are_sent_once(tmp_path: Path, calls: Path, provider: Provider) -> None:
    done = wirecache("warm", "--json", write(tmp_path / "same.jsonl", [call(7)] * 6))
    assert (done.json["stored"], done.json["hits"], provider.calls) == (1, 5, 1)


@pytest.mark.parametrize(
    "arguments",
    [["--rate", "soon"], ["--rate", "0"], ["--rate", "5/y"], ["--concurrency", "0"], ["--header", "nothing"]],
)
def test_usage(calls: Path, arguments: list[str]) -> None:
    assert wirecache("warm", calls, *arguments).code == 2


# -- cut short --------------------------------------------------------------------------------------------------------


def _started(calls: Path, *arguments: str) -> AbstractContextManager[AnyProgram]:
    return started("-m", "wirecache", "warm", calls, *arguments)


def _held(provider: Provider, after: int) -> tuple[threading.Event, threading.Event]:
    """The provider answers so many calls; then it tells that the next one came, and waits until it may answer."""
    came, may = threading.Event(), threading.Event()

    def script(request: ReceivedRequest) -> Answer | None:
        if provider.calls > after:
            came.set()
            may.wait(30)
        return Answer.of(CHAT)

    provider.script = script
    return came, may


def test_a_signal_lets_the_calls_in_flight_finish_and_the_next_run_continues(tmp_path: Path, calls: Path, provider: Provider) -> None:
    write(calls, [call(number) for number in range(12)])
    came, may = _held(provider, 5)
    with _started(calls, "--concurrency", "3") as process:
        assert came.wait(30)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert "stopping" in process.stderr.readline()
        may.set()
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "stopped before the end" in out
    sent = provider.calls
    assert sent <= 8
    assert wirecache("warm", "--json", calls).json["hits"] == sent
    assert Counter(request.body for request in provider.requests).most_common(1)[0][1] == 1
    assert provider.calls == 12


def test_killed_it_sends_none_again_that_was_answered(calls: Path, provider: Provider) -> None:
    write(calls, [call(number) for number in range(12)])
    came, may = _held(provider, 6)
    with _started(calls, "--concurrency", "1") as process:
        assert came.wait(30)
        process.kill()
    may.set()
    done = wirecache("warm", "--json", calls)
    assert (done.json["hits"], done.json["stored"]) == (6, 6)
    assert sorted(Counter(request.body for request in provider.requests).values()) == [1] * 11 + [2]  # the one that was under way


# -- from Python ------------------------------------------------------------------------------------------------------


def test_from_python(provider: Provider, tmp_path: Path) -> None:
    seen: list[int] = []

    def on_done(report: WarmReport) -> None:
        seen.append(report.total)

    with Cache(str(tmp_path / "mine")) as cache:
        options: dict[str, Any] = {"base_url": f"{provider.url}/v1", "headers": {"authorization": "Bearer x"}}
        report = warm([call(0), json.dumps(call(1))], cache, on_done=on_done, library="httpx", **options)
        assert (report.stored, report.hits, report.errors, seen) == (2, 0, [], [1, 2])
        for backend in ("asyncio", "trio"):
            again = anyio.run(lambda: awarm([call(0), call(2)], cache, rate="100/s", **options), backend=backend)
            assert again.total == 2
    assert provider.calls == 3
    assert {request.header("authorization") for request in provider.requests} == {"Bearer x"}


def test_a_wrong_rate() -> None:
    with pytest.raises(ConfigError, match=r'a number of calls per second, or a text such as "5/s"'):
        warm([], rate="often")


def test_each_text_of_a_list_is_warmed_for_the_sdk(
    tmp_path: Path, calls: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRECACHE_EMBEDDINGS", "items")
    provider.script = embedder = Embedder()
    bodies = [body_for(OPENAI, texts, encoding_format="float") for texts in (["a", "b"], ["b", "c"])]
    lines = [{"custom_id": str(number), "url": "/v1/embeddings", "body": body} for number, body in enumerate(bodies)]
    done = wirecache("warm", "--concurrency=1", write(tmp_path / "texts.jsonl", lines))
    assert done.out.startswith("2 calls, 0 hits, 2 stored, "), done.error
    assert embedder.requested == [["a", "b"], ["c"]]
    client = OpenAI(http_client=cached_client(Cache(mode="offline")), max_retries=0)
    found = client.embeddings.create(model="m", input=["c", "a", "b"], encoding_format="float")
    assert [item.embedding for item in found.data] == [json.loads(vector(text)) for text in "cab"]
