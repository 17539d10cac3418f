from __future__ import annotations

from datetime import timedelta

import pytest

from wirecache import ConfigError
from wirecache._core.rules.plan import Mode
from wirecache._core.unset import UNSET
from wirecache._settings.sizes import parse_size
from wirecache._settings.sources import parse_duration, parse_mode, parse_text, setting


@pytest.mark.parametrize(
    ("given", "variable", "value"),
    [
        pytest.param(UNSET, None, Mode.AUTO, id="the default"),
        pytest.param(UNSET, "offline", Mode.OFFLINE, id="the variable over the default"),
        pytest.param("off", "offline", Mode.OFF, id="the argument over the variable"),
        pytest.param(UNSET, "", Mode.AUTO, id="an empty variable is none"),
    ],
)
def test_the_nearest_setting_wins(monkeypatch: pytest.MonkeyPatch, given: object, variable: str | None, value: Mode) -> None:
    if variable is not None:
        monkeypatch.setenv("WIRECACHE_MODE", variable)
    assert setting("mode", given, parse_mode, {}, Mode.AUTO) is value


def test_none_is_a_value_and_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_TTL", "5s")
    assert setting("ttl", None, parse_duration, {}, "7d") is None
    assert setting("ttl", UNSET, parse_duration, {}, "7d") == 5.0
    assert repr(UNSET) == "<unset>"


@pytest.mark.parametrize(("name", "value"), [("mode", "online"), ("ttl", "soon")])
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"WIRECACHE_{name.upper()}", value)
    parse = {"mode": parse_mode, "ttl": parse_duration}[name]
    with pytest.raises(ConfigError, match=f"WIRECACHE_{name.upper()}.*{value}.*allowed"):
        setting(name, UNSET, parse, {}, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["auto", "OFFLINE", Mode.REFRESH, "Off"])
def test_mode(value: str) -> None:
    assert parse_mode(value, "mode=") is Mode(str(value).lower())


@pytest.mark.parametrize("value", ["", "on", None, True, 1])
def test_a_wrong_mode_names_the_four(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^mode= is .*; allowed: auto, offline, refresh, off$"):
        parse_mode(value, "mode=")


def test_duration() -> None:
    assert [parse_duration(value, "ttl=") for value in (1, "2m", timedelta(days=1), None)] == [1.0, 120.0, 86_400.0, None]
    with pytest.raises(ConfigError, match=r"^ttl=: 'x' is no duration; allowed: seconds, "):
        parse_duration("x", "ttl=")


def test_text() -> None:
    assert parse_text("a", "namespace=") == "a"
    with pytest.raises(ConfigError, match="namespace= is 7; allowed: a text"):
        parse_text(7, "namespace=")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1, 1),
        (10**12, 10**12),
        ("500", 500),
        ("500b", 500),
        ("4GB", 4 * 10**9),
        (" 1.5 kb ", 1500),
        ("64 MiB", 64 * 2**20),
        ("1TB", 10**12),
        ("1MB", 10**6),
        ("2KiB", 2048),
        ("3GiB", 3 * 2**30),
    ],
)
def test_size(value: int | str, size: int) -> None:
    assert parse_size(value, "size_limit=") == size


@pytest.mark.parametrize("value", [0, -1, "", "GB", "4 XB", "4GBB", "x", True, "inf", "nan", "-4GB"])
def test_a_wrong_size_says_what_is_allowed(value: int | str) -> None:
    with pytest.raises(ConfigError, match=r'^size_limit= is .*; allowed: bytes, or a text such as "500MB"'):
        parse_size(value, "size_limit=")


def test_a_wrong_setting_is_also_a_value_error() -> None:
    assert issubclass(ConfigError, ValueError)
