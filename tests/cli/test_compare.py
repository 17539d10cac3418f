"""``wirecache compare``: runs of agents on real SDKs, recorded and forked, step by step; its report; its exit status for CI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.cli.command import Done, wirecache
from tests.core.compare.test_steps import answer, made
from tests.provider import Provider
from tests.sdk.agents import AGENTS, Agent, Decision, Model, looks_up
from wirecache import Cassette, Usage, cached_client
from wirecache._core.messages import RequestSummary
from wirecache.cassette._directory import Directory

each_agent = pytest.mark.parametrize(("sdk", "streams"), AGENTS)


def record(provider: Provider, agent: Agent, path: Path, mode: Any = "once", **options: Any) -> None:
    """Run the agent on a cassette."""
    with Cassette(path, mode, **options) as cassette, cached_client(cassette, library="httpx2") as client:
        agent.run(provider.url, client)


def write(path: Path, *entries: Any) -> Path:
    """Write a cassette of one run."""
    for at, entry in enumerate(entries):
        Directory(path).add(entry._replace(key=f"{at:064x}", stored_at=1764000000.0 + at))
    return path


def verdicts(done: Done) -> list[str]:
    return [step["severity"] for step in done.json["steps"]]


@each_agent
def test_two_equal_runs_do_not_differ(sdk: str, streams: bool, provider: Provider, tmp_path: Path) -> None:
    """Though each has ids of its own for answers and tool calls, which the requests that follow repeat."""
    Model(provider)
    for name in ("monday", "tuesday"):
        record(provider, Agent(sdk, streams), tmp_path / name)
    done = wirecache("compare", tmp_path / "monday", tmp_path / "tuesday", "--json")
    assert (done.code, verdicts(done)) == (0, ["same"] * 3)
    assert wirecache("compare", tmp_path / "monday", tmp_path / "tuesday").out.splitlines()[-1] == "3 same"


@each_agent
def test_a_fork_is_compared_with_its_parent(sdk: str, streams: bool, provider: Provider, tmp_path: Path) -> None:
    model = Model(provider)
    record(provider, Agent(sdk, streams), tmp_path / "monday")
    model.mind = looks_up(query="ignored", text="It pours.")
    record(provider, Agent(sdk, streams), tmp_path / "monday", "fork", from_step=3)
    done = wirecache("compare", tmp_path / "monday-fork", "--json")
    assert (done.code, verdicts(done)) == (1, ["same", "same", "worded differently"])
    assert done.json["severity"] == "worded differently"
    assert (done.json["after"]["live_from_step"], done.json["before"]["name"]) == (3, done.json["after"]["parent"])
    last = done.json["steps"][-1]
    assert (last["before"]["text"].strip(), last["after"]["text"].strip()) == ("It rains.", "It pours.")
    assert (last["request"], last["differences"], last["after"]["input_tokens"]) == ([], 0, 20)


@each_agent
@pytest.mark.parametrize(
    ("mind", "expected"),
    [
        pytest.param(looks_up(query="snow"), ["other arguments", "other request", "other request"], id="arguments"),
        pytest.param(
            lambda turn: [Decision(calls=(("read", {"query": "rain"}),)), Decision("It rains.")][turn],
            ["other tool", "other tool", "missing"],
            id="tool",
        ),
        pytest.param(
            lambda turn: looks_up()(turn) if turn < 2 else [Decision(calls=(("read", {"query": "2"}),)), Decision("It rains.")][turn - 2],
            ["same", "same", "other tool", "added"],
            id="added",
        ),
    ],
)
def test_what_the_model_does_otherwise(sdk: str, streams: bool, mind: Any, expected: list[str], provider: Provider, tmp_path: Path) -> None:
    model = Model(provider)
    record(provider, Agent(sdk, streams), tmp_path / "monday")
    model.mind = mind
    record(provider, Agent(sdk, streams), tmp_path / "tuesday")
    assert verdicts(wirecache("compare", tmp_path / "monday", tmp_path / "tuesday", "--json")) == expected


# -- what is printed --------------------------------------------------------------------------------------------------

PRICED = {"usage": Usage(1_000_000, 1_000_000), "seconds": 1.5}


def one(text: str, **changes: Any) -> Any:
    sent = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How is the weather?"}]}
    summary = RequestSummary("POST", "https://api.openai.com/v1/chat/completions", "chat", "gpt-4o-mini", {}).to_bytes()
    return made(answer(text), sent=sent, **changes)._replace(summary=summary, **{**PRICED, **changes})


def test_the_lines(tmp_path: Path) -> None:
    before, after = write(tmp_path / "a", one("It rains.")), write(tmp_path / "b", one("It pours.", seconds=2.0))
    assert wirecache("compare", before, after).out.splitlines() == [
        f"A: {before}: 1 step, 1,000,000 + 1,000,000 tokens, $0.7500, 1.50 s",
        f"B: {after}: 1 step, 1,000,000 + 1,000,000 tokens, $0.7500, 2.00 s",
        "",
        "  1 ~ 1    worded differently  chat gpt-4o-mini  (1000000+1000000 tokens, $0.7500, 1.50 -> 2.00 s)",
        "         -It rains.",
        "         +It pours.",
        "",
        "1 worded differently",
    ]


def test_a_report_for_a_pull_request(tmp_path: Path) -> None:
    nasty = "``` @octocat | [x](https://h) <img src=x>\n</details>"
    before, after = write(tmp_path / "a|`b`", one("It rains."), one("x")), write(tmp_path / "b", one(nasty, seconds=2.0))
    done = wirecache("compare", before, after, "--markdown")
    assert done.code == 1
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(done.out)
    tables = [token for token in tokens if token.type == "table_open"]
    fences = [token for token in tokens if token.type == "fence"]
    assert len(tables) == 2
    assert [token.info for token in fences] == ["diff", "diff"]
    assert fences[0].content.splitlines() == ["-It rains.", "+``` @octocat | [x](https://h) <img src=x>", "+</details>"]
    outside = [child for token in tokens if token.type == "inline" for child in token.children or () if child.type == "text"]
    assert not any("@" in child.content or "<img" in child.content for child in outside)
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert (html.count("<details>"), html.count("</details>")) == (2, 2)


def test_a_report_fits_into_a_comment(tmp_path: Path) -> None:
    before = write(tmp_path / "a", *(one(f"{'word ' * 300}{at}", seconds=float(at)) for at in range(60)))
    after = write(tmp_path / "b", *(one(f"{'other ' * 300}{at}") for at in range(60)))
    report = wirecache("compare", before, after, "--markdown").out
    assert 50_000 < len(report) < 65_536
    assert re.search(r"Left out for their length: 0 of the steps, and the details of \d+\.", report)


def test_no_secret_and_no_control_character_is_printed(tmp_path: Path) -> None:
    secret = "sk-" + "proj-" + "aB3dE5gH7jK9mN1pQ2sT4vW6"
    before, after = tmp_path / "a", tmp_path / "b"
    write(before, one("It rains."))
    write(after, one("It pours.\x1b[2J"))
    path = next(file for file in after.glob("chat-*.json"))
    path.write_text(path.read_text().replace("It pours.", f"It pours {secret}"))
    for option in ([], ["--json"], ["--markdown"]):
        out = wirecache("compare", before, after, *option).out
        assert "It pours" in out
        assert secret not in out
        assert "\x1b" not in out


# -- the exit status --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status", "codes"),
    [
        pytest.param("It rains.", 200, (0, 0, 0, 0), id="same"),
        pytest.param("It pours.", 200, (1, 1, 0, 0), id="worded"),
        pytest.param("It rains.", 500, (1, 1, 1, 0), id="failed"),
    ],
)
def test_for_ci(text: str, status: int, codes: tuple[int, ...], tmp_path: Path) -> None:
    before, after = write(tmp_path / "a", one("It rains.")), write(tmp_path / "b", one(text, status=status))
    found = [wirecache("compare", before, after, "--fail-on", least).code for least in ("any", "worded", "arguments", "never")]
    assert tuple(found) == codes
    assert wirecache("compare", before, after).code == codes[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "nothing"], "nothing is not a directory"),
        (["a", "empty"], "empty has no recordings"),
        (["a"], "name two cassettes: a is not a fork"),
        (["a", "a", "--json", "--markdown"], "choose one"),
        (["a", "a", "--fail-on", "much"], "--fail-on"),
        (["a", "damaged"], "is not valid JSON"),
    ],
)
def test_what_cannot_be_compared(arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a", one("It rains."))
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "chat-m-0123456789ab.json").write_text("{")
    done = wirecache("compare", *arguments)
    assert done.code == 2
    assert message in done.error
