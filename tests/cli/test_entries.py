"""``ls``, ``show``, ``diff``, ``explain``, ``rm``, ``prune`` and ``clear``, on real stores: small, empty, damaged, and large."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.cli.command import URL, body_of, entry, fill, wirecache
from tests.stores.upstream import Model
from wirecache import Cache, CassetteStore, DiskStore, Usage, options
from wirecache._core import codec
from wirecache._core.messages import Chunk, Entry, pack_chunks
from wirecache.cli._terminal import fitted

DAY = 86400.0
PARIS = entry("What is the capital of France?", "Paris.", age=2 * DAY)
BERN = entry("What is the capital of Switzerland?", "Bern.", model="gpt-4o-mini", age=60)
LONG = entry("Tell me a story", "Once upon a time. " * 50, url="http://localhost:8000/v1/chat/completions", age=30 * DAY, seconds=9.0)
ALL = [LONG, PARIS, BERN]
COLLECTED = time.time()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    since = time.time() - COLLECTED  # a run of all tests takes minutes, and the ages are shown
    fill(tmp_path / "store", [one._replace(stored_at=one.stored_at + since) for one in ALL])
    return tmp_path / "store"


def keys(*arguments: str, store: Path) -> list[str]:
    done = wirecache("ls", "--json", "--store", str(store), *arguments)
    assert done.code == 0, done.error
    return [row["key"] for row in done.json["entries"]]


# -- ls ---------------------------------------------------------------------------------------------------------------


def test_ls_is_readable_in_a_pipe(store: Path) -> None:
    done = wirecache("ls", "--store", store)
    assert done.code == 0
    assert done.out.splitlines()[1].split() == [
        *(BERN.key[:12], "1", "min", "gpt-4o-mini", "chat", "api.openai.com", "12", "106", "B"),
        *["What", "is", "the", "capital", "of", "Switzerland?"],
    ]
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == 4


def test_ls_aligns_wide_characters_and_cuts_a_line_that_is_too_wide(tmp_path: Path) -> None:
    fill(tmp_path, [entry("東京 " * 100, "x", model="\u6a21\u578b"), entry("Why?", "x" * 10_000, model="m")])
    first, *others = wirecache("ls", "--store", tmp_path).out.splitlines()
    assert [cell_len(line[: line.index("chat")]) for line in others] == [first.index("endpoint")] * 2
    assert {cell_len(line) for line in others if line.endswith("…")} <= {159, 160}
    assert sum(line.endswith("…") for line in others) == 1


@pytest.mark.parametrize(
    ("widths", "room", "expected"),
    [
        pytest.param([3, 9], 12, [3, 9], id="room for all"),
        pytest.param([3, 90], 12, [3, 9], id="the widest is cut"),
        pytest.param([3, 10, 90], 19, [3, 8, 8], id="the two widest are cut"),
        pytest.param([3, 10, 90], 5, [3, 6, 6], id="no room at all"),
    ],
)
def test_columns_that_are_too_wide_are_cut_the_widest_first(widths: list[int], room: int, expected: list[int]) -> None:
    assert fitted(widths, room) == expected


def test_ls_as_json_has_these_members(store: Path) -> None:
    listing = wirecache("ls", "--json", "--limit", "1", "--store", store).json
    (row,) = listing["entries"]
    assert (listing["page"], listing["more"]) == (1, True)
    assert 59 < row.pop("age") < 160
    assert row.pop("stored_at").endswith("Z")
    assert row == {
        "key": BERN.key, "method": "POST", "url": URL, "host": "api.openai.com", "endpoint": "chat", "model": "gpt-4o-mini",
        "namespace": "", "sample": 0, "status": 200, "seconds": 0.75, "stream": False, "usage": Usage(5, 7)._asdict(),
        "bytes": len(BERN.body), "prompt": "What is the capital of Switzerland?",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param(["--model", "GPT-4o"], [PARIS, LONG], id="model"),
        pytest.param(["--model", "gpt*mini"], [BERN], id="model by a wildcard"),
        pytest.param(["--host", "localhost*"], [LONG], id="host"),
        pytest.param(["--endpoint", "chat"], [BERN, PARIS, LONG], id="endpoint"),
        pytest.param(["--endpoint", "embeddings"], [], id="another endpoint"),
        pytest.param(["--age", "3d"], [BERN, PARIS], id="age"),
        pytest.param(["--older", "1h"], [PARIS, LONG], id="older"),
        pytest.param(["--older", "1h", "--age", "1w"], [PARIS], id="between"),
        pytest.param(["--text", "CAPITAL"], [BERN, PARIS], id="text of the prompt"),
        pytest.param(["--text", "upon a time"], [LONG], id="text of the answer"),
        pytest.param(["--sort", "oldest"], [LONG, PARIS, BERN], id="oldest"),
        pytest.param(["--sort", "size"], [LONG, PARIS, BERN], id="size"),
        pytest.param(["--sort", "seconds", "--limit", "1"], [LONG], id="seconds"),
        pytest.param(["--limit", "1", "--page", "2"], [PARIS], id="page"),
        pytest.param(["--limit", "1", "--page", "9"], [], id="a page too far"),
    ],
)
def test_ls_filters_sorts_and_pages(store: Path, filters: list[str], found: list[Entry]) -> None:
    assert keys(*filters, store=store) == [one.key for one in found]


def test_ls_of_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    done = wirecache("ls", "--store", tmp_path / "nowhere")
    assert (done.code, done.out.split(" in ")[0]) == (0, "No entries")
    assert done.out.rstrip().endswith("which does not exist yet.")
    assert wirecache("ls", "--json", "--store", tmp_path / "nowhere").json == {"entries": [], "page": 1, "more": False}
    assert not (tmp_path / "nowhere").exists()


def test_ls_takes_a_cassette_directory(tmp_path: Path) -> None:
    CassetteStore(tmp_path / "tapes").set(PARIS.key, codec.encode(PARIS), ttl=None)
    assert keys(store=tmp_path / "tapes") == [PARIS.key]
    assert "Paris." in wirecache("show", PARIS.key[:8], "--store", tmp_path / "tapes").out
    assert not (tmp_path / "tapes" / "cache.db").exists()


def test_a_damaged_entry_is_reported_and_the_others_are_listed(store: Path) -> None:
    damaged = bytearray(codec.encode(PARIS))
    damaged[-3] ^= 1
    DiskStore(store).set(PARIS.key, bytes(damaged), ttl=None)
    done = wirecache("ls", "--json", "--store", store)
    assert done.code == 1
    assert [row["key"] for row in done.json["entries"]] == [BERN.key, LONG.key]
    assert wirecache("show", PARIS.key[:12], "--store", store).code == 1


def test_a_damaged_database_is_reported(store: Path) -> None:
    (store / "cache.db").write_bytes(b"no database at all" * 1000)
    for name in ("cache.db-wal", "cache.db-shm"):
        (store / name).unlink(missing_ok=True)
    done = wirecache("ls", "--store", store)
    assert done.code == 1
    assert "was damaged" in done.error


def test_a_store_of_100_000_entries(tmp_path: Path) -> None:
    body = entry("a prompt of the usual length, more or less " * 10, "an answer " * 50)
    fill(tmp_path / "large", (body._replace(key=f"{number:064x}", stored_at=1e9 + number) for number in range(100_000)))
    program = (
        "import re, time; from wirecache.cli import main\ntry: main()\n"
        "finally: print(time.process_time(), re.search('VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    line = [sys.executable, "-c", program, "ls", "--limit", "20", "--store", str(tmp_path / "large")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=True)
    assert len(done.stdout.splitlines()) == 23
    spent, memory = done.stdout.splitlines()[-1].split()
    assert int(memory) < 200_000  # kB
    assert float(spent) < 5  # seconds, with all that is imported: no entry but those shown is read
    assert wirecache("show", "1869f", "--store", tmp_path / "large").code == 1
    assert wirecache("show", f"{99_999:064x}", "--store", tmp_path / "large").code == 0


# -- show -------------------------------------------------------------------------------------------------------------


def test_show_is_a_conversation(store: Path) -> None:
    done = wirecache("show", PARIS.key[:10].upper(), "--store", store)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"key       {PARIS.key}"
    assert "tokens    5 in, 7 out" in lines
    assert "          x-request-id: req_1" in lines
    assert lines[lines.index("--- system") :] == [
        "--- system", "Be brief.", "--- user", "What is the capital of France?", "--- assistant", "Paris.",
    ]  # fmt: skip


def test_show_raw_is_the_body(store: Path) -> None:
    assert wirecache("show", "--raw", PARIS.key, "--store", store).out == PARIS.text


def test_show_as_json_has_these_members(store: Path) -> None:
    shown = wirecache("show", "--json", PARIS.key, "--store", store).json
    assert list(shown) == [
        "key", "method", "url", "host", "endpoint", "model", "namespace", "sample", "status", "stored_at", "age", "seconds", "stream",
        "usage", "bytes", "ttl", "http_version", "request_headers", "headers", "parameters", "conversation", "answer", "chunks", "body",
    ]  # fmt: skip
    assert shown["conversation"][0] == {"role": "system", "text": "Be brief.", "tool_calls": []}
    assert shown["answer"] == {"role": "assistant", "text": "Paris.", "tool_calls": []}


def test_show_does_not_let_an_answer_steer_the_terminal(tmp_path: Path) -> None:
    bad = entry("hi", "\x1b[2J\x07 gone")
    fill(tmp_path / "store", [bad])
    assert "\x1b" not in wirecache("show", bad.key, "--store", tmp_path / "store").out


def _stream(*events: Any) -> dict[str, Any]:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return {"body": body, "headers": ((b"content-type", b"text/event-stream"),), "chunk_times": pack_chunks([Chunk(len(body), 0.5)])}


def _delta(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


CALL = {"name": "weather", "arguments": '{"city": "Bern"}'}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": json.dumps({"choices": [{"message": {"tool_calls": [{"function": CALL}]}}]}).encode()}, id="chat"),
        pytest.param(
            {"body": json.dumps({"content": [{"type": "tool_use", "name": "weather", "input": {"city": "Bern"}}]}).encode()}, id="anthropic"
        ),
        pytest.param({"body": json.dumps({"output": [{"type": "function_call", **CALL}]}).encode()}, id="responses"),
        pytest.param(
            {
                "body": json.dumps(
                    {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Bern"}}}]}}]}
                ).encode()
            },
            id="gemini",
        ),
        pytest.param(
            _stream(
                _delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "weather", "arguments": ""}}]),
                _delta(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}]),
                _delta(tool_calls=[{"index": 0, "function": {"arguments": '"Bern"}'}}]),
            ),
            id="chat, streamed",
        ),
        pytest.param(
            _stream(
                {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "weather", "input": {}}},
                {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city": '}},
                {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '"Bern"}'}},
            ),
            id="anthropic, streamed",
        ),
        pytest.param(
            _stream(
                {"type": "response.function_call_arguments.delta", "delta": "{"},
                {"type": "response.output_item.done", "item": {"type": "function_call", **CALL}},
                {"type": "response.completed", "response": {"output": [{"type": "function_call", **CALL}]}},
            ),
            id="responses, streamed",
        ),
    ],
)
def test_show_prints_tool_calls(tmp_path: Path, answer: dict[str, Any]) -> None:
    fill(tmp_path / "store", [entry("weather?", "")._replace(**answer)])
    (key,) = keys(store=tmp_path / "store")
    assert wirecache("show", "--json", key, "--store", tmp_path / "store").json["answer"]["tool_calls"] == [CALL]
    assert 'calls weather({"city": "Bern"})' in wirecache("show", key, "--store", tmp_path / "store").out


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "code", "message"),
    [
        pytest.param("xyz", 2, "is not a key", id="not a key"),
        pytest.param("a", 2, "2 keys begin with a: a0", id="of several entries"),
        pytest.param("b1", 1, "no key begins with b1", id="of none"),
    ],
)
def test_first_digits_of_a_key(tmp_path: Path, key: str, code: int, message: str) -> None:
    fill(tmp_path / "store", [PARIS._replace(key="a0" * 32), BERN._replace(key="a1" * 32), LONG._replace(key="b0" * 32)])
    for command in (["show", key], ["rm", "b", key], ["diff", "b", key]):
        done = wirecache(*command, "--store", tmp_path / "store")
        assert done.code == code
        assert message in done.error
    assert len(keys(store=tmp_path / "store")) == 3


# -- diff -------------------------------------------------------------------------------------------------------------


def test_diff_shows_what_differs_in_request_and_answer(store: Path) -> None:
    done = wirecache("diff", PARIS.key[:12], BERN.key[:12], "--store", store)
    assert done.code == 0
    assert done.out.splitlines() == [
        "request:",
        '  /model: "gpt-4o" -> "gpt-4o-mini"',
        '  /messages/1/content: "...t is the capital of France?" -> "...t is the capital of Switzerland?"',
        "answer:",
        f"  --- {PARIS.key[:12]}",
        f"  +++ {BERN.key[:12]}",
        "  @@ -1,2 +1,2 @@",
        "   status 200",
        "  -Paris.",
        "  +Bern.",
    ]
    difference = wirecache("diff", PARIS.key, BERN.key, "--json", "--store", store).json
    assert (list(difference), difference["keys"]) == (["keys", "request", "answer"], [PARIS.key, BERN.key])
    assert [*difference["request"][0]] == ["pointer", "stored", "requested", "hint"]


def test_diff_of_the_same(store: Path) -> None:
    assert wirecache("diff", PARIS.key, PARIS.key, "--store", store).out == "request: no difference\nanswer: no difference\n"


# -- explain ----------------------------------------------------------------------------------------------------------


def test_explain_a_hit_and_a_miss(store: Path, tmp_path: Path) -> None:
    request = json.dumps({"method": "POST", "url": URL, "headers": {}, "body": body_of("What is the capital of France?")})
    (tmp_path / "request.json").write_text(request)
    done = wirecache("explain", tmp_path / "request.json", "--store", store)
    assert (done.code, f"key: {PARIS.key}" in done.out, done.out.startswith("hit: ")) == (0, True, True)
    missed = json.dumps({"url": URL, "body": body_of("What is the capital of Spain?")})
    explained = wirecache("explain", "--json", "--store", store, given=missed)
    assert explained.code == 1
    assert list(explained.json) == ["hit", "reason", "rule", "key", "found", "age", "canonical", "uncounted", "nearest"]
    assert (explained.json["hit"], explained.json["reason"]) == (False, "there is no entry with this key")
    assert explained.json["nearest"]["key"] == PARIS.key
    assert explained.json["nearest"]["differences"][0]["pointer"] == "/messages/1/content"
    assert "nearest stored request" in wirecache("explain", "-", "--store", store, given=missed).out


def test_explain_a_bypass_and_what_is_no_request(store: Path) -> None:
    batch = json.dumps({"method": "POST", "url": "https://api.openai.com/v1/batches", "body": {"model": "m"}})
    assert wirecache("explain", "--store", store, given=batch).out == "bypass: no-rule\nrule: none\n"
    assert "standard input: not JSON: Expecting value" in wirecache("explain", "--store", store, given="nonsense").error


def test_explain_says_that_an_entry_is_stale(store: Path) -> None:
    request = json.dumps({"url": LONG.request.url, "body": body_of("Tell me a story")})
    done = wirecache("explain", "--store", store, given=request)
    assert (done.code, done.out.startswith("miss: it is stale")) == (1, True)


def test_explain_takes_the_key_of_an_entry(store: Path) -> None:
    done = wirecache("explain", PARIS.key[:9].upper(), "--store", store)
    assert (done.code, f"key: {PARIS.key}" in done.out, done.out.startswith("hit: ")) == (0, True, True)
    stale = wirecache("explain", LONG.key, "--store", store)
    assert (stale.code, stale.out.startswith("miss: it is stale")) == (1, True)
    none = wirecache("explain", "abcdef", "--store", store)
    assert (none.code, none.error) == (1, "wirecache: no key begins with abcdef; wirecache ls lists the keys")
    missing = wirecache("explain", "request.json", "--store", store)
    assert (missing.code, "request.json" in missing.error) == (2, True)


def test_explain_an_entry_that_lies_in_a_namespace(tmp_path: Path) -> None:
    with Cache(tmp_path, namespace="team") as cache, options(namespace="alice", sample=2):
        key = Model().ask(cache).extensions["wirecache"].key
    done = wirecache("explain", key, "--store", tmp_path)
    assert (done.code, f"key: {key}" in done.out) == (0, True)


@pytest.mark.parametrize(
    "given", ["", "[]", "{}", '{"url": 1}', '{"url": "https://x", "model": "m"}', '{"url": "https://[x/"}', '{"url": "h", "headers": 3}']
)
def test_explain_takes_nothing_else(given: str) -> None:
    done = wirecache("explain", given=given)
    assert done.code == 2
    assert "standard input" in done.error


# -- rm, prune, clear -------------------------------------------------------------------------------------------------


def test_rm(store: Path) -> None:
    done = wirecache("rm", PARIS.key[:12], PARIS.key, LONG.key[:12], "--json", "--store", store)
    assert done.json == {"removed": [PARIS.key, LONG.key]}
    assert keys(store=store) == [BERN.key]
    assert wirecache("rm", BERN.key, "--store", store).out == "1 entry dropped.\n"


def test_prune_drops_what_is_past_its_ttl(store: Path) -> None:
    assert wirecache("prune", "--dry-run", "--store", store).out == "1 entry would be dropped.\n"
    assert wirecache("prune", "--json", "--store", store).json == {"dropped": 1, "found": 1}
    assert keys(store=store) == [BERN.key, PARIS.key]
    assert wirecache("prune", "--older", "1d", "--store", store).out == "1 entry dropped.\n"
    assert wirecache("prune", "--older", "soon", "--store", store).code == 2


def test_prune_heeds_the_ttl_of_the_settings(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_TTL", "30s")
    assert wirecache("prune", "--json", "--store", store).json["dropped"] == 3


def test_clear_asks_where_somebody_can_answer(store: Path) -> None:
    done = wirecache("clear", "--store", store, given="y\n")
    assert done.code == 2
    assert "3 entries" in done.error
    assert "--yes" in done.error
    assert wirecache("clear", "--yes", "--json", "--store", store).json == {"dropped": 3}
    assert keys(store=store) == []
    assert wirecache("clear", "--store", store).out == "0 entries dropped.\n"


def test_clear_in_a_terminal(store: Path) -> None:
    import pty

    line = [sys.executable, "-m", "wirecache", "clear", "--store", str(store)]
    for answer, left in ((b"n\n", 3), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        with subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "NO_COLOR": "1"}) as process:
            os.close(theirs)
            os.write(ours, answer)
            shown = _read(ours)
            assert process.wait(50) == (0 if left == 0 else 1)
        assert b"Drop 3 entries of DiskStore" in shown
        assert len(keys(store=store)) == left


def _read(terminal: int) -> bytes:
    """All that is written to it."""
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return shown


# -- all of them ------------------------------------------------------------------------------------------------------


def test_the_store_of_the_settings_is_the_default(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_STORE", str(store))
    assert len(wirecache("ls", "--json").json["entries"]) == 3


def test_a_wrong_setting_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_MODE", "sometimes")
    for command in (["ls"], ["show", "ab"], ["prune"], ["export", "x"]):
        done = wirecache(*command)
        assert (done.code, "WIRECACHE_MODE" in done.error) == (2, True)


def test_a_store_that_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    done = wirecache("ls", "--store", "redis://127.0.0.1:1")
    assert (done.code, "Traceback" in done.error) == (1, False)
    assert wirecache("rm", "ab", "--store", "gopher://x").code == 2


def test_a_command_works_while_others_have_the_store_open(store: Path) -> None:
    """A cache in another process may hold the store open."""
    with Cache(str(store)) as cache:
        assert cache.get(PARIS.key) is not None
        assert wirecache("rm", PARIS.key, "--store", store).code == 0
        assert cache.get(PARIS.key) is None


def test_a_redis(redis_url: str) -> None:
    store = f"{redis_url}?prefix=commands:"
    with Cache(store) as cache:
        for one in ALL:
            assert cache.engine.source.save(one)
    assert [row["key"] for row in wirecache("ls", "--json", "--store", store).json["entries"]] == [BERN.key, PARIS.key, LONG.key]
    assert "Paris." in wirecache("show", PARIS.key[:12], "--store", store).out
    assert wirecache("prune", "--json", "--store", store).json["dropped"] == 1
    assert wirecache("clear", "--yes", "--json", "--store", store).json == {"dropped": 2}


def test_inspect_is_show(store: Path) -> None:
    assert wirecache("inspect", PARIS.key, "--store", store).out == wirecache("show", PARIS.key, "--store", store).out
