"""A recording that cannot be read fails the test that asked for it, even if the code under test goes on without an answer."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeTests, Project


@pytest.mark.parametrize("handler", ["Exception", "BaseException"])
def test_it_is_named_and_fails_the_test(project: Project, tests: MakeTests, handler: str) -> None:
    tests(f"@pytest.mark.wirecache\ndef test_one():\n    try:\n        ask()\n    except {handler}:\n        pass\n")
    project.run("--wirecache-record=once", passed=1)
    (path,) = (path for path in project.path.rglob("*.json") if path.name != "cassette.schema.json")
    path.write_text("{")
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert f"{path.name} is not valid JSON" in result.stdout.str()
