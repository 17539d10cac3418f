"""The guide's section on the command line: the ``--help`` of each command."""

from __future__ import annotations

from typer.main import get_command
from typer.testing import CliRunner

from wirecache.cli import app_for

WIDTH = 76  # it fits a terminal of 80 columns, with the margins of a rendered page


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
    """Return the section, with the help of every command."""
    return "\n".join(f"### {f'wirecache {name}'.strip()}\n\n```text\n{help_of(name)}\n```\n" for name in ("", *commands()))
