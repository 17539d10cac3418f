"""The options that several commands share, and the parsing of their values."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache._core.compare.query import Selection
from wirecache._core.rules.freshness import parse_ttl
from wirecache.cli._terminal import usage_error

__all__ = [
    "AgeOption", "ChildOption", "EndpointOption", "FromOption", "HostOption", "JsonOption", "ModelOption", "OlderOption", "StoreOption",
    "TextOption", "duration_seconds", "parse_headers", "selection_of",
]  # fmt: skip

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        help="The store: a path, a URL, or a cassette directory. Default: the one that Cache() uses, from WIRECACHE_STORE or your settings."
    ),
]
FromOption = Annotated[
    int | None,
    typer.Option("--from", help="With --record fork: the first step that is sent, from 1. Default: the first that differs.", min=1),
]
ChildOption = Annotated[
    str | None, typer.Option(help="With --record fork: the cassette to write. Default: the name of the first, with -fork.", metavar="DIR")
]
ModelOption = Annotated[str, typer.Option(help="Only entries of this model; * and ? are wildcards.", show_default=False)]
HostOption = Annotated[str, typer.Option(help="Only entries of this host; * and ? are wildcards.", show_default=False)]
EndpointOption = Annotated[str, typer.Option(help="Only entries of this endpoint (chat, responses, messages, ...).", show_default=False)]
TextOption = Annotated[str, typer.Option(help="Only entries with this text in the prompt or the answer.", show_default=False)]
AgeOption = Annotated[
    str | None, typer.Option("--age", help="Only entries of at most this age: 90s, 15m, 12h, 7d, 2w.", metavar="DURATION")
]
OlderOption = Annotated[
    str | None, typer.Option("--older", help="Only entries of at least this age: 90s, 15m, 12h, 7d, 2w.", metavar="DURATION")
]


def selection_of(model: str, host: str, endpoint: str, text: str, *, age: str | None, older: str | None) -> Selection:
    """Return the selection that the filter options of a command describe."""
    return Selection(model, host, endpoint, text, duration_seconds(age, "--age"), duration_seconds(older, "--older"))


def duration_seconds(duration: str | None, option: str) -> float | None:
    """Return the seconds of a duration such as ``"7d"``, or None if the option was not given."""
    try:
        return None if duration is None else parse_ttl(duration, option)
    except ValueError as error:
        raise usage_error(str(error)) from None


def parse_headers(headers: list[str] | None) -> list[tuple[str, str]]:
    """Return the names and values of ``--header NAME:VALUE`` options."""
    pairs = []
    for header in headers or ():
        name, _, value = header.partition(":")
        if not name.strip() or not value.strip():  # the value may be a credential, so the message shows the name only
            raise usage_error(f"--header must be NAME:VALUE, got {name!r}")
        pairs.append((name.strip(), value.strip()))
    return pairs
