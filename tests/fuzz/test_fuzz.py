"""What the search has found stays mended, and the search itself works: a few cases of each target. ``make fuzz`` tries more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz import __main__ as fuzz
from tests.fuzz.target import CORPUS, Fixture, Target, from_json, to_json
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(CORPUS.glob("*.json"))])
def test_what_was_found(path: Path) -> None:
    fixture = Fixture.read(path)
    TARGETS[fixture.target].check(fixture.case)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_few_cases(target: Target) -> None:
    @settings(
        max_examples=5, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(target.cases)
    def attempt(case: Any) -> None:
        assert repr(from_json(to_json(case))) == repr(plain(case)), "a fixture could not hold it"
        target.check(case)

    attempt()


def plain(value: Any) -> Any:
    """The case with lists in place of tuples."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def below_seven(number: int) -> None:
    assert number < 7, f"{number} is too much"


def test_a_find_is_a_fixture_and_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "fixtures" / "fuzz")
    monkeypatch.setattr(
        fuzz, "TARGETS", {"numbers": Target("numbers", st.integers(0), below_seven), "nothing": Target("nothing", st.none(), id)}
    )
    (tmp_path / "fixtures").mkdir()
    monkeypatch.setattr("sys.argv", ["fuzz", "numbers", "--seconds", "60", "--seed", "1"])
    assert fuzz.main() == 1
    (path,) = (tmp_path / "fixtures" / "fuzz").iterdir()
    assert Fixture.read(path) == Fixture("numbers", 7)
    printed = capsys.readouterr().out
    assert f"fixtures/fuzz/{path.name}" in printed.splitlines()[-1]
    assert "7 is too much" in printed
    monkeypatch.setattr("sys.argv", ["fuzz", "nothing", "--seconds", "0"])
    assert fuzz.main() == 0
    monkeypatch.setattr("sys.argv", ["fuzz", "numbers", "--seconds", "0"])
    assert fuzz.main() == 1, "what was found before is tried first"
