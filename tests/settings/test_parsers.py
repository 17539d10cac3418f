from __future__ import annotations

from datetime import timedelta

import pytest

from wirecache import ConfigError, KeyOptions
from wirecache._core.rules.plan import Mode
from wirecache._settings.parsers import all_of_type, of_type, parse_duration, parse_mode, parse_speed, parse_step, parse_text


@pytest.mark.parametrize("value", ["auto", "OFFLINE", Mode.REFRESH, "Off"])
def test_mode(value: str) -> None:
    assert parse_mode(value, "mode") is Mode(str(value).lower())


@pytest.mark.parametrize("value", ["", "on", None, True, 1])
def test_a_wrong_mode_names_the_four(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^mode must be one of auto, offline, refresh, off, got "):
        parse_mode(value, "mode")


def test_duration() -> None:
    assert [parse_duration(value, "ttl") for value in (1, "2m", timedelta(days=1), None)] == [1.0, 120.0, 86_400.0, None]
    with pytest.raises(ConfigError, match=r"^ttl must be seconds, .*, got 'x'$"):
        parse_duration("x", "ttl")


def test_text() -> None:
    assert parse_text("a", "namespace") == "a"
    with pytest.raises(ConfigError, match="namespace must be a string, got 7"):
        parse_text(7, "namespace")


def test_a_wrong_setting_is_also_a_value_error() -> None:
    assert issubclass(ConfigError, ValueError)


def test_objects_by_their_type() -> None:
    options = KeyOptions()
    assert of_type(KeyOptions)(options, "key") is options
    assert all_of_type(KeyOptions)([options], "keys") == (options,)
    for parse in (lambda: of_type(KeyOptions)({}, "key"), lambda: all_of_type(KeyOptions)([{}], "key")):
        with pytest.raises(ConfigError, match=r"^key must be a KeyOptions, got \{\}"):
            parse()


def test_speed() -> None:
    assert [parse_speed(value) for value in (0, 1, 2.5)] == [0.0, 1.0, 2.5]


@pytest.mark.parametrize("value", [-1, True, "1", None, float("inf"), float("nan")])
def test_a_wrong_speed_says_what_is_allowed(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^replay_speed must be 0 \(at once\), .*, got "):
        parse_speed(value)  # type: ignore[arg-type]


def test_steps() -> None:
    assert [parse_step(value, "from_step") for value in (None, 1, "3", "007", "9" * 18)] == [None, 1, 3, 7, 10**18 - 1]


@pytest.mark.parametrize(
    "value", [0, -1, True, "", "0", "1.5", "٣", "²", " 1", "9" * 19, pytest.param("9" * 5000, id="thousands of digits")]
)
def test_a_wrong_step_is_a_config_error(value: object) -> None:
    with pytest.raises(ConfigError, match="from_step must be the number of a step"):
        parse_step(value, "from_step")
