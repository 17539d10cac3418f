"""``--wirecache-max-cost``: one budget for a run of tests, and what each of them spent."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeTests, Project

# Calls to OpenAI by name, which reach the provider of the test; each costs $0.0035 there.
TESTS = """
import httpx
from wirecache.httpx import CacheTransport

class Elsewhere(httpx.HTTPTransport):
    def handle_request(self, request):
        return super().handle_request(httpx.Request("POST", URL, headers={"content-type": "application/json"}, content=request.read()))

def send(cassette, text):
    with httpx.Client(transport=CacheTransport(cassette, Elsewhere())) as client:
        question = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        return client.post("https://api.openai.com/v1/chat/completions", json=question)

@pytest.mark.parametrize("at", range(4))
def test_a(cassette, at):
    reply = send(cassette, str(at))
    assert reply.status_code == 200, reply.text

def test_b(cassette):
    assert send(cassette, "b").status_code == 200
    assert send(cassette, "c").status_code == 200
"""


@pytest.fixture
def _costly(project: Project) -> None:
    from tests.provider import CHAT, Answer

    project.provider.script = lambda _: Answer.of({**CHAT, "usage": {"prompt_tokens": 1000, "completion_tokens": 100}})


@pytest.mark.usefixtures("_costly")
def test_a_run_within_its_budget_says_what_each_test_spent_and_a_replay_what_it_saved(project: Project, tests: MakeTests) -> None:
    tests(TESTS)
    result = project.run("--wirecache-record=once", "--wirecache-max-cost=0.50", passed=5)
    result.stdout.fnmatch_lines(
        ["wirecache: $0.0210 of $0.50 spent, $0.0000 saved, 0 refused", "  $0.0070 *::test_b", "  $0.0035 *::test_a?0?"]
    )
    result = project.run("--wirecache-max-cost=0", passed=5)
    result.stdout.fnmatch_lines(["wirecache: $0.0000 of $0.00 spent, $0.0210 saved, 0 refused"])


@pytest.mark.usefixtures("_costly")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_what_comes_after_the_limit_is_refused_in_all_processes(project: Project, tests: MakeTests, workers: tuple[str, ...]) -> None:
    tests(TESTS)
    expected = {} if workers else {"passed": 2, "failed": 3}
    result = project.run("--wirecache-record=once", "--wirecache-max-cost=0.007", *workers, **expected)
    assert 2 <= project.provider.calls <= 2 + len(workers), "two, and what was under way"
    result.stdout.fnmatch_lines(["*the budget of $0.007 per run is spent*"])
    result.stdout.fnmatch_lines(["wirecache: $0.00?? of $0.01 spent, $0.0000 saved, ? refused", "*(1 refused)"])


@pytest.mark.usefixtures("_costly")
def test_another_budget_holds_beside_it(project: Project, tests: MakeTests, monkeypatch: pytest.MonkeyPatch) -> None:
    tests(TESTS)
    monkeypatch.setenv("WIRECACHE_BUDGET", "calls=1, window=month")
    project.run("--wirecache-record=once", "--wirecache-max-cost=5", passed=1, failed=4)
    assert project.provider.calls == 1


def test_a_wrong_amount_is_a_usage_error(project: Project, tests: MakeTests) -> None:
    tests("def test_a(): pass")
    result = project.pytester.runpytest_subprocess("--wirecache-max-cost=much")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--wirecache-max-cost must be an amount of dollars*"])
