"""``--max-cost``, ``--max-calls``, ``--fail-over``: what a command may spend, and what it spent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import wirecache
from tests.provider import Provider
from wirecache import Budget, Cache, Usage
from wirecache._core.flows.labels import Labels
from wirecache._core.status import CacheStatus

PROGRAM = """
import os, subprocess, sys
import httpx
codes = []
with httpx.Client() as client:
    for number in range(3):
        body = {"model": sys.argv[3], "messages": [{"role": "user", "content": f"{os.getpid()} {number}"}]}
        codes.append(client.post(sys.argv[1] + "/v1/chat/completions", json=body).status_code)
print(*codes, flush=True)
if sys.argv[2] != "0":
    subprocess.run([sys.executable, __file__, sys.argv[1], "0", sys.argv[3]], check=True)
"""


@pytest.fixture(autouse=True)
def _own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands set variables for the programs that they start."""
    for name in ("WIRECACHE_BUDGET", "WIRECACHE_RUN"):
        monkeypatch.setenv(name, "")


def run(tmp_path: Path, provider: Provider, *options: str, model: str = "m") -> tuple[int, str, str]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "wirecache", "run", "--store", str(tmp_path / "store"), *options]
    done = subprocess.run([*command, str(program), provider.url, "1", model], capture_output=True, text=True, timeout=200, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_program_and_what_it_starts_have_one_budget_and_the_next_run_another(tmp_path: Path, provider: Provider) -> None:
    for _ in range(2):
        status, out, error = run(tmp_path, provider, "--max-calls", "4")
        assert (status, out) == (0, "200 200 200\n200 424 424\n"), error
    assert provider.calls == 8


def test_the_limit_is_beside_the_budgets_that_hold_anyway(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_BUDGET", "calls=5, window=day")
    assert [run(tmp_path, provider, "--max-calls", "4")[1] for _ in range(2)] == [
        "200 200 200\n200 424 424\n",
        "200 424 424\n424 424 424\n",
    ]


def test_a_limit_of_dollars_refuses_what_has_no_price(tmp_path: Path, provider: Provider) -> None:
    status, out, _ = run(tmp_path, provider, "--max-cost", "$0.50", model="gpt-of-tomorrow")
    assert (status, out) == (0, "424 424 424\n424 424 424\n")


def test_a_limit_of_dollars_is_reached_at_a_gateway_too(tmp_path: Path, provider: Provider) -> None:
    status, out, _ = run(tmp_path, provider, "--max-cost", "0.0001", model="gpt-4o")  # 5 * $2.50 and 7 * $10 a million: $0.0000825
    assert (status, out) == (0, "200 200 424\n424 424 424\n")


@pytest.mark.parametrize("command", ["run", "serve", "warm"])
def test_a_wrong_amount_is_a_usage_error(command: str, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("")
    arguments = {"run": ["x.py"], "serve": [], "warm": [str(file)]}[command]
    done = wirecache(command, "--max-cost", "much", *arguments)
    assert done.code == 2
    assert "--max-cost must be an amount of dollars" in " ".join(done.error.replace("│", " ").split())


def test_warm_stops_when_the_budget_is_spent(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    call = {"method": "POST", "url": "/v1/chat/completions"}
    bodies = [{"model": "m", "messages": [{"role": "user", "content": str(number)}]} for number in range(20)]
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(json.dumps({"custom_id": str(number), **call, "body": body}) + "\n" for number, body in enumerate(bodies)))
    done = wirecache("warm", "--max-calls", "5", "--concurrency", "1", "--json", file)
    assert done.code == 1
    assert (done.json["stored"], len(done.json["errors"]), done.json["stopped"], done.json["over_budget"]) == (5, 1, True, True)
    assert "the budget of 5 calls per run is spent" in done.json["errors"][0]["reason"]
    assert provider.calls == 5
    assert wirecache("warm", "--max-calls", "5", "--json", file).json["hits"] == 5, "the next run goes on"


def test_serve_has_the_budget_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wirecache.cli._budget import begin_run

    begin_run("2.50", 7)
    with Cache("memory://") as cache:
        assert [spending.budget for spending in cache.spending()] == [Budget(usd="2.50", calls=7)]


# -- stats ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that has counted one call of gpt-4o for $0.0035."""
    with Cache(tmp_path / "store") as cache:
        tally, labels, day = cache._statistics.tally, Labels("api.openai.com", "chat", "gpt-4o"), 20_788
        tally.answered(CacheStatus(fwd="miss"), None, labels, day)
        tally.paid(Usage(1000, 100), 1.0, labels, day)
        cache._kept.touch()
    return tmp_path / "store"


@pytest.mark.parametrize(("limit", "code"), [("0.0034", 1), ("0.0035", 0), ("2.00", 0)])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_stats_fail_over(store: Path, limit: str, code: int, form: list[str]) -> None:
    done = wirecache("stats", "--store", store, "--fail-over", limit, *form)
    assert done.code == code, done.error
    assert ("were billed, more than" in done.error) is (code == 1)


def test_stats_fail_over_names_what_it_does_not_see(store: Path) -> None:
    with Cache(store) as cache:
        cache._statistics.tally.paid(None, 1.0, Labels("api.openai.com", "chat", "gpt-4o"), 20_788)
        cache._kept.touch()
    done = wirecache("stats", "--store", store, "--fail-over", "1")
    assert done.code == 0
    assert "--fail-over does not see 1 call without a count" in done.error
