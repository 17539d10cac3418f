"""Limits, scope and window of a budget."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from wirecache._core.rules.budget import PICO, Budget, is_local, window_of
from wirecache.errors import ConfigError


@pytest.mark.parametrize("usd", [2.5, "2.50", "$2.50", Decimal("2.5")])
def test_dollars_are_exact(usd: Any) -> None:
    assert Budget(usd=usd).limits == {"usd": 25 * PICO // 10}


def test_a_float_is_the_amount_that_is_written() -> None:
    assert Budget(usd=0.1).limits == {"usd": PICO // 10}


def test_several_limits() -> None:
    assert Budget(usd=1, calls=2, tokens=3).limits == {"usd": PICO, "calls": 2, "tokens": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^Budget: usd, calls or tokens must be given; a budget without a limit has no effect$"),
        ({"usd": 9_000_000.01}, "usd must be"),
        ({"calls": 2**62}, "calls must be"),
        ({"usd": 1, "warn_at": True}, "warn_at must be"),
        ({"usd": 1, "warn_at": 1.1}, "warn_at must be"),
        ({"usd": 1, "warn_at": "1"}, "warn_at must be"),
        ({"usd": "a lot"}, "usd must be an amount of dollars from 0 to 9000000, such as 2.50, got 'a lot'"),
        ({"usd": -1}, "usd must be"),
        ({"usd": float("nan")}, "usd must be"),
        ({"usd": float("inf")}, "usd must be"),
        ({"usd": True}, "usd must be"),
        ({"calls": 1.5}, "calls must be an integer of at least 0, got 1.5"),
        ({"calls": -1}, "calls must be"),
        ({"tokens": True}, "tokens must be"),
        ({"usd": 1, "window": "week"}, "window must be 'run' or 'day' or 'month', got 'week'"),
        ({"usd": 1, "unpriced": "guess"}, "unpriced must be 'refuse' or 'allow', got 'guess'"),
        ({"usd": 1, "warn_at": 0}, "warn_at must be above 0 and at most 1"),
        ({"usd": 1, "warn_at": 80}, "warn_at must be"),
        ({"usd": 1, "model": None}, "model must be a string, got None"),
    ],
)
def test_a_wrong_parameter_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Budget(**options)


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({"usd": 0, "warn_at": 1}, {"usd": 0}),
        ({"usd": 9_000_000}, {"usd": 9_000_000 * PICO}),
        ({"calls": 0}, {"calls": 0}),
        ({"tokens": 2**62 - 1}, {"tokens": 2**62 - 1}),
    ],
)
def test_the_smallest_and_the_largest_limits(options: dict[str, Any], limits: dict[str, int]) -> None:
    assert Budget(**options).limits == limits


def test_the_scope_is_a_glob_of_namespace_and_model() -> None:
    budget = Budget(calls=1, namespace="team-*", model="gpt-4o*")
    assert budget.covers("team-a", "gpt-4o-mini")
    assert not budget.covers("other", "gpt-4o-mini")
    assert not budget.covers("team-a", "o3")
    assert Budget(calls=1).covers("", "")


NOON = 1_796_126_400.0  # 2026-12-01 12:00 UTC


def test_each_window_has_a_counter_of_its_own() -> None:
    assert (window_of("day", NOON), window_of("month", NOON)) == ("2026-12-01", "2026-12")
    day, month = Budget(usd=1, window="day"), Budget(usd=1, window="month")
    assert day.counter(NOON, "r") != day.counter(NOON + 86_400, "r")
    assert month.counter(NOON, "r") == month.counter(NOON + 86_400, "r") != month.counter(NOON + 31 * 86_400, "r")
    assert Budget(usd=1).counter(NOON, "r") == Budget(usd=1).counter(NOON + 31 * 86_400, "r") != Budget(usd=1).counter(NOON, "s")
    assert Budget(usd=1).kept_for < day.kept_for < month.kept_for


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process cannot be changed")
@pytest.mark.parametrize("zone", ["XXX+11", "XXX-13"])
def test_a_day_is_one_of_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", zone)
        time.tzset()
        days = [window_of("day", NOON + hours * 3_600) for hours in (-12, 0, 11)]
    time.tzset()
    assert days == ["2026-12-01"] * 3


def test_a_counter_says_its_window_and_its_scope() -> None:
    # It is stored: a counter of another name would begin at 0.
    assert Budget(usd=1, namespace="a", model="b", name="c").counter(NOON, "r") == "run:r:a\x1fb\x1fc"
    assert Budget(usd=1, window="day").counter(NOON, "r") == "day:2026-12-01:*\x1f*\x1f"


def test_what_limits_the_same_calls_counts_together_whatever_the_limit() -> None:
    assert Budget(usd=1).counter(NOON, "r") == Budget(usd=2, calls=5).counter(NOON, "r")
    others = [Budget(usd=1, model="m*"), Budget(usd=1, namespace="n*"), Budget(usd=1, name="n*")]
    assert len({budget.counter(NOON, "r") for budget in [Budget(usd=1), *others]}) == 4


@pytest.mark.parametrize(
    ("host", "socket", "model", "local"),
    [
        ("localhost", "", "llama3.2", True),
        ("127.0.0.1", "", "qwen2.5:7b", True),
        ("[::1]", "", "gpt-oss:20b", True),
        ("192.168.1.20", "", "deepseek-r1:8b", True),
        ("box.local", "", "mistral", True),
        ("Llm.Localhost.", "", "mistral", True),
        ("localhostX", "", "mistral", False),
        ("Xlocalhost", "", "mistral", False),
        (".localhost.example", "", "mistral", False),
        ("example.com", "/run/llm.sock", "llama3.2", True),
        ("api.openai.com", "", "llama3.2", False),
        ("8.8.8.8", "", "llama3.2", False),
        ("localhost", "", "gpt-4o", False),  # a gateway
        ("localhost", "", "openai/gpt-4o", False),
        ("127.0.0.1", "", "claude-sonnet-4-5", False),
        ("127.0.0.1", "", "gemini-2.5-pro", False),
        ("127.0.0.1", "", "o3", False),
        ("127.0.0.1", "", "text-embedding-3-small", False),
        ("127.0.0.1", "", "olmo-2", True),
    ],
)
def test_a_model_on_this_machine_is_billed_by_nobody(host: str, socket: str, model: str, local: bool) -> None:
    assert is_local(host, socket, model) is local
