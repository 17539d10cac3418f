"""The blocks that are no Python: are their files valid, and do the commands, options and settings that they name exist?"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.guide.commands import problems_of
from tests.guide.documents import DOCUMENTS, ROOT, Block, blocks, blocks_of
from wirecache._settings.schema import Settings

LANGUAGES = {"python", "py", "sh", "console", "text", "toml", "yaml", "json", "diff", "dockerfile", "ini"}
PLACES = {"main", "recipes", "notebook", "evaluations"}


def of(*languages: str) -> pytest.MarkDecorator:
    """Return the parameters of a test of all blocks in these languages."""
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks(*languages)])


def test_each_block_has_a_language_that_is_checked() -> None:
    found = [block for path in DOCUMENTS for block in blocks_of(path)]
    assert [block.id for block in found if block.language not in LANGUAGES or block.place not in PLACES] == []
    assert {block.path.name for block in found if block.language == "py"} == {"api.md"}, "signatures, which are made"


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("py")])
def test_signatures_are_those_of_definitions(block: Block) -> None:
    is_class_with_parameters = block.text.startswith("class ") and "(" in block.text  # it is shown with what it takes
    compile(block.text.replace("class ", "def ", 1) if is_class_with_parameters else block.text, block.id, "exec")


@of("sh", "console")
def test_the_commands_and_options_of_a_shell_exist(block: Block) -> None:
    lines = block.text.splitlines()
    typed = lines if block.language == "sh" else [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    assert typed
    assert [problem for line in typed for problem in problems_of(line)] == []


@of("toml")
def test_settings_files_are_valid(block: Block) -> None:
    values = tomllib.loads(block.text)
    assert Settings.model_validate(values.get("tool", {}).get("wirecache", values))


@of("yaml")
def test_commands_in_yaml_exist(block: Block) -> None:
    typed = list(commands_in(yaml.safe_load(block.text)))
    assert typed or "image" in block.text
    assert [problem for line in typed for problem in problems_of(line)] == []


def commands_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield the shell lines of a workflow, of a pipeline or of hooks."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from commands_in(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from commands_in(inner, name)
    elif name in ("run", "script", "entry"):
        yield from str(value).splitlines()


@of("ini")
def test_the_program_of_a_unit_exists(block: Block) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)
    assert [problem for line in unit["Service"].values() if line.startswith("/opt/") for problem in problems_of(line)] == []


@of("dockerfile")
def test_commands_in_a_dockerfile_exist(block: Block) -> None:
    run = re.findall(r"^RUN (pip .+)$", block.text, re.MULTILINE)
    started = [" ".join(json.loads(words)) for words in re.findall(r"^CMD (\[.+\])$", block.text, re.MULTILINE)]
    assert run
    assert [problem for line in [*run, *started] for problem in problems_of(line)] == []


@of("json")
def test_json_is_json_as_far_as_it_is_shown(block: Block) -> None:
    text = block.text.rstrip().removesuffix("...").rstrip().removesuffix(",")
    json.loads(text + closing(text) if text.startswith("{") else "{" + text + "}")


def closing(text: str) -> str:
    """Return the brackets that are still open at the end of a JSON text."""
    opened: list[str] = []
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        if character in "{[":
            opened.append("}" if character == "{" else "]")
        elif character in "}]":
            opened.pop()
    return "".join(reversed(opened))


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_workflows_and_forms_are_yaml_and_run_what_exists(path: Path) -> None:
    loaded = yaml.safe_load(path.read_text("utf-8"))
    assert loaded
    if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml":
        assert any("wirecache doctor --json" in str(field["attributes"]["label"]) for field in loaded["body"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("wirecache nothing", "no command nothing"),
        ("wirecache ls --nothing", "ls has no --nothing"),
        ("wirecache run --nothing x script.py", "run has no --nothing"),
        ("git commit -m x && pytest --wirecache-nothing", "pytest has no --wirecache-nothing"),
        ("pip install 'wirecache[nothing]'", "no extra nothing"),
        ("make nothing", "no target nothing"),
        ("WIRECACHE_NOTHING=1 python script.py", "no variable WIRECACHE_NOTHING"),
        ("nothing --at-all", "no program nothing"),
    ],
)
def test_what_does_not_exist_is_found(line: str, problem: str) -> None:
    assert problems_of(line) == [problem]


@pytest.mark.parametrize(
    "line", ["wirecache run --mode offline uvicorn app:app --workers 4", "wirecache ls --model 'gpt-4o*'  # --nothing"]
)
def test_what_exists_is_no_problem(line: str) -> None:
    assert problems_of(line) == []
