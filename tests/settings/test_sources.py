from __future__ import annotations

import pytest

from wirecache import ConfigError
from wirecache._core.rules.plan import Mode
from wirecache._core.unset import UNSET
from wirecache._settings.parsers import parse_duration, parse_mode
from wirecache._settings.sources import setting, source_of


@pytest.mark.parametrize(
    ("given", "variable", "value"),
    [
        pytest.param(UNSET, None, Mode.AUTO, id="the default"),
        pytest.param(UNSET, "offline", Mode.OFFLINE, id="the variable over the default"),
        pytest.param("off", "offline", Mode.OFF, id="the argument over the variable"),
        pytest.param(UNSET, "", Mode.AUTO, id="an empty variable is none"),
    ],
)
def test_the_most_specific_source_wins(monkeypatch: pytest.MonkeyPatch, given: object, variable: str | None, value: Mode) -> None:
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
    with pytest.raises(ConfigError, match=f"WIRECACHE_{name.upper()} must be .*, got {value!r}"):
        setting(name, UNSET, parse, {}, None)  # type: ignore[arg-type]


def test_where_a_setting_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_MODE", "offline")
    monkeypatch.setenv("WIRECACHE_STORE", "memory://")
    monkeypatch.setenv("WIRECACHE_TTL", "")
    monkeypatch.setenv("WIRECACHE_RULES", "not a variable of wirecache")
    file = {"mode": "auto", "ttl": 5, "rules": []}
    names = ("mode", "store", "ttl", "rules", "namespace")
    assert [source_of(name, file) for name in names] == ["WIRECACHE_MODE", "WIRECACHE_STORE", "file", "file", "default"]


def test_a_wrong_value_from_the_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^ttl in the settings file must be seconds, .*, got 'soon'"):
        setting("ttl", UNSET, parse_duration, {"ttl": "soon"}, "7d")
