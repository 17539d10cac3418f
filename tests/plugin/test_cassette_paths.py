"""Names of directories, the command that records, and how the plugin works beside others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugin.conftest import MakeTests, Project
from wirecache._pytest.cassette_paths import safe_name
from wirecache._pytest.cassette_use import record_command


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("test_a", "test_a"),
        ("TestA.test_a", "TestA.test_a"),
        ("test_a[gpt-4o]", "test_a-gpt-4o"),
        ("test_a[a/b c]", "test_a-a-b-c-"),
        ("test_a[é]", "test_a-"),
        ("test_a[" + "x" * 200 + "]", "test_a-" + "x" * 73 + "-"),
    ],
)
def test_a_name_stays_readable(name: str, safe: str) -> None:
    result = safe_name(name)
    assert result.startswith(safe)
    assert len(result) in ([len(safe)] if not safe.endswith("-") else [len(safe) + 8, len(safe) + 9])


@given(st.text(), st.text())
def test_two_names_are_never_one(one: str, other: str) -> None:
    names = [f"test_a[{one}]", f"test_a[{other}]"]
    assert (safe_name(names[0]) == safe_name(names[1])) == (one == other)
    assert (len({safe_name(name, always_distinct=True).lower() for name in names}) == 1) == (one == other)
    assert all(set(safe_name(name)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") for name in names)


CASES = """
pytestmark = pytest.mark.wirecache

@pytest.mark.parametrize("name", ["x", "X", "xY", "Xy"])
def test_a(name): ask()

class TestX:
    def test_a(self): ask()

class Testx(TestX): pass
"""


def test_names_that_differ_in_case_only_are_two_directories_on_every_file_system(project: Project, tests: MakeTests) -> None:
    tests(CASES)
    project.run("--wirecache-record=once", passed=6)
    found = sorted(path.name for path in (project.path / "cassettes/test_x").iterdir())
    assert len({name.lower() for name in found}) == 6
    assert {"test_a-x", "TestX.test_a"} < set(found)
    project.run(passed=6)
    assert sorted(path.name for path in (project.path / "cassettes/test_x").iterdir()) == found


def test_what_was_recorded_under_a_name_with_capitals_stays_there(project: Project, tests: MakeTests) -> None:
    tests(CASES)
    project.run("--wirecache-record=once", passed=6)
    folder = project.path / "cassettes/test_x"
    (distinct,) = folder.glob("test_a-X-*")
    distinct.rename(folder / "test_a-X")
    project.run("test_x.py::test_a[X]", passed=1)
    assert not list(folder.glob("test_a-X-*"))


@pytest.mark.parametrize(
    ("nodeid", "quoted"),
    [("t.py::test_a[b c]", '"t.py::test_a[b c]"'), ("t.py::test_a[$x]", "'t.py::test_a[$x]'"), ('t.py::test_a["]', "'t.py::test_a[\"]'")],
)
def test_a_command_can_be_pasted_into_a_shell(nodeid: str, quoted: str) -> None:
    assert record_command(nodeid) == f"pytest {quoted} --wirecache-record=new_episodes"


def test_a_redactor_is_the_only_one(project: Project, tests: MakeTests) -> None:
    """Patterns add up; a pattern that a ``Redactor`` does not have must not be lost silently."""
    tests(
        "from wirecache import Redactor\n\npytestmark = pytest.mark.wirecache(redact='x+')\n\n"
        "@pytest.mark.wirecache(redact=Redactor(names=['plan']))\ndef test_a(): pass"
    )
    assert "put all patterns into it, or give patterns only" in project.run(errors=1).stdout.str()


def test_it_works_beside_respx(project: Project, tests: MakeTests) -> None:
    """A cassette that records sends to the mock; without the marker nothing changes."""
    tests(
        "import respx\n\n"
        "def mocked(answer):\n"
        "    mock = respx.mock(assert_all_called=False)\n"
        "    mock.post(URL).respond(json={'choices': [{'message': {'content': answer}}]})\n"
        "    return mock\n\n"
        "def test_before():\n    with mocked('before'): assert ask() == 'before'\n\n"
        "@pytest.mark.wirecache\ndef test_with():\n    with mocked('with'): assert ask() == 'with'\n\n"
        "def test_after():\n    with mocked('after'): assert ask() == 'after'\n"
    )
    assert project.line("--wirecache-record=once", passed=3) == "0 replayed, 1 recorded, 0 live, 0 unused"
    assert project.line(passed=3) == "1 replayed, 0 recorded, 0 live, 0 unused"
    assert project.provider.calls == 0
