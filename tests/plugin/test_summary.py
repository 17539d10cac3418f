"""The summary of a run: unused recordings and drift; in one process and in several."""

from __future__ import annotations

import json

import pytest

from tests.plugin.conftest import MakeTests, Project
from tests.provider import CHAT, Answer

SHARED_FIXTURE = """
import os
pytestmark = pytest.mark.wirecache

@pytest.fixture(scope="session", params=["x", "y"])
def shared(request):
    yield ask("shared " + request.param)
    ask("its end " + request.param)

@pytest.fixture(scope="module", autouse=True)
def of_module():
    ask("module")

@pytest.mark.parametrize("at", range(4))
def test_a(shared, at):
    assert shared == ask(str(at)) == "hi"
"""


def test_a_fixture_of_many_tests_has_its_own_cassette(project: Project, tests: MakeTests) -> None:
    """So it makes no difference which test runs first, or alone, or in which process."""
    tests(SHARED_FIXTURE)
    assert project.line("--wirecache-record=once", passed=8) == "0 replayed, 13 recorded, 0 live, 0 unused"
    folders = project.recordings()
    assert folders.count("cassettes/test_x/fixture-shared-0") == folders.count("cassettes/test_x/fixture-shared-1") == 2
    assert folders.count("cassettes/test_x/fixture-of_module") == 1
    calls = project.provider.calls
    assert project.line("-k", "3", passed=2) == "7 replayed, 0 recorded, 0 live, 0 unused"
    project.run("-n2", passed=8)
    project.run("--wirecache-record=new_episodes", passed=8)
    assert project.provider.calls == calls


MANY = """
@pytest.mark.wirecache("shared")
@pytest.mark.parametrize("at", range(24))
def test_a(at):
    assert ask(str(at)) == ask(str(at % 6)) == "hi"
"""


def test_several_processes_record_one_directory(project: Project, tests: MakeTests) -> None:
    tests(MANY)
    line = project.line("-n4", "--wirecache-record=rewrite", passed=24)
    assert line.endswith(" 0 unused")
    prompts = {
        json.loads(path.read_text())["request"]["body"]["json"]["messages"][0]["content"]
        for path in (project.path / "shared").glob("chat*")
    }
    assert prompts == {str(at) for at in range(24)}
    project.provider.close()
    assert project.line("-n4", passed=24).startswith("48 replayed, 0 recorded, 0 live, ")


TWO = """
import os
pytestmark = pytest.mark.wirecache

def test_a():
    ask("a")
    if os.environ.get("MORE"): ask("more")

def test_b():
    ask("b")
"""


@pytest.fixture
def with_unused(project: Project, tests: MakeTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One recording of ``test_a`` is not requested any more, and a class and a module with tests are gone."""
    tests(TWO + "\nclass TestGone:\n    def test_c(self):\n        ask('c')\n")
    project.write("test_gone.py", "import pytest\nfrom chat import *\n\n@pytest.mark.wirecache\ndef test_d():\n    ask()")
    project.write("cassettes/test_own/by_hand/fixture.json", "{}")
    monkeypatch.setenv("MORE", "yes")
    project.run("--wirecache-record=once", passed=4)
    monkeypatch.delenv("MORE")
    tests(TWO)
    (project.path / "test_gone.py").unlink()
    return project


def test_unused_recordings_are_listed(with_unused: Project) -> None:
    result = with_unused.run(passed=2)
    listed = [line.strip().rpartition("/")[0] for line in result.outlines if line.startswith("  cassettes")]
    assert listed == ["cassettes/test_x/test_a", "cassettes/test_gone/test_d", "cassettes/test_x/TestGone.test_c"]
    result.stdout.fnmatch_lines(["unused (--wirecache-unused=prune removes them):", "wirecache: 2 replayed, 0 recorded, 0 live, 3 unused"])
    assert result.ret == 0
    assert "unused:" not in with_unused.run("--wirecache-unused=ignore", passed=2).stdout.str()
    assert with_unused.run("--wirecache-unused=fail", "-n2", passed=2).ret == 1


def test_what_rewrite_removed_is_not_unused(project: Project, tests: MakeTests) -> None:
    tests("@pytest.mark.wirecache\ndef test_a():\n    ask('a')")
    project.run("--wirecache-record=once", passed=1)
    tests("@pytest.mark.wirecache\ndef test_a():\n    ask('b')")
    result = project.run("--wirecache-record=rewrite", "--wirecache-unused=fail", passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["wirecache: 0 replayed, 1 recorded, 0 live, 0 unused"])


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_unused_recordings_are_removed(with_unused: Project, processes: str) -> None:
    result = with_unused.run(processes, "--wirecache-unused=prune", passed=2)
    result.stdout.fnmatch_lines(["unused, removed:", "wirecache: 2 replayed, 0 recorded, 0 live, 3 unused (removed)"])
    assert with_unused.recordings() == ["cassettes/test_own/by_hand", "cassettes/test_x/test_a", "cassettes/test_x/test_b"]
    assert not (with_unused.path / "cassettes/test_gone").exists()
    assert with_unused.line(passed=2) == "2 replayed, 0 recorded, 0 live, 0 unused"


def test_a_part_of_the_suite_does_not_judge_the_rest(with_unused: Project) -> None:
    def recordings_after(*options: str, passed: int) -> int:
        line = with_unused.line("--wirecache-unused=prune", *options, passed=passed)
        assert line.startswith(f"{passed} replayed, 0 recorded, 0 live, ")
        return len(with_unused.recordings())

    assert recordings_after("-k", "test_b", passed=1) == 6
    assert recordings_after("test_x.py::test_b", passed=1) == 6
    assert recordings_after("--deselect", "test_x.py::test_a", passed=1) == 6
    assert recordings_after("test_x.py", passed=2) == 5  # the test of this one ran


def test_a_failed_test_does_not_judge_its_recordings(with_unused: Project, tests: MakeTests) -> None:
    tests(TWO + "    assert False")
    assert with_unused.line("--wirecache-unused=prune", passed=1, failed=1) == "2 replayed, 0 recorded, 0 live, 1 unused (removed)"
    tests(TWO.replace('ask("a")', "pytest.skip()"))
    assert with_unused.line("--wirecache-unused=prune", passed=1, skipped=1).startswith("1 replayed, 0 recorded, 0 live, ")
    assert "cassettes/test_x/test_a" in with_unused.recordings()


def test_a_shared_directory_is_judged_by_all_its_tests(project: Project, tests: MakeTests) -> None:
    tests("pytestmark = pytest.mark.wirecache('shared')\n\ndef test_a():\n    ask('a')\n\ndef test_b():\n    ask('b')")
    assert project.line("--wirecache-record=once", passed=2) == "0 replayed, 2 recorded, 0 live, 0 unused"
    assert project.line("-k", "test_a", "--wirecache-unused=prune", passed=1) == "1 replayed, 0 recorded, 0 live, 0 unused"
    assert project.line("--wirecache-unused=prune", passed=2) == "2 replayed, 0 recorded, 0 live, 0 unused"


# -- verify -----------------------------------------------------------------------------------------------------------


def test_verify_fails_for_drift_and_writes_nothing(project: Project, tests: MakeTests) -> None:
    tests("pytestmark = pytest.mark.wirecache\n\ndef test_a():\n    ask()\n\ndef test_b():\n    assert ask() == 'hi'")
    project.run("--wirecache-record=once", passed=2)
    files = {path: path.read_bytes() for path in project.path.rglob("*.json")}
    assert project.line("--wirecache-verify=text", passed=2) == "0 replayed, 0 recorded, 2 live, 0 unused"
    changed = json.loads(json.dumps(CHAT).replace('"hi"', '"hello"'))
    project.provider.script = lambda _: Answer.of(changed)
    assert project.line("--wirecache-verify", passed=1, failed=1) == "0 replayed, 0 recorded, 2 live, 0 unused"
    result = project.run("--wirecache-verify=text", failed=2)
    result.stdout.fnmatch_lines(
        [
            "Live answers differ from the recordings of cassettes/test_x/test_a (recorded -> live):",
            f"POST {project.provider.url}/v1/chat/completions",
            '  text: "hi" -> "hello"',
        ]
    )
    project.provider.script = lambda _: Answer.of({"choices": [{"message": {"content": "hi"}}]})
    result = project.run("--wirecache-verify", "--wirecache-record=rewrite", failed=2)
    result.stdout.fnmatch_lines(["  /object: *", "drift:", "wirecache: 0 replayed, 0 recorded, 2 live, 0 unused, 2 drift"])
    assert {path: path.read_bytes() for path in project.path.rglob("*.json")} == files
