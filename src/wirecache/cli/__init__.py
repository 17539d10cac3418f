"""The command line: one module a command."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache import __version__
from wirecache.cli import clear, demo, diff, doctor, explain, export, importing, ls, prune, rm, run, scan, show, stats, warm

__all__ = ["app"]

app = typer.Typer(
    name="wirecache",
    help="The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wirecache {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network."""


app.command("demo")(demo.command)
app.command("ls")(ls.command)
app.command("show")(show.command)
app.command("inspect", hidden=True)(show.command)
app.command("diff")(diff.command)
app.command("explain")(explain.command)
app.command("rm")(rm.command)
app.command("prune")(prune.command)
app.command("clear")(clear.command)
app.command("export")(export.command)
app.command("import")(importing.command)
app.command("warm")(warm.command)
app.command("doctor")(doctor.command)
app.command("scan")(scan.command)
app.command("stats")(stats.command)
# What follows the program is the program's own, options too.
app.command("run", no_args_is_help=False, context_settings={"allow_interspersed_args": False})(run.command)
