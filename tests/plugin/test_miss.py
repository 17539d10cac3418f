"""A request without a recording fails its test, whatever the code under test does with the exception."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import MakeTests, Project

AGENT = """
import os
from openai import OpenAI

client = OpenAI(base_url=os.environ["URL"] + "/v1", api_key="k")

def answer(text):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}]).choices[0].message.content
"""
SDK = """
import os
import pytest
from agent import answer

@pytest.mark.wirecache
@pytest.mark.parametrize("at", [0])
def test_agent(at):
    assert answer(os.environ["ASK"]) == "hi"
"""


def test_what_a_user_sees(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has each line of the user's code, and none of the SDK, the HTTP library or wirecache."""
    project.write("agent.py", AGENT)
    project.write("tests/test_x.py", SDK)
    monkeypatch.setenv("PYTHONPATH", str(project.path), prepend=":")
    monkeypatch.setenv("ASK", "What is the capital of France?")
    project.run("--wirecache-record=once", passed=1)
    (recording,) = (path.name for path in project.path.rglob("chat*.json"))
    monkeypatch.setenv("ASK", "What is the capital of Spain?")
    result = project.run("--show-capture=no", failed=1)
    shown = re.sub(r"_{20,}.*", "", result.stdout.str().partition("= FAILURES =")[2])
    lines = [line.rstrip() for line in shown.splitlines() if line.startswith(("E", "tests", "agent", "/"))]
    url = f"{project.provider.url}/v1/chat/completions"
    assert lines == [
        "tests/test_x.py:9:",
        "E       wirecache.NotRecorded: The cassette tests/cassettes/test_x/test_agent-0 has no recording of "
        f"POST {url} of model 'm' (record mode none). Nothing was sent.",
        f"E       The nearest recording, {recording}, differs in:",
        'E         /messages/0/content: "...t is the capital of France?" -> "...t is the capital of Spain?"',
        'E       To record it: pytest "tests/test_x.py::test_agent[0]" --wirecache-record=new_episodes',
        "agent.py:8: NotRecorded",
    ]
    assert project.provider.calls == 1
    result.stdout.fnmatch_lines(["wirecache: 0 replayed, 0 recorded, 0 live, 0 unused, 1 missing"])


def test_the_command_in_the_message_records_it(project: Project, tests: MakeTests) -> None:
    tests("@pytest.mark.wirecache\n@pytest.mark.parametrize('text', ['a b', '$x'])\ndef test_a(text):\n    assert ask(text) == 'hi'")
    shown = project.run("--show-capture=no", failed=2).stdout.str()
    for command in re.findall(r"^E +To record it: pytest (.*)$", shown, re.MULTILINE):
        import shlex

        assert project.line(*shlex.split(command), passed=1) == "0 replayed, 1 recorded, 0 live, 0 unused"
    project.run(passed=2)


WAYS = """
import asyncio, threading, unittest
from concurrent.futures import ThreadPoolExecutor

pytestmark = pytest.mark.wirecache
ended = []

class TestSwallowed:
    def test_except_exception(self):
        try:
            ask()
        except Exception:
            pass

    def test_bare_except(self):
        try:
            ask()
        except:
            pass

    def test_retries(self):
        for _ in range(3):
            try:
                return ask()
            except BaseException:
                pass

    def test_thread(self):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    def test_pool_whose_result_nobody_reads(self):
        with ThreadPoolExecutor() as pool:
            pool.submit(ask)

    def test_pool(self):
        with ThreadPoolExecutor() as pool:
            pool.submit(ask).result()

    def test_another_failure_comes_of_it(self):
        answer = None
        try:
            answer = ask()
        except BaseException:
            pass
        assert answer == "hi"

class TestLoops:
    def test_run(self):
        asyncio.run(ask_async())

    def test_task_that_nobody_awaits(self):
        async def main():
            task = asyncio.create_task(ask_async())
            await asyncio.wait([task])
            task.exception()
        asyncio.run(main())

    def test_gather_with_exceptions(self):
        async def main():
            await asyncio.gather(ask_async(), ask_async(), return_exceptions=True)
        asyncio.run(main())

    def test_group(self):
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(ask_async())
                group.create_task(asyncio.sleep(60))
        asyncio.run(main())

    @pytest.mark.anyio
    async def test_anyio_group(self):
        import anyio
        async with anyio.create_task_group() as outer, anyio.create_task_group() as inner:
            inner.start_soon(ask_async)
            outer.start_soon(anyio.sleep, 60)

    @pytest.fixture(scope="class")
    async def in_the_same_loop(self, anyio_backend):
        yield
        ended.append(anyio_backend)

    @pytest.mark.anyio
    async def test_anyio_group_in_a_loop_that_goes_on(self, in_the_same_loop):
        import anyio
        async with anyio.create_task_group() as group:
            group.start_soon(ask_async)

    @pytest.mark.anyio
    async def test_anyio_thread(self):
        import anyio.to_thread
        await anyio.to_thread.run_sync(ask)

class TestUnit(unittest.TestCase):
    def test_unit(self):
        ask()

    def test_unit_swallowed(self):
        with self.assertRaises(BaseException):
            ask()

class TestUnitSetUp(unittest.TestCase):
    def setUp(self):
        ask()

    def test_set_up(self):
        pass

class TestUnitAsync(unittest.IsolatedAsyncioTestCase):
    async def test_unit_async(self):
        await ask_async()

def test_loops_ended():
    assert ended == ["asyncio", "trio"]
"""
FIXTURES = """
pytestmark = pytest.mark.wirecache
ended = []

@pytest.fixture
def outer():
    yield
    ended.append("outer")

@pytest.fixture
def asks(outer):
    ask()

def test_of_setup(asks): pass

@pytest.fixture
def asks_at_end(outer):
    yield
    ask()

def test_of_teardown(asks_at_end): pass

@pytest.fixture(scope="module")
def shared():
    ask()

def test_of_shared(shared): pass
def test_of_shared_again(shared): pass

@pytest.fixture(scope="class")
def shared_end():
    yield
    ask()

class TestClass:
    def test_last_of_class(self, shared_end): pass

def test_goes_on():
    assert ended == ["outer", "outer"]
"""


def test_a_swallowed_miss_fails_the_test(project: Project, tests: MakeTests) -> None:
    """In threads, tasks and groups of tasks; and the session continues."""
    tests(WAYS)
    result = project.run("-W", "ignore", "--show-capture=no", failed=21, passed=1)
    shown = result.stdout.str()
    assert shown.count("/chat/completions of model 'm' (record mode none). Nothing was sent.\nE  ") >= 10
    assert "openai" not in shown
    assert "site-packages" not in shown
    for test in re.findall(r"^FAILED (\S+?)(?: - .*)?$", shown, re.MULTILINE):
        assert f'To record it: pytest "{test}" --wirecache-record=new_episodes' in shown
    assert project.provider.calls == 0


def test_a_miss_in_a_fixture_does_not_stop_the_teardown(project: Project, tests: MakeTests) -> None:
    tests(FIXTURES)
    result = project.run("--show-capture=no", errors=5, passed=3)
    assert "previous item was not torn down" not in result.stdout.str()
    assert sum(line.startswith("E ") and "The cassette cassettes/test_x/fixture-shared " in line for line in result.outlines) == 2


def test_processes_of_xdist_report_it_too(project: Project, tests: MakeTests) -> None:
    tests("pytestmark = pytest.mark.wirecache\n\ndef test_a():\n    ask()\n\ndef test_b():\n    try: ask()\n    except BaseException: pass")
    result = project.run("-n2", "--show-capture=no", failed=2)
    missing = "The cassette cassettes/test_x/%s has no recording of POST *"
    result.stdout.fnmatch_lines([f"E * wirecache.NotRecorded: {missing % 'test_a'}"])
    result.stdout.fnmatch_lines([f"  test_x.py::test_b: {missing % 'test_b'}", "wirecache: * 2 missing"])


SOFT = """
pytestmark = pytest.mark.wirecache

def test_warm_up():
    assert client.get(URL.replace("chat/completions", "models")).status_code == 424

@pytest.mark.wirecache(miss="respond")
def test_of_the_answer():
    answer = client.post(URL, json=body())
    assert answer.status_code == 424
    assert answer.json()["error"]["code"] == "not_recorded"

@pytest.mark.xfail
def test_expected_to_fail():
    ask()
"""


def test_a_get_is_answered_and_reported(project: Project, tests: MakeTests) -> None:
    """SDKs send GETs when they are created, and work without an answer. With ``miss="respond"`` every miss is answered with 424."""
    tests(SOFT)
    result = project.run(passed=2, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "no recording:",
            "  test_x.py::test_warm_up: The cassette cassettes/test_x/test_warm_up has no recording of GET *",
            "  test_x.py::test_of_the_answer: The cassette cassettes/test_x/test_of_the_answer has no recording of POST *",
            "wirecache: 0 replayed, 0 recorded, 0 live, 0 unused, 3 missing",
        ]
    )
    assert project.provider.calls == 0


def test_full_trace_shows_the_whole_traceback(project: Project, tests: MakeTests) -> None:
    tests("@pytest.mark.wirecache\ndef test_a():\n    ask()")
    assert "httpx/_client.py" in project.run("--full-trace", failed=1).stdout.str()


def test_a_miss_under_hypothesis(project: Project, tests: MakeTests) -> None:
    tests(
        "from hypothesis import given, settings, strategies as st\n\n"
        "@pytest.mark.wirecache\n@settings(max_examples=3, database=None, derandomize=True)\n@given(st.sampled_from(['a', 'b']))\n"
        "def test_a(text):\n    ask(text)"
    )
    result = project.run("--show-capture=no", failed=1)
    assert "NotRecorded: The cassette cassettes/test_x/test_a has no recording of POST" in result.stdout.str()
