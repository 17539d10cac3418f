"""What a command imports, since that is most of the time that it takes to start: nothing that its output does not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.command import entry, fill
from wirecache.cli import COMMANDS, app_for

PROGRAM = """
import sys
from wirecache.__main__ import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
CLIENTS = {"anyio", "asyncio", "hishel", "httpx", "httpx2", "openai"}
EXTRAS = {"cryptography", "genai_prices", "obstore", "opentelemetry", "redis", "tenacity", "yaml"}


def _imported(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a process has imported when the command ends."""
    environment = {**os.environ, "WIRECACHE_DIR": str(folder)}
    program = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True, timeout=200, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_import_no_command(tmp_path: Path, argument: str) -> None:
    imported = _imported(tmp_path, argument)
    own = {name for name in imported if name.startswith("wirecache")}
    assert own == {"wirecache", "wirecache.__main__", "wirecache._core", "wirecache._core.version", "wirecache.cli"}
    assert not imported & {"pydantic", "rich", "diskcache", *CLIENTS, *EXTRAS}


@pytest.mark.parametrize("arguments", [["ls"], ["stats"], ["ls", "--json"], ["prune"], ["clear", "--yes"]])
def test_commands_on_a_store_import_no_client_and_no_extra(tmp_path: Path, arguments: list[str]) -> None:
    if "--json" in arguments:
        fill(tmp_path, [entry("Hello?", "Hello.")])
    imported = _imported(tmp_path, *arguments)
    assert not imported & {"rich", "wirecache.cassette", *CLIENTS, *EXTRAS}
    assert {name for name in imported if name.startswith("wirecache.cli.") and "._" not in name} == {f"wirecache.cli.{arguments[0]}"}


def test_ls_draws_its_table_without_the_console_of_rich(tmp_path: Path) -> None:
    fill(tmp_path, [entry("Hello?", "Hello.")])
    imported = _imported(tmp_path, "ls")
    assert "rich.cells" in imported
    assert not imported & {"rich.console", "rich.table", "rich.text", *CLIENTS, *EXTRAS}


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not command.settings.get("hidden")])
def test_the_list_of_commands_has_the_first_sentence_of_each_help(name: str) -> None:
    listed, whole = (getattr(get_command(app_for(arguments)), "commands")[name] for arguments in (["--help"], [name]))  # noqa: B009
    for limit in (45, 80, 1000):
        assert listed.get_short_help_str(limit) == whole.get_short_help_str(limit)
