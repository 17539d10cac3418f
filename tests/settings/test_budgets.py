"""Budgets as text and in the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stores.two_methods import TwoMethods
from wirecache import Budget, Cache, ConfigError
from wirecache._settings.parsers import budget_text, budgets_text, parse_budgets


@pytest.mark.parametrize(
    ("text", "budgets"),
    [
        ("2.50", (Budget(usd="2.50"),)),
        ("$2.50", (Budget(usd="2.50"),)),
        ("usd=20, window=month, warn_at=0.5", (Budget(usd=20, window="month", warn_at=0.5),)),
        ("calls=5; tokens=100, model=gpt-4*, unpriced=allow", (Budget(calls=5), Budget(tokens=100, model="gpt-4*", unpriced="allow"))),
        ("", ()),
    ],
)
def test_text(text: str, budgets: tuple[Budget, ...]) -> None:
    assert parse_budgets(text, "budget") == budgets
    assert parse_budgets(budgets_text(budgets), "budget") == budgets


def test_a_limit_of_zero_is_a_text_too() -> None:
    for budget in (Budget(calls=0), Budget(usd=1, calls=0), Budget(usd=0, calls=0, tokens=0)):
        assert parse_budgets(budget_text(budget), "budget") == (budget,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("much", "Budget: usd must be an amount of dollars"),
        ("calls=x", "WIRECACHE_BUDGET: calls must be a number, got 'x'"),
        ("dollars=5", "WIRECACHE_BUDGET must be an amount of dollars such as 2.50, or have usd"),
        ("5, 6", "once each"),
        ("usd=5, window=week", "window must be 'run' or 'day' or 'month', got 'week'"),
    ],
)
def test_a_wrong_text_is_named(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_BUDGET", text)
    with pytest.raises(ConfigError, match=message):
        Cache("memory://")


def test_a_name_that_no_text_can_have() -> None:
    with pytest.raises(ConfigError, match="name must have no comma"):
        budget_text(Budget(calls=1, name="a, b"))


def budgets_of(cache: Cache) -> list[Budget]:
    with cache:
        return [spending.budget for spending in cache.spending()]


@pytest.mark.parametrize(
    ("file", "budgets"),
    [
        ("[budget]\nusd = 2.5\nwindow = 'day'\n", [Budget(usd="2.5", window="day")]),
        ("[[budget]]\ncalls = 5\n[[budget]]\nusd = '1.10'\nmodel = 'gpt-*'\n", [Budget(calls=5), Budget(usd="1.10", model="gpt-*")]),
        ("mode = 'auto'\n", []),
    ],
)
def test_the_settings_file(file: str, budgets: list[Budget], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirecache.toml").write_text(file)
    monkeypatch.chdir(tmp_path)
    assert budgets_of(Cache("memory://")) == budgets
    assert budgets_of(Cache("memory://", budget=None)) == []
    monkeypatch.setenv("WIRECACHE_BUDGET", "7")
    assert budgets_of(Cache("memory://")) == [Budget(usd=7)]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("[budget]\nusd = -1\n", "usd must be an amount of dollars"),
        ("[budget]\ndollars = 1\n", "dollars is not a setting; allowed: usd, calls"),
        ("[budget]\nwindow = 'day'\n", "usd, calls or tokens must be given"),
    ],
)
def test_a_wrong_value_in_the_settings_file_is_named(file: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirecache.toml").write_text(file)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        Cache("memory://")


@pytest.mark.parametrize("given", [5, ["5"], [Budget(usd=1), None]])
def test_a_wrong_argument_is_named(given: Any) -> None:
    with pytest.raises(ConfigError, match="budget must be a Budget, or a list of them"):
        Cache("memory://", budget=given)


def test_dollars_need_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def refusing(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "genai_prices":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(ConfigError, match=r"a budget in dollars needs the prices extra: pip install 'wirecache\[prices\]'"):
        Cache("memory://", budget=Budget(usd=1))
    Cache("memory://", budget=Budget(calls=1)).close()


def test_a_store_that_cannot_count_says_so_and_where_it_is_counted(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    from tests.stores.upstream import Model

    model = Model()
    with Cache(TwoMethods(), budget=Budget(calls=1)) as cache:
        assert caplog.messages == []
        assert [model.ask(cache, str(number)).status_code for number in range(3)] == [200, 424, 424]
    (notice,) = [message for message in caplog.messages if "cannot count" in message]
    assert f"so budgets are counted in DiskStore('{tmp_path / 'default-store'}')" in notice
