"""Each command has its options, its help, and completion."""

from __future__ import annotations

import os

import pytest

from tests.cli.command import wirecache
from tests.cli.help_texts import commands, help_of
from tests.programs import ran

ON_A_STORE = ["ls", "show", "diff", "explain", "rm", "prune", "clear", "export", "import", "warm", "doctor"]


@pytest.mark.parametrize("name", ON_A_STORE)
def test_commands_on_a_store_take_a_store_and_print_json(name: str) -> None:
    assert name in commands()
    assert "--store" in help_of(name)
    assert "--json" in help_of(name)


@pytest.mark.parametrize("arguments", [["nothing"], ["ls", "--nothing"], ["show"], ["ls", "--limit", "0"], ["ls", "--age", "soon"]])
def test_usage_errors_are_2(arguments: list[str]) -> None:
    assert wirecache(*arguments).code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell: str) -> None:
    program = "from wirecache.cli import main; main(prog_name='wirecache')"
    words = {
        "COMP_WORDS": "wirecache ex",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "wirecache ex",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    environment = {**os.environ, **words, "_WIRECACHE_COMPLETE": f"complete_{shell}"}
    done = ran("-c", program, env=environment)
    assert "explain" in done.stdout
    assert "export" in done.stdout
