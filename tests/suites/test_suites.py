"""The comparison of suites itself, with a small suite in the place of a real one."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.programs import PYTEST, ran
from tests.suites.__main__ import HERE, report
from tests.suites.comparing import Difference, compared

PASSED = {"outcome": "passed", "message": ""}
FAILED = {"outcome": "failed", "message": "assert 1 == 2"}


def test_what_comes_out_alike_is_no_difference() -> None:
    assert compared({"a": PASSED, "b": FAILED}, {"a": PASSED, "b": FAILED}, {}).differences == []


def test_each_difference_has_its_message_and_its_reason() -> None:
    plain, cached = {"a[1]": PASSED, "b": FAILED, "c": PASSED}, {"a[1]": FAILED, "b": PASSED}
    found = compared(plain, cached, {"a[1]": "it compares all headers", "d*": "gone"})
    assert found.differences == [
        Difference("a[1]", "passed", "failed", "assert 1 == 2", "it compares all headers"),
        Difference("b", "failed", "passed", "assert 1 == 2", None),
        Difference("c", "passed", "absent", "", None),
    ]
    assert [each.test for each in found.unexplained] == ["b", "c"]
    assert found.idle == ["d*"]
    text = "\n".join(report("x", {"package": "x==1"}, found, {"hits": 2}))
    assert "2 passed; with the cache 3 differ" in text
    assert "a[1]: passed without, failed with: it compares all headers" in text
    assert "b: failed without, passed with: NO REASON IS KNOWN" in text


def test_the_files_name_the_same_suites() -> None:
    suites = tomllib.loads((HERE / "suites.toml").read_text("utf-8"))
    differences = tomllib.loads((HERE / "differences.toml").read_text("utf-8"))
    assert differences.keys() <= suites.keys()
    assert all(reason for reasons in differences.values() for reason in reasons.values())


SUITE = """
import httpx, pytest

def test_passes():
    pass

def test_fails():
    assert 1 == 2

@pytest.mark.skip
def test_is_skipped():
    pass

@pytest.mark.xfail
def test_fails_as_expected():
    assert 1 == 2

@pytest.mark.parametrize("number", [1, 2])
def test_asks_twice(number):
    answers = iter(range(9))

    def answer(request):
        return httpx.Response(200, json={"choices": [{"finish_reason": "stop", "message": {"content": next(answers)}}]})

    transport = httpx.MockTransport(answer)
    url = "https://api.openai.com/v1/chat/completions"
    with httpx.Client(transport=transport) as client:
        got = [client.post(url, json={"model": "m"}).json() for _ in range(2)]
    assert got[0] != got[1]
"""


@pytest.mark.parametrize("cached", [False, True], ids=["plain", "cached"])
def test_the_plugin_notes_each_test_and_each_has_a_cache_of_its_own(cached: bool, tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    out = tmp_path / "out.json"
    shutil.copy(HERE / "plugin" / "wirecache_suites.py", tmp_path)
    arguments = [
        "-p",
        "wirecache_suites",
        "-p",
        "no:wirecache",
        "--suite-outcomes",
        str(out),
        *["--suite-cache"] * cached,
    ]
    done = ran("-m", "pytest", "-q", *arguments, "test_suite.py", cwd=tmp_path, imports=PYTEST)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads(out.read_text())
    outcomes = {name.partition("::")[2]: each["outcome"] for name, each in found["outcomes"].items()}
    twice = "failed" if cached else "passed"  # the second answer is the first one
    assert outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_is_skipped": "skipped",
        "test_fails_as_expected": "xskipped",
        "test_asks_twice[1]": twice,
        "test_asks_twice[2]": twice,
    }
    assert found["calls"].get("hits", 0) == 2 * cached
