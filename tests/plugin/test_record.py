"""A test with the marker records, and replays without a network; the options of the marker and of the command line."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeTests, Project
from wirecache._pytest.cassette_paths import safe_name

SHAPES = """
import unittest

pytestmark = pytest.mark.wirecache

@pytest.fixture(scope="session")
def session_client():
    return httpx.Client(verify=False)

def test_import_time_client():
    assert ask("a") == "hi"

def test_session_client(session_client):
    assert session_client.post(URL, json=body("b")).status_code == 200

@pytest.mark.parametrize("model", ["gpt-4o", "org/model 1"])
def test_parameters(model):
    assert ask(model) == "hi"

class TestClass:
    class TestInner:
        def test_method(self):
            assert ask("c") == "hi"

class TestUnit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answer = ask("class")

    def setUp(self):
        assert ask("set up") == "hi"

    def tearDown(self):
        assert ask("tear down") == "hi"

    def test_unit(self):
        assert self.answer == ask("d") == "hi"

@pytest.fixture
def own():
    yield ask("fixture")
    ask("its end")

def test_fixture(own):
    assert own == "hi"

@pytest.mark.anyio
async def test_anyio():
    assert await ask_async("e") == "hi"
"""


def test_it_records_once_and_replays_without_a_network(project: Project, tests: MakeTests) -> None:
    tests(SHAPES)
    assert project.line("--wirecache-record=once", passed=9) == "0 replayed, 13 recorded, 0 live, 0 unused"
    calls = project.provider.calls
    assert project.recordings() == sorted(
        [
            "cassettes/test_x/TestClass.TestInner.test_method",
            "cassettes/test_x/fixture-TestUnit._unittest_setUpClass_fixture_TestUnit",
            *["cassettes/test_x/TestUnit.test_unit"] * 3,
            "cassettes/test_x/test_anyio-asyncio",
            "cassettes/test_x/test_anyio-trio",
            *["cassettes/test_x/test_fixture"] * 2,
            "cassettes/test_x/test_import_time_client",
            "cassettes/test_x/test_parameters-gpt-4o",
            f"cassettes/test_x/{safe_name('test_parameters[org/model 1]')}",
            "cassettes/test_x/test_session_client",
        ]
    )
    assert (project.path / "cassettes/cassette.schema.json").exists()
    project.provider.close()
    assert project.line(passed=9) == "13 replayed, 0 recorded, 0 live, 0 unused"
    assert project.provider.calls == calls


def test_without_a_recording_nothing_is_sent(project: Project, tests: MakeTests) -> None:
    tests(SHAPES)
    assert project.line() == "0 replayed, 0 recorded, 0 live, 0 unused, 9 missing"
    assert project.provider.calls == 0


def test_a_session_without_the_marker_is_left_alone(project: Project, tests: MakeTests) -> None:
    """Nothing is printed, and nothing but the plugin is imported."""
    tests(
        "import sys\n\n"
        "def test_live():\n"
        "    assert ask() == 'hi'\n"
        "    loaded = {name for name in sys.modules if name.startswith('wirecache._')}\n"
        "    assert loaded <= {'wirecache._core', 'wirecache._core.version'}\n"
    )
    result = project.run("--strict-markers", "-W", "error", new=True, passed=1)
    assert "wirecache" not in result.stdout.str().replace("plugins:", "").partition("test_x.py")[2]
    assert project.provider.calls == 1


ENDS = """
pytestmark = pytest.mark.wirecache

def test_passes():
    ask("1")

def test_fails():
    ask("2")
    assert False

@pytest.fixture
def broken():
    ask("3")
    raise OSError

def test_setup(broken): pass

@pytest.fixture
def breaks():
    yield
    ask("4")
    raise OSError

def test_teardown(breaks):
    ask("5")

def test_skips():
    ask("6")
    pytest.skip()

@pytest.mark.xfail(strict=True)
def test_expected():
    ask("7")
    assert False

@pytest.mark.xfail(strict=True)
def test_unexpected():
    ask("8")
"""


def test_a_test_that_fails_records_nothing(project: Project, tests: MakeTests) -> None:
    """An expected failure is a pass; a skipped test records nothing."""
    tests(ENDS)
    line = project.line("--wirecache-record=all", passed=2, failed=2, errors=2, skipped=1, xfailed=1)
    assert line == "0 replayed, 2 recorded, 6 live, 0 unused"
    assert project.recordings() == ["cassettes/test_x/test_expected", "cassettes/test_x/test_passes"]


def test_a_failing_test_records_with_keep_failed(project: Project, tests: MakeTests) -> None:
    tests(ENDS)
    line = project.line("--wirecache-record=all", "--wirecache-keep-failed", passed=2, failed=2, errors=2, skipped=1, xfailed=1)
    assert line == "0 replayed, 7 recorded, 1 live, 0 unused"
    assert "cassettes/test_x/test_skips" not in project.recordings()


def test_a_failed_test_keeps_the_old_recording(project: Project, tests: MakeTests) -> None:
    """In the modes that record anew."""
    tests("import os\n\n@pytest.mark.wirecache\ndef test_a():\n    assert ask(os.environ.get('ASK', 'hi')) == os.environ.get('WANT', 'hi')")
    project.run("--wirecache-record=once", passed=1)
    project.pytester._monkeypatch.setenv("WANT", "else")
    project.run("--wirecache-record=rewrite", failed=1)
    project.pytester._monkeypatch.delenv("WANT")
    project.run(passed=1)


# -- settings ---------------------------------------------------------------------------------------------------------

MODES = """
@pytest.mark.wirecache
def test_plain(cassette):
    print("plain:", cassette.record_mode)

@pytest.mark.wirecache(record_mode="once")
def test_marked(cassette):
    print("marked:", cassette.record_mode)
"""


@pytest.mark.parametrize(
    ("options", "ini", "environment", "plain", "marked"),
    [
        pytest.param([], "", "", "none", "once", id="default"),
        pytest.param([], "all", "", "all", "once", id="ini"),
        pytest.param([], "all", "new_episodes", "new_episodes", "once", id="environment before ini"),
        pytest.param(["--wirecache-record=rewrite"], "all", "none", "rewrite", "rewrite", id="command line before all"),
    ],
)
def test_precedence_of_the_record_mode(
    project: Project, tests: MakeTests, monkeypatch: pytest.MonkeyPatch,
    options: list[str], ini: str, environment: str, plain: str, marked: str,
) -> None:  # fmt: skip
    tests(MODES)
    project.write("pytest.ini", f"[pytest]\nwirecache_record = {ini}")
    monkeypatch.setenv("WIRECACHE_RECORD_MODE", environment)
    shown = project.run("-s", *options, passed=2).stdout.str()
    assert f"plain: {plain}" in shown
    assert f"marked: {marked}" in shown


def test_a_wrong_ini_value_is_a_usage_error(project: Project, tests: MakeTests) -> None:
    project.write("pytest.ini", "[pytest]\nwirecache_record = sometimes")
    error = project.run().stderr.str()
    assert "wirecache_record must be one of none, once, new_episodes, all, rewrite, fork, got 'sometimes' in" in error


LAYERS = """
from wirecache import KeyOptions

pytestmark = pytest.mark.wirecache("shared/agent", redact=r"PLAN-\\d+")

@pytest.fixture(scope="session")
def wirecache_config():
    return {"match": KeyOptions(ignore_body=("/user",)), "redact": [r"ROOM-\\d+"], "record_mode": "new_episodes"}

def send(user):
    return client.post(URL, json={**body("PLAN-17 in ROOM-4 by HAND-2"), "user": user}).status_code

@pytest.mark.wirecache(redact=r"HAND-\\d+")
def test_a(cassette):
    assert cassette.path.endswith("agent") and cassette.record_mode == "new_episodes"
    assert send("one") == 200

@pytest.mark.wirecache("elsewhere", match=KeyOptions())
def test_b(cassette):
    assert cassette.path.endswith("elsewhere")
    assert send("two") == 200

class TestC:
    pytestmark = pytest.mark.wirecache(record_mode="none")

    @pytest.mark.wirecache(redact=r"HAND-\\d+")
    def test_c(self, cassette):
        assert cassette.record_mode == "none"
        assert send("three") == 200
"""


def test_the_closest_marker_wins_and_patterns_of_secrets_add_up(project: Project, tests: MakeTests) -> None:
    tests(LAYERS)
    assert project.line(passed=3) == "1 replayed, 2 recorded, 0 live, 0 unused"
    assert project.recordings() == ["elsewhere", "shared/agent"]
    (text,) = (path.read_text() for path in (project.path / "shared/agent").glob("chat*.json"))
    assert not [secret for secret in ("PLAN-17", "ROOM-4", "HAND-2") if secret in text]


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (
            "mode='once'",
            "@pytest.mark.wirecache of test_x.py::test_a: options must be among ignore_hosts, ignore_localhost",
        ),
        ("record_mode='sometimes'", "record_mode must be one of none, once, new_episodes, all, rewrite, fork, got 'sometimes'"),
        ("'a', 'b'", "takes one positional argument, the path, got ('a', 'b'); all other options are keyword arguments"),
    ],
)
def test_a_wrong_marker_is_an_error_with_a_message(project: Project, tests: MakeTests, marker: str, message: str) -> None:
    tests(f"@pytest.mark.wirecache({marker})\ndef test_a():\n    ask()\n\ndef test_b(): pass")
    result = project.run(errors=1, passed=1)
    assert message in result.stdout.str()
    assert project.provider.calls == 0


CLIENTS = """
import asyncio

def test_client(cassette, cached_client):
    assert type(cached_client).__module__.startswith("httpx2")
    assert cached_client.post(URL, json=body("a")).status_code == 200
    assert cassette.report().recorded == 1

@pytest.mark.wirecache(library="httpx")
def test_of_the_other_library(cassette, cached_client):
    assert isinstance(cached_client, httpx.Client)
    assert cached_client.post(URL, json=body("a")).status_code == 200
    assert ask("b") == "hi"
    assert cassette.report().recorded == 2

def test_async_client(cached_async_client):
    async def main():
        async with cached_async_client as client:
            return await client.post(URL, json=body("a"))
    assert asyncio.run(main()).status_code == 200

@pytest.mark.wirecache(install=False)
def test_not_installed(cassette):
    assert ask("live") == "hi"
    assert cassette.report().recorded == 0

def test_openai(cached_client):
    from openai import OpenAI
    openai = OpenAI(base_url=URL.removesuffix("/chat/completions"), api_key="k", http_client=cached_client)
    assert openai.chat.completions.create(**body("a")).choices[0].message.content == "hi"
"""


def test_the_fixtures(project: Project, tests: MakeTests) -> None:
    """They work without the marker, which then leaves all other clients alone."""
    tests(CLIENTS)
    assert project.line("--wirecache-record=once", "-W", "error", passed=5) == "0 replayed, 5 recorded, 0 live, 0 unused"
    assert project.line(passed=3, failed=2) == "5 replayed, 0 recorded, 0 live, 0 unused"  # two tests count what they record
    assert project.provider.calls == 7  # the test with install=False sends again


def test_a_cassette_that_cannot_be_written_fails_the_test(project: Project, tests: MakeTests) -> None:
    tests("@pytest.mark.wirecache('chat.py/inside')\ndef test_a():\n    ask()")
    result = project.run("--wirecache-record=once")
    assert "CassetteError" in result.stdout.str()
    assert "chat.py" in result.stdout.str()


def test_an_anyio_test_of_one_parameter_with_the_marker(project: Project, tests: MakeTests) -> None:
    tests(
        "@pytest.mark.parametrize('text', ['a', pytest.param('b', marks=pytest.mark.wirecache)])\n"
        "def test_a(text):\n    assert ask(text) == 'hi'"
    )
    assert project.line("--wirecache-record=once", passed=2) == "0 replayed, 1 recorded, 0 live, 0 unused"
    assert project.recordings() == ["cassettes/test_x/test_a-b"]


WITHIN = """
APP_CALLS = []

def app(environ, start_response):
    APP_CALLS.append(1)
    start_response("200 OK", [("content-type", "application/json")])
    return [b'{"choices": [{"message": {"content": "' + str(len(APP_CALLS)).encode() + b'"}}]}']

def of_app():
    with httpx.Client(transport=httpx.WSGITransport(app)) as inside:
        return inside.post("http://testserver/v1/chat/completions", json=body("inside")).json()["choices"][0]["message"]["content"]
"""


def test_the_code_under_test_is_never_replayed(project: Project, tests: MakeTests) -> None:
    tests(
        WITHIN
        + """
@pytest.mark.wirecache
def test_both():
    assert ask("outside") == "hi"
    assert [of_app(), of_app()] == ["1", "2"]
    assert len(APP_CALLS) == 2
"""
    )
    assert project.line("--wirecache-record=once", passed=1) == "0 replayed, 1 recorded, 0 live, 0 unused"
    assert project.line(passed=1) == "1 replayed, 0 recorded, 0 live, 0 unused"
    assert len(project.recordings()) == 1


def test_the_marker_may_say_in_process(project: Project, tests: MakeTests) -> None:
    tests(
        WITHIN
        + """
@pytest.mark.wirecache(in_process=True)
def test_both():
    assert of_app() == "1"
"""
    )
    assert project.line("--wirecache-record=once", passed=1) == "0 replayed, 1 recorded, 0 live, 0 unused"
    assert project.line(passed=1) == "1 replayed, 0 recorded, 0 live, 0 unused"


def test_an_exporter_is_left_alone(project: Project, tests: MakeTests) -> None:
    tests(
        """
import threading

@pytest.mark.wirecache(ignore_localhost=True)
def test_with_an_exporter():
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    with pytest.raises(BaseException, match="has no recording"):
        client.post("http://provider.invalid/v1/chat/completions", json=body())
"""
    )
    project.run(failed=1)  # for the miss, which a test may not swallow
    assert project.provider.calls == 1
    tests("@pytest.mark.wirecache(ignore_hosts='127.*')\ndef test_a():\n    assert ask() == 'hi'")
    assert project.line(passed=1) == "0 replayed, 0 recorded, 1 live, 0 unused"


# -- forks ------------------------------------------------------------------------------------------------------------

THREE = """
@pytest.mark.wirecache
def test_three():
    assert [ask(text) for text in "abc"] == ["hi"] * 3
"""


def test_a_fork_of_a_test_is_beside_its_cassette(project: Project, tests: MakeTests) -> None:
    tests(THREE)
    assert project.line("--wirecache-record=once", passed=1).startswith("0 replayed, 3 recorded")
    assert project.line("--wirecache-record=fork", "--wirecache-from=2", passed=1) == "1 replayed, 2 recorded, 0 live, 0 unused"
    found = ["cassettes/test_x/test_three"] * 3 + ["cassettes/test_x/test_three-fork"] * 4  # and the file that names its parent
    assert project.recordings() == found
    assert project.line("--wirecache-unused=prune", passed=1) == "3 replayed, 0 recorded, 0 live, 0 unused"
    assert project.recordings() == found, "a fork is no left-over of a test that is gone"


def test_a_test_that_fails_writes_no_fork(project: Project, tests: MakeTests) -> None:
    tests(THREE)
    project.line("--wirecache-record=once", passed=1)
    tests(THREE.replace("* 3", "* 4"))
    project.line("--wirecache-record=fork", failed=1)
    assert len(project.recordings()) == 3


def test_the_step_of_a_fork_needs_a_fork(project: Project, tests: MakeTests) -> None:
    tests(THREE)
    result = project.run("--wirecache-from=2")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--wirecache-from needs --wirecache-record=fork"])
