"""``wirecache export``: write entries of the store as cassette files, for people, version control and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wirecache import CassetteError
from wirecache._core.quantity import quantity
from wirecache.cli._entry_targets import CassetteTarget
from wirecache.cli._options import (
    AgeOption,
    EndpointOption,
    HostOption,
    JsonOption,
    ModelOption,
    OlderOption,
    StoreOption,
    TextOption,
    selection_of,
)
from wirecache.cli._stores import open_cache, selected_entries
from wirecache.cli._terminal import fail, print_json, print_text

__all__ = ["command"]


def command(
    directory: Annotated[
        Path, typer.Argument(help="The directory for the files; created if it does not exist.", metavar="DIR", file_okay=False)
    ],
    model: ModelOption = "",
    host: HostOption = "",
    endpoint: EndpointOption = "",
    text: TextOption = "",
    age: AgeOption = None,
    older: OlderOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write entries of the store into DIR as cassette files, without their secrets.

    Answers that are already there are not written again; a newer answer to the same request replaces the older one.
    """
    selection = selection_of(model, host, endpoint, text, age=age, older=older)
    with open_cache(store) as cache:
        target = CassetteTarget(directory, cache.plan.key)
        try:
            for entry in selected_entries(cache, selection, "Exporting"):
                target.add_newest(entry)
        except (OSError, CassetteError) as error:
            fail(f"{directory}: {error}")
        if as_json:
            print_json({"directory": str(directory), "written": target.written, "already": target.already_there})
        else:
            already_there = f", {target.already_there:,} already there" if target.already_there else ""
            print_text(f"{quantity(target.written, 'file')} written to {directory}{already_there}.")
