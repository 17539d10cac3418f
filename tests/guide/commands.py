"""What is wrong with a command line in a document? Commands, options, extras, targets and variables that it names must exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from functools import cache

import click
import pytest
from typer.main import get_command

from tests.guide.documents import ROOT
from tests.guide.settings_table import OTHER_VARIABLES, variable_of
from wirecache import pytest_plugin
from wirecache._settings.sources import VARIABLES
from wirecache.cli import app_for

KNOWN_VARIABLES = {*OTHER_VARIABLES, *(variable_of(option) for option in (*VARIABLES, "store")), "WIRECACHE_TEST_REDIS_URL"}


def problems_of(line: str) -> list[str]:
    """Return what is wrong with a line of a shell."""
    words = shlex.split(line, comments=True)
    while words and "=" in words[0]:
        words.pop(0)
    if "--" in words:  # what follows is another program's
        words = words[: words.index("--")]
    found = [f"no variable {name}" for name in re.findall(r"\bWIRECACHE_[A-Z_]+\b", line) if name not in KNOWN_VARIABLES]
    for position, word in enumerate(words):
        if word == "&&":
            return found + _problems(words[:position]) + problems_of(shlex.join(words[position + 1 :]))
    return found + _problems(words)


def _problems(words: list[str]) -> list[str]:
    program, arguments = (words[0].rpartition("/")[2], words[1:]) if words else ("", [])
    if program == "python" and arguments[:2] == ["-m", "wirecache"]:
        program, arguments = "wirecache", arguments[2:]
    if program == "python" and arguments[:2] == ["-m", "pytest"]:
        program, arguments = "pytest", arguments[2:]
    if program == "wirecache":
        return _of_wirecache(arguments)
    if program == "pytest":
        return _of_pytest(arguments)
    if program == "make":
        return [f"no target {name}" for name in arguments if "=" not in name and name not in _targets()]
    if program == "pip":
        return [f"no extra {extra}" for word in words for extra in _extras(word) if extra not in _known_extras()]
    return [] if program in {"git", "curl", "python", "export", ".ci/run", ""} else [f"no program {program}"]


def _of_wirecache(arguments: list[str]) -> list[str]:
    commands: dict[str, click.Command] = getattr(get_command(app_for()), "commands")  # noqa: B009  # a group has them
    name = next((word for word in arguments if not word.startswith("-")), "")
    if name not in commands:
        known = {"--version", "--help", "--install-completion"}
        return [f"no command {name}"] if name else [f"no option {word}" for word in arguments if word not in known]
    options = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
    given = arguments[arguments.index(name) + 1 :]
    if name == "run":  # what follows the program is its own
        given = _before_program(given)
    return [f"{name} has no {word}" for word in given if word.startswith("-") and word != "-" and word.partition("=")[0] not in options]


def _before_program(words: list[str]) -> list[str]:
    """Return the options of ``wirecache run``, whose values are left out."""
    found = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            break
        found.append(word)
        if word != "-m":
            next(rest, None)
    return found


def _of_pytest(arguments: list[str]) -> list[str]:
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    options = {option.names()[0] for option in parser.getgroup("wirecache").options}
    named = (word.partition("=")[0] for word in arguments)
    return [f"pytest has no {name}" for name in named if name.startswith("--wirecache") and name not in options]


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@cache
def _known_extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["optional-dependencies"])


def _extras(requirement: str) -> list[str]:
    found = re.fullmatch(r"wirecache\[([\w,]+)\]", requirement)
    return found[1].split(",") if found else []
