"""A setting that somebody wrote is understood, or a ``ConfigError`` says what is wrong with it: no other exception, and no hang."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.target import Target
from wirecache import Budget, Cache, ConfigError, MemoryStore
from wirecache._settings.files import _checked, _settings_in, _SettingsTable
from wirecache._settings.parsers import budget_text, parse_budgets, parse_duration, parse_mode, parse_speed, parse_step, parse_streams
from wirecache._settings.sizes import parse_size

# -- texts ------------------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "90",
        "1.5",
        "-1",
        "+1",
        "1e3",
        "1e400",
        "1e-400",
        "nan",
        "inf",
        "-inf",
        "sNaN",
        "1_000",
        "٣",
        "²",
        "0x10",
        "",
        ".5",
        "5.",
        "9" * 5000,
    ]
)
UNITS = st.sampled_from(
    ["", "s", "m", "h", "d", "w", "S", " d", "ms", "B", "KB", "mb", "GB", "GiB", "KiB", "tb", "I", "BB", "TIB", "K", " "]
)
WORDS = st.sampled_from(
    ["none", "never", "None", "auto", "OFF", "record", "true", "run", "day", "month", "refuse", "allow", "*", "gpt-*", "[", "\n", "$2.50"]
)
TEXTS = st.builds("{}{}".format, NUMBERS, UNITS) | WORDS | st.text(max_size=6)
FIELDS = st.sampled_from(["usd", "calls", "tokens", "window", "warn_at", "unpriced", "namespace", "model", "name", "other", ""])
BUDGET_TEXTS = st.lists(
    st.lists(
        st.builds(lambda field, sign, value: f"{field}{sign}{value}", FIELDS, st.sampled_from(["=", " = ", ""]), TEXTS), max_size=3
    ).map(", ".join),
    max_size=2,
).map(";".join)


def check_texts(text: str) -> None:
    """What each parser makes of a text."""
    for parse in (parse_mode, parse_streams, parse_step):
        understood(parse, text, "x")
    understood(parse_speed, text)
    seconds = understood(parse_duration, text, "x")
    expected = duration(text)
    assert seconds == expected, f"{text!r} is {seconds!r}, not {expected!r}"
    size = understood(parse_size, text, "x")
    assert size is REFUSED or (type(size) is int and size > 0)
    plain = re.fullmatch(r"([1-9][0-9]{0,6})(|B|KB|MB|GB|TB|KiB|MiB|GiB)", text)
    if plain:
        factor = {"": 1, "B": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}[plain[2][:1]]
        exponent = " KMGT".index(plain[2][:1] or " ") if plain[2] not in ("", "B") else 0
        assert size == int(plain[1]) * (1024**exponent if plain[2].endswith("iB") else factor)


REFUSED = "refused"


def understood(parse: Any, *arguments: Any) -> Any:
    try:
        return parse(*arguments)
    except ConfigError:
        return REFUSED


def duration(text: str) -> Any:
    """What a duration is by the guide: a number, and one of five letters."""
    if text.strip().lower() in ("none", "never"):
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdwSMHDW]?)", text.strip())
    if found is None:
        return REFUSED
    seconds = (
        float(found[1])
        * timedelta(
            **{{"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found[2].lower()]: 1}
        ).total_seconds()
    )
    return seconds if seconds < math.inf else REFUSED


def check_budgets(text: str) -> None:
    """A text of budgets is understood, and each of them has a text again."""
    budgets = understood(parse_budgets, text, "x")
    if budgets is REFUSED:
        return
    for budget in budgets:
        assert isinstance(budget, Budget)
        for unit, limit in budget.limits.items():
            assert type(limit) is int, unit
            assert limit >= 0, unit
        if budget.usd is not None:
            assert budget.limits["usd"] == math.floor(Fraction(Decimal(budget.usd)) * 10**12)
        again = understood(budget_text, budget)
        assert again is REFUSED or parse_budgets(again, "x") == (budget,), f"{again!r} is not {budget!r}"


# -- files ------------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.sampled_from(
        [
            '"auto"', '"7d"', '""', '"memory://"', '"redis://h:x"', "1", "-1", "0", "1.5", "nan", "inf", "true", "false", "[]", "{}",
            '"*"', '["a"]', '"run"',
            '"/user"', '["/user"]', '["x"]', "1979-05-27", "07:32:00", '"\\u0000"', '"coding-agent"', '"1e400"', "9223372036854775808",
            '"https://h"', '"~/x"',
        ]
    ),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
    | st.dictionaries(st.sampled_from(["usd", "calls", "ttl", "url", "window", "host", "x"]), inner, max_size=2).map(
        lambda members: "{" + ", ".join(f"{name} = {value}" for name, value in members.items()) + "}"
    ),
    max_leaves=3,
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "mode", "store", "ttl", "namespace", "keep_stale", "stale_if_error", "streams", "embeddings", "key", "rules", "budget", "serve",
        "tool", "tool.wirecache",
        "ignore_body", "ignore_query", "headers", "credentials", "host", "normalize", "method", "path", "model", "cache", "usd", "calls",
        "tokens", "window", "warn_at",
        "unpriced", "name", "port", "upstreams", "upstreams.x", "allow_hosts", "cors_origins", "ping_seconds", "grace_seconds", "other",
        '"a b"',
    ]
)  # fmt: skip
TABLES = st.sampled_from(
    [
        "[key]",
        "[[rules]]",
        "[budget]",
        "[[budget]]",
        "[serve]",
        "[serve.upstreams.x]",
        "[tool]",
        "[tool.wirecache]",
        "[[tool.wirecache.rules]]",
        "[x]",
    ]
)
LINES = st.builds("{} = {}".format, KEYS, VALUES) | TABLES | st.text(max_size=5) | st.just("x = " + "[" * 2000)
FILES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["wirecache.toml", "pyproject.toml"]),
        "lines": st.lists(LINES, min_size=1, max_size=4),
        "inside": st.booleans(),
    }
)


def check_file(case: dict[str, Any]) -> None:
    """A settings file is understood, and a cache is made with what it says; or the error names the file."""
    path = Path("/nowhere") / case["name"]
    text = "\n".join((["[tool.wirecache]"] if case["inside"] else []) + case["lines"]) + "\n"
    message, arguments = "", {}
    try:
        values = _settings_in(path, text)
        arguments = {} if values is None else dict(_checked(_SettingsTable(path, values)))
    except ConfigError as error:
        message = str(error)
    assert not message or str(path) in message, f"{message} does not name the file"
    arguments.pop("serve", None)
    arguments.pop("store", None)
    arguments.pop("budget", None)
    understood(lambda: Cache(MemoryStore(), **arguments).close())


TARGETS = [
    Target("setting-texts", TEXTS, check_texts),
    Target("budget-texts", BUDGET_TEXTS, check_budgets),
    Target("setting-files", FILES, check_file),
]
