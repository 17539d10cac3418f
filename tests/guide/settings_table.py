"""The tables of every option, variable and setting, made from the signatures, the schema of the settings file and the docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.guide.api import documented
from wirecache import Budget, Cache, Cassette, KeyOptions, Mode, RecordMode, Rule, pytest_plugin
from wirecache._core.rules.plan import OPTION_FIELDS, CallOptions, Plan, Streams
from wirecache._core.unset import UNSET
from wirecache._pytest.options import CASSETTE_OPTIONS
from wirecache._settings.schema import Settings
from wirecache._settings.sources import VARIABLES

NAMES = re.compile(r"(?:^|(?<=\. )|(?<=\n))((?:`[\w=]+`(?:, | and )?)+): ")
# The variables that stand for no option of Cache or Cassette.
OTHER_VARIABLES = {
    "WIRECACHE_DIR": "the directory of the default store",
    "WIRECACHE_CONFIG": "the path of the settings file to use, which is then trusted",
    "WIRECACHE_LOG": "what is logged to standard error: `info` (a line a call), `summary` (a line at exit), `debug`, or several",
    "WIRECACHE_SERVE_TOKEN": "the token that callers of `wirecache serve` send, where it listens on an address that other machines reach",
    "WIRECACHE_RUN": "the name of a run, for budgets: processes that share it are one run",
    "WIRECACHE_PROXY": "set by `wirecache run --proxy`, with budgets: the address of its proxy, which counts the calls that are sent to it",
    "WIRECACHE_INSTALL": "set by `wirecache run` for the processes that the program starts; `0` excludes a process",
    "WIRECACHE_CASSETTE": "set by `wirecache run --cassette` for the processes that the program starts",
    "WIRECACHE_SAMPLES": "set by `wirecache run --samples` for the processes that the program starts; each of them counts for itself",
}


def section() -> str:
    """Return all tables, each under a heading."""
    return "\n\n".join(
        [
            "## Options of Cache",
            _cache_table(),
            "## Options of keys",
            "The options of `KeyOptions`, in `Cache(key=...)` and `Cassette(match=...)`; in a settings file, the table `[key]`.",
            _table_of(KeyOptions, Settings.model_fields["key"].annotation),
            "## Options of rules",
            "The options of `Rule`, in `Cache(rules=[...])`; in a settings file, the array of tables `[[rules]]`.",
            _table_of(Rule, Settings.model_fields["rules"].annotation),
            "## Options of budgets",
            "The options of `Budget`, in `Cache(budget=...)`; in a settings file, the table `[budget]`, or several as `[[budget]]`.",
            _table_of(Budget, Settings.model_fields["budget"].annotation),
            "## Options of serve",
            "In a settings file, the table `[serve]`; see [serve](serve.md).",
            _serve_table(),
            "## Options of Cassette",
            _cassette_table(),
            "## Options of pytest",
            _pytest_table(),
            "## Variables",
            _variables_table(),
        ]
    )


def descriptions(value: Any) -> dict[str, str]:
    """Return what a docstring says of each parameter, on one line."""
    found: dict[str, str] = {}
    for paragraph in documented(value).split("\n\n"):
        pieces = NAMES.split(" ".join(paragraph.splitlines()))
        for names, text in zip(pieces[1::2], pieces[2::2], strict=True):
            for name, _, setting in (one.partition("=") for one in re.findall(r"`([\w=]+)`", names)):
                found[name] = f"{setting}: {text}".removeprefix(": ").strip().rstrip(".")
    return found


def variable_of(option: str) -> str | None:
    """Return the variable that sets an option, or None."""
    return f"WIRECACHE_{option.upper()}" if option in {*VARIABLES, "store"} else None


def _cache_table() -> str:
    described = descriptions(Cache)
    in_calls = {field.name for field in fields(CallOptions)}
    headers = {option: name.decode().title().replace("Ttl", "TTL") for name, option in OPTION_FIELDS.items()}
    rows = []
    for option, parameter in _parameters(Cache):
        ways = [f"`{variable}`" if (variable := variable_of(option)) else "", "file" if option in Settings.model_fields else ""]
        ways += ["`options()`" if option in in_calls else "", f"`{headers[option]}`" if option in headers else ""]
        rows.append((f"`{option}`", _default(option, parameter.default), _list(ways), _meaning(option, described)))
    return _table(("option", "default", "set also by", "meaning"), rows)


def _table_of(kind: type, in_file: Any) -> str:
    described = descriptions(kind)
    keys = _table_in(in_file).model_fields
    rows = [
        (
            f"`{option}`",
            "" if parameter.default is UNSET else _default(option, parameter.default),
            "file" if option in keys else "",
            described[option],
        )
        for option, parameter in _parameters(kind)
    ]
    return _table(("option", "default", "set also by", "meaning"), rows)


def _serve_table() -> str:
    described = descriptions(_table_in(Settings.model_fields["serve"].annotation))
    return _table(("option", "meaning"), [(f"`{option}`", described[option]) for option in described])


def _table_in(annotation: Any) -> Any:
    """Return the table of the schema that is in a type such as ``_Key | None``."""
    return next(table for table in get_args(annotation) if issubclass(table, BaseModel))


def _cassette_table() -> str:
    described = descriptions(Cassette)
    rows = []
    for option, parameter in _parameters(Cassette):
        ways = [f"`{variable}`" if (variable := variable_of(option)) else "", "marker" if option in {*CASSETTE_OPTIONS, "path"} else ""]
        default = "" if parameter.default is parameter.empty else _default(option, parameter.default)
        rows.append((f"`{option}`", default, _list(ways), _meaning(option, described)))
    return _table(("option", "default", "set also by", "meaning"), rows)


def _pytest_table() -> str:
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    rows = [
        (f"`{option.names()[0]}`", _values(option.attrs()), str(option.attrs()["help"])) for option in parser.getgroup("wirecache").options
    ]
    rows.append(("`wirecache_record` in the ini file", "", pytest_plugin.RECORD_INI_HELP))
    return _table(("option", "values", "meaning"), rows)


def _values(attributes: Any) -> str:
    return ", ".join(f"`{value}`" for value in attributes.get("choices") or ())


def _variables_table() -> str:
    cache, cassette = descriptions(Cache), descriptions(Cassette)
    named = {variable: option for option in (*VARIABLES, "store") if (variable := variable_of(option))}
    rows = [(f"`{variable}`", f"the `{option}` of {'a `Cache`' if option in cache else 'a `Cassette`'} that was created without one")
            for variable, option in sorted(named.items()) if option in {**cache, **cassette}]  # fmt: skip
    return _table(("variable", "meaning"), [*rows, *((f"`{name}`", meaning) for name, meaning in OTHER_VARIABLES.items())])


def _parameters(kind: Any) -> list[tuple[str, inspect.Parameter]]:
    return list(inspect.signature(kind).parameters.items())


_CHOICES: dict[str, type[StrEnum]] = {"mode": Mode, "streams": Streams, "record_mode": RecordMode}


def _meaning(option: str, described: dict[str, str]) -> str:
    """Return the meaning of an option; its values are listed where the docstring points to their class."""
    choices = ", ".join(f'`"{choice}"`' for choice in _CHOICES.get(option, ()))
    return re.sub(r"^see `\w+`", f"one of {choices}", described[option])


def _default(option: str, default: Any) -> str:
    """Return the default of an option as it is written; that of one which other sources can set is in the plan."""
    if default is UNSET:
        default = RecordMode.NONE if option == "record_mode" else getattr(Plan(), option, None)
    if option in ("ttl", "keep_stale") and isinstance(default, float):
        return f'`"{default / 86400:.0f}d"`'
    if isinstance(default, KeyOptions):
        return "`KeyOptions()`"
    if isinstance(default, str):
        return f'`"{default}"`'
    return f"`{default:g}`" if isinstance(default, float) else f"`{default!r}`"


def _list(ways: Iterable[str]) -> str:
    return ", ".join(way for way in ways if way)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [headings, ["---"] * len(headings), *escaped])


def variables_in(folder: Path) -> set[str]:
    """Return the names of the variables that the source mentions."""
    text = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    return set(re.findall(r"\bWIRECACHE_[A-Z]+(?:_[A-Z]+)*\b", text))
