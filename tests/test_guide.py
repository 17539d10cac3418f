"""The pages of the guide: each Python block runs unchanged, each settings file is valid, each command exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.cli.help_texts import commands, help_of
from tests.provider import Provider
from tests.test_readme import _environment
from wirecache._settings.schema import Settings

GUIDE = Path(__file__).parent.parent / "src" / "wirecache" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))


def blocks(language: str) -> list[object]:
    """Return the code blocks of all pages in this language, as parameters."""
    found = []
    for page in PAGES:
        texts = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        found += [pytest.param(text, id=f"{page.stem}-{index}") for index, text in enumerate(texts)]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_page_opens_with_the_question_that_it_answers(page: Path) -> None:
    assert re.match(r"# .*\?\n", page.read_text("utf-8"))


@pytest.mark.parametrize("block", blocks("python"))
def test_each_python_block_runs(block: str, provider: Provider, tmp_path: Path) -> None:
    command = [sys.executable, "-c", block]
    done = subprocess.run(
        command, env=_environment(provider, tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("toml"))
def test_each_settings_file_is_valid(block: str) -> None:
    Settings.model_validate(tomllib.loads(block)).as_arguments(Path())


@pytest.mark.parametrize("block", blocks("sh"))
def test_each_command_and_option_exists(block: str) -> None:
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["wirecache"]:
            assert words[1] in commands()
            own = words[: words.index("--")] if "--" in words else words
            assert [word for word in own if word.startswith("--") and word not in help_of(words[1])] == []


@pytest.mark.parametrize("block", blocks("yaml"))
def test_each_yaml_block_is_one(block: str) -> None:
    assert yaml.safe_load(block)


@pytest.mark.parametrize("block", blocks("dockerfile"))
def test_each_dockerfile_runs_a_command_that_exists(block: str) -> None:
    command = json.loads(re.findall(r"^CMD (.*)$", block, re.MULTILINE)[-1])
    assert command[0] == "wirecache"
    assert [word for word in command[2:] if word.startswith("--") and word not in help_of(command[1])] == []
