"""What a cassette reports: misses, log lines, captures, explanations, drift; and which options it takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.faces.ask import chat
from tests.provider import CHAT, Answer, Provider, ReceivedRequest, events
from tests.sdk.table import OPENAI, SDKS, Sdk
from tests.sdk.wire import no_sockets
from wirecache import Cache, Cassette, ConfigError, KeyOptions, NotRecorded, cached_client, capture, options
from wirecache.cassette import SCHEMA_NAME

Open = Callable[..., Cassette]
each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=str)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.json") if path.name != SCHEMA_NAME}


@pytest.fixture
def echo(provider: Provider) -> Provider:
    """A provider that answers with the prompt."""
    provider.script = lambda request: Answer.of(chat(request.json["messages"][0]["content"])) if request.body else None
    return provider


def ask(tape: Cache, provider: Provider, *prompts: str) -> list[str]:
    with OPENAI.client(tape, provider.url, max_retries=0) as client:
        return [OPENAI.text(OPENAI.ask(client, prompt)) for prompt in prompts]


# -- through the SDKs -------------------------------------------------------------------------------------------------


@each_sdk
def test_every_sdk_records_and_replays(sdk: Sdk, provider: Provider, cassette: Open) -> None:
    provider.script = lambda request: (
        Answer(200, {"content-type": "text/event-stream"}, list(sdk.events))
        if b'"stream":true' in request.body or "stream" in request.path
        else Answer.of(sdk.answer("hi"))
        if request.method == "POST"
        else None
    )

    def all_of(tape: Cassette) -> list[Any]:
        with tape, sdk.client(tape, provider.url) as client:
            return [sdk.parsed(sdk.ask(client, "a")), list(sdk.stream(client, "b")), sdk.models(client) is not None]

    live = all_of(cassette("once"))
    provider.close()
    tape = cassette()
    with no_sockets() as opened:
        assert all_of(tape) == live
    assert opened == []
    assert (tape.report().replayed, tape.report().unused, tape.report().missing) == (3, (), ())


@each_sdk
def test_a_miss_is_reported_through_every_sdk(sdk: Sdk, provider: Provider, cassette: Open, folder: Path) -> None:
    provider.close()
    tape = cassette()
    with sdk.client(tape, provider.url) as client, pytest.raises(sdk.error) as raised:
        sdk.ask(client, "hello")
    for part in (str(folder), "has no recording", "POST", "Nothing was sent", "new_episodes"):
        assert part in str(raised.value)
    assert len(tape.report().missing) == 1


@each_sdk
def test_a_miss_that_is_raised_reaches_the_caller(sdk: Sdk, provider: Provider, cassette: Open) -> None:
    with sdk.client(cassette(miss="raise"), provider.url) as client, pytest.raises(NotRecorded, match="has no recording"):
        sdk.ask(client, "hello")


def test_the_retries_of_an_sdk_are_replayed(provider: Provider, cassette: Open, folder: Path) -> None:
    answers = iter([Answer.of({"error": {"message": "oh"}}, 500), Answer.of({"error": {"message": "oh"}}, 429), Answer.of(CHAT)])
    provider.script = lambda _: next(answers)
    for mode in ("once", "none"):
        with OPENAI.client(cassette(mode), provider.url, max_retries=2) as client, capture() as exchanges:
            assert OPENAI.text(OPENAI.ask(client, "x")) == "hi"
        assert [exchange.code for exchange in exchanges] == [500, 429, 200]
    assert provider.calls == 3
    assert len(files(folder)) == 3


# -- report, log, capture ---------------------------------------------------------------------------------------------


def test_the_report(echo: Provider, cassette: Open, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wirecache")
    tape = cassette("once")
    assert str(tape.report()) == "0 replayed, 0 recorded, 0 live, 0 unused"
    ask(tape, echo, "a", "b", "a")
    tape.close()
    assert str(tape.report()) == "0 replayed, 3 recorded, 0 live, 0 unused"
    assert caplog.messages[-1] == f"wirecache: cassette {folder}: 0 replayed, 3 recorded, 0 live, 0 unused"
    tape = cassette()
    ask(tape, echo, "a", "a")
    with pytest.raises(openai.APIStatusError):
        ask(tape, echo, "c")
    report = tape.report()
    assert str(report) == "2 replayed, 0 recorded, 0 live, 1 unused, 1 missing"
    assert report.unused == tuple(name for name, text in files(folder).items() if '"content": "b"' in text)
    assert "has no recording" in report.missing[0]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == list(report.missing)


def test_a_call_with_wrong_options_is_neither_live_nor_missing(echo: Provider, cassette: Open) -> None:
    tape = cassette("once")
    with cached_client(tape) as client:
        reply = client.post(echo.url + "/v1/chat/completions", json={}, extensions={"wirecache": {"nothing": 1}})
    assert (reply.status_code, echo.calls) == (400, 0)
    assert (tape.report().live, tape.report().missing) == (0, ())


def test_what_a_capture_rejects_stays_on_the_cassette(echo: Provider, cassette: Open, folder: Path) -> None:
    """A program that rejects an answer and asks again does the same when it is replayed; no test takes a file away."""
    answers = iter(["bad", "good"])
    echo.script = lambda _: Answer.of(chat(next(answers)))

    def until_good(tape: Cassette) -> list[str]:
        got = []
        with capture() as exchanges:
            while not got or got[-1] != "good":
                got += ask(tape, echo, "x")
                exchanges[-1].discard()
        return got

    assert until_good(cassette("once")) == ["bad", "good"]
    before = files(folder)
    assert until_good(cassette()) == ["bad", "good"]
    assert files(folder) == before
    assert len(before) == 2


# -- entries, get, discard, clear, explain ----------------------------------------------------------------------------


def test_what_is_on_it(echo: Provider, cassette: Open, folder: Path) -> None:
    ask(cassette("once"), echo, "a", "b")
    tape = cassette()
    entries = list(tape.entries())
    assert {entry.json()["choices"][0]["message"]["content"] for entry in entries} == {"a", "b"}
    for entry in entries:
        assert tape.get(entry.key) == entry
        assert (entry.request.method, entry.request.endpoint, entry.request.model) == ("POST", "chat", "m")
    assert tape.get("0" * 64) is None
    assert tape.prune() == 0
    tape.discard(entries[0].key)
    assert tape.get(entries[0].key) is None
    assert len(files(folder)) == 1
    (folder / "notes.json").write_text("{}")
    (folder / "README.md").write_text("ours")
    tape.clear()
    assert list(tape.entries()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", SCHEMA_NAME, "notes.json"]


def test_a_recording_that_was_discarded_is_made_again(echo: Provider, cassette: Open, folder: Path) -> None:
    tape = cassette("new_episodes")
    ask(tape, echo, "a")
    (entry,) = cassette().entries()
    tape.discard(entry.key)
    assert files(folder) == {}
    ask(tape, echo, "a")
    assert len(files(folder)) == 1


def test_explain(echo: Provider, cassette: Open, folder: Path) -> None:
    ask(cassette("once"), echo, "the first question")
    tape = cassette(redact=[r"cust-\d+"])
    prompt = {"role": "user", "content": "the first question"}
    request = {"url": echo.url + "/v1/chat/completions", "body": {"model": "m", "messages": [prompt]}}
    found = tape.explain(request)
    assert (found.found, found.reason) == (True, None)
    secret = "sk-" + "proj-" + "aB3dE5gH7jK9mN1pQ2sT4vW6"
    prompt["content"] = f"the first question of cust-77 with {secret}"
    missing = tape.explain(request)
    assert (missing.found, missing.reason) == (False, "there is no entry with this key")
    assert missing.nearest is not None
    assert missing.nearest.differences[0].pointer == "/messages/0/content"
    assert str(folder) in missing.rule
    for text in (str(missing), str(missing.canonical)):
        assert secret not in text
        assert "cust-77" not in text
    assert (tape.report().replayed, tape.report().missing) == (0, ())


def test_the_nearest_recording_is_shown_without_secrets(echo: Provider, cassette: Open) -> None:
    ask(cassette("once", redact=["cust-[0-9]+"]), echo, "question of cust-1")
    tape = cassette(redact=["cust-[0-9]+"])
    with cached_client(tape) as client:
        body = {"model": "m", "messages": [{"role": "user", "content": "question for cust-2"}]}
        message = client.post(echo.url + "/v1/chat/completions?who=cust-3", json=body).json()["error"]["message"]
    assert "/messages/0/content" in message
    for number in range(1, 4):
        assert f"cust-{number}" not in message
        assert f"cust-{number}" not in tape.report().missing[0]


def test_a_header_that_counts_is_no_difference_where_it_is_the_same(echo: Provider, cassette: Open) -> None:
    match = KeyOptions(headers=("x-tenant",))
    url = echo.url + "/v1/chat/completions"
    for mode, text in (("once", "a"), ("none", "b")):
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        with cached_client(cassette(mode, match=match)) as client:
            error = client.post(url, json=body, headers={"x-tenant": "one"}).json()
    assert "/messages/0/content" in error["error"]["message"]
    assert "x-tenant" not in error["error"]["message"]


def test_the_log_line_has_no_secret(echo: Provider, cassette: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wirecache")
    with cached_client(cassette("once", redact=["cust-[0-9]+"])) as client:
        client.get(echo.url + "/v1/cust-7/models?who=cust-8")
    (line,) = [message for message in caplog.messages if message.startswith("GET")]
    assert "/v1/REDACTED/models?who=REDACTED 200 wirecache; fwd=miss" in line


# -- verify -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all", "rewrite"])
def test_verify_reports_drift_and_writes_nothing(echo: Provider, cassette: Open, folder: Path, mode: str) -> None:
    ask(cassette("once"), echo, "same", "shape", "text", "not asked again")
    before = files(folder)

    def script(request: ReceivedRequest) -> Answer:
        text = request.json["messages"][0]["content"]
        if text == "shape":
            return Answer.of({**chat(text), "new": 1})
        return Answer.of(chat("other words" if text == "text" else text))

    echo.script = script
    shape, text = cassette(mode, verify="shape"), cassette(mode, verify="text")
    for tape in (shape, text):
        assert ask(tape, echo, "same", "shape", "text", "never recorded")[2] == "other words"
        tape.close()
        assert tape.report().live == 4
        assert (tape.report().replayed, tape.report().recorded, len(tape.report().unused)) == (0, 0, 1)
    assert [[found.pointer for found in one.differences] for one in shape.drift] == [["/new"], ["cassette"]]
    assert [[found.pointer for found in one.differences] for one in text.drift] == [["/new"], ["text"], ["cassette"]]
    assert str(text.drift[1]).splitlines()[0] == f"POST {echo.url}/v1/chat/completions"
    assert files(folder) == before


def test_verify_offline_sends_nothing(echo: Provider, cassette: Open) -> None:
    ask(cassette("once"), echo, "a")
    calls = echo.calls
    tape = cassette(verify="shape")
    with options(mode="offline"):
        assert ask(tape, echo, "a") == ["a"]
        with pytest.raises(openai.APIStatusError):
            ask(tape, echo, "b")
    assert (echo.calls, tape.drift) == (calls, [])


def test_verify_compares_sequences_and_streams(provider: Provider, cassette: Open) -> None:
    chunks = [{"choices": [{"delta": {"content": word}}]} for word in "ab"]
    provider.script = lambda _: events(*chunks)
    with cached_client(cassette("once")) as client:
        client.post(provider.url + "/v1/chat/completions", json={"stream": True})
    for change, pointers in ((chunks, []), (chunks[:1], ["text"]), ([{**chunks[0], "x": 1}, chunks[1]], ["/event/x"])):
        provider.script = lambda _, change=change: events(*change)
        tape = cassette(verify="text")
        with cached_client(tape) as client:
            client.post(provider.url + "/v1/chat/completions", json={"stream": True})
        assert [found.pointer for one in tape.drift for found in one.differences] == pointers


# -- settings ---------------------------------------------------------------------------------------------------------


def test_the_record_mode_of_the_environment(echo: Provider, cassette: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_RECORD_MODE", "new_episodes")
    assert cassette().record_mode == "new_episodes"
    assert cassette("none").record_mode == "none"
    ask(cassette(), echo, "a")
    monkeypatch.setenv("WIRECACHE_RECORD_MODE", "sometimes")
    with pytest.raises(
        ConfigError, match=r"WIRECACHE_RECORD_MODE must be one of none, once, new_episodes, all, rewrite, fork, got 'sometimes'"
    ):
        cassette()


def test_how_to_record_is_explained_as_it_works(echo: Provider, cassette: Open) -> None:
    """A variable that the argument lies over would do nothing."""
    for mode in (None, "once"):
        if mode:
            ask(cassette("once"), echo, "something")
        with pytest.raises(openai.APIStatusError) as raised:
            ask(cassette(mode), echo, "a")
        assert ("WIRECACHE_RECORD_MODE" in str(raised.value)) is (mode is None)
        assert "record_mode='new_episodes'" in str(raised.value)


@pytest.mark.parametrize("by", ["variable", "options"])
@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_offline_plays_and_sends_nothing(echo: Provider, cassette: Open, monkeypatch: pytest.MonkeyPatch, by: str, mode: str) -> None:
    ask(cassette("once"), echo, "a")
    calls = echo.calls
    if by == "variable":
        monkeypatch.setenv("WIRECACHE_MODE", "offline")
    tape = cassette(mode)
    with options(mode="offline" if by == "options" else None):
        assert ask(tape, echo, "a") == ["a"]
        with pytest.raises(openai.APIStatusError, match="offline"):
            ask(tape, echo, "b")
    assert echo.calls == calls


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"record_mode": "never"}, "record_mode must be one of none, once, .*, got 'never'", id="record_mode"),
        pytest.param({"sequence_end": "loop"}, "sequence_end must be 'repeat' or 'fail', got 'loop'", id="sequence_end"),
        pytest.param({"verify": "all"}, "verify must be 'shape', 'text' or None, got 'all'", id="verify"),
        pytest.param({"replay_speed": -1}, "replay_speed must be 0 .*, got -1", id="replay_speed"),
        pytest.param({"miss": "ignore"}, "miss must be 'respond' or 'raise', got 'ignore'", id="miss"),
        pytest.param({"ignore_hosts": "https://a.example/"}, "ignore_hosts must be globs of hosts", id="ignore_hosts"),
        pytest.param({"redact": ["("]}, r"the pattern '\(' does not compile", id="redact"),
        pytest.param({"match": KeyOptions(credentials=True)}, "credentials=True", id="match, credentials"),
        pytest.param({"match": {"host": False}}, "match must be a KeyOptions", id="match"),
    ],
)
def test_a_wrong_option_is_named(folder: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cassette(folder, **wrong)
    assert not folder.exists()


def test_a_recording_says_when_and_by_what_it_was_made(echo: Provider, cassette: Open, folder: Path) -> None:
    import wirecache

    ask(cassette("once"), echo, "a")
    ((name, text),) = files(folder).items()
    file = json.loads(text)
    assert name.startswith("chat-m-")
    assert (file["$schema"], file["format"], file["wirecache"]) == (f"./{SCHEMA_NAME}", 1, wirecache.__version__)
    assert (folder / file["$schema"]).exists()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if "the store is in trouble" in record.getMessage()]
