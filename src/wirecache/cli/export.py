"""``wirecache export``: entries of the store as cassette files, for people, version control and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wirecache import CassetteError
from wirecache.cli._cassettes import Shelved
from wirecache.cli._stores import Age, Endpoint, Host, Model, Older, Store, Text, cache_of, chosen, selection
from wirecache.cli._terminal import AsJson, counted, fail, print_json

__all__ = ["command"]


def command(
    directory: Annotated[Path, typer.Argument(help="Where the files go; made if it is not there.", metavar="DIR", file_okay=False)],
    model: Model = "",
    host: Host = "",
    endpoint: Endpoint = "",
    text: Text = "",
    age: Age = None,
    older: Older = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Write entries of the store into DIR as cassette files, without their secrets.

    What is there already is not written again; a newer answer to the same request is written in place of the older one.
    """
    wanted = selection(model, host, endpoint, text, age, older)
    with cache_of(store) as cache:
        target = Shelved(directory, cache.plan.key)
        try:
            for entry in chosen(cache, wanted, "Exporting"):
                target.renew(entry)
        except (OSError, CassetteError) as error:
            fail(f"{directory}: {error}")
        if as_json:
            print_json({"directory": str(directory), "written": target.written, "already": target.already})
        else:
            there = f", {target.already:,} there already" if target.already else ""
            typer.echo(f"{counted(target.written, 'file')} written to {directory}{there}.")
