"""``--max-cost`` and ``--max-calls``: limits for one command, in addition to the budgets that apply anyway."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from wirecache import Budget, ConfigError
from wirecache._core.unset import UNSET
from wirecache._settings.files import file_settings
from wirecache._settings.parsers import budgets_text, parse_budgets
from wirecache._settings.sources import setting
from wirecache._storage.runs import VARIABLE, new_run_id
from wirecache.cli._terminal import usage_error

__all__ = ["MaxCallsOption", "MaxCostOption", "begin_run"]

MaxCostOption = Annotated[
    str | None,
    typer.Option("--max-cost", help="Refuse calls once this many dollars are spent; the call that crosses it is billed.", metavar="USD"),
]
MaxCallsOption = Annotated[int | None, typer.Option("--max-calls", help="Refuse calls once this many were sent.", min=0)]


def begin_run(max_cost: str | None, max_calls: int | None) -> None:
    """Apply these limits to all caches of this process and its children, too. Ends the command if one is invalid."""
    if max_cost is None and max_calls is None:
        return
    try:
        limit = Budget(usd=max_cost, calls=max_calls)
        others = setting("budget", UNSET, parse_budgets, file_settings(), None)
    except ConfigError as error:
        raise usage_error(str(error).replace("Budget: usd", "--max-cost")) from None
    os.environ["WIRECACHE_BUDGET"] = budgets_text((*others, limit))
    os.environ[VARIABLE] = new_run_id()
