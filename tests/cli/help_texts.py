"""The README's section on the command line: the ``--help`` of each command. ``python -m tests.cli.help_texts`` updates it."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from wirecache.cli import app_for

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- commands: python -m tests.cli.help_texts writes this -->", "<!-- /commands -->"
WIDTH = 100


def commands() -> list[str]:
    """Return the names of the commands that the help lists."""
    listed = getattr(get_command(app_for()), "commands")  # noqa: B009  # a group has them
    return [name for name, command in listed.items() if not command.hidden]


def help_of(name: str) -> str:
    """Return what ``wirecache NAME --help`` prints, at a fixed width."""
    settings = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    ran = CliRunner().invoke(app_for(), [*name.split(), "--help"], prog_name="wirecache", env={"COLUMNS": str(WIDTH)}, **settings)  # type: ignore[arg-type]
    assert ran.exit_code == 0, ran.output
    return "\n".join(line.rstrip() for line in ran.stdout.strip().splitlines())


def section() -> str:
    """Return the section of the README, with the help of every command."""
    parts = [f"### {f'wirecache {name}'.strip()}\n\n```text\n{help_of(name)}\n```\n" for name in ("", *commands())]
    return "\n".join([f"{BEGIN}\n", *parts, END])


def in_readme() -> str:
    """Return the section as the README has it, or an empty text."""
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", README.read_text("utf-8"), re.DOTALL)
    return found[0] if found else ""


if __name__ == "__main__":
    readme = README.read_text("utf-8")
    assert in_readme(), f"{README} has no {BEGIN}"
    README.write_text(readme.replace(in_readme(), section()), "utf-8")
