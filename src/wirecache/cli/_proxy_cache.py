"""The cache or cassette behind a proxy, as named by the options of ``serve`` and ``run --proxy``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import typer

from wirecache import Cache, Cassette, KeyOptions, Mode, RecordMode, WirecacheError
from wirecache._core.rules.plan import Streams
from wirecache._core.unset import UNSET
from wirecache._settings.files import file_settings
from wirecache.cli._terminal import fail, usage_error, warn

__all__ = [
    "CacheStoreOption", "CassetteOption", "Chosen", "ModeOption", "NamespaceOption", "NormalizeOption", "Normalizer", "RecordOption",
    "StreamsOption", "TtlOption", "check_fork", "open_cache_or_cassette",
]  # fmt: skip


class Normalizer(StrEnum):
    """The named normalizers."""

    CODING_AGENT = "coding-agent"


# The options of ``serve`` and of ``run``.
ModeOption = Annotated[Mode | None, typer.Option(help="The cache mode; offline answers from the store only.", case_sensitive=False)]
CacheStoreOption = Annotated[str | None, typer.Option(help="The store: a path or a URL.")]
TtlOption = Annotated[str | None, typer.Option(help="How long an answer is fresh: 90s, 15m, 12h, 7d, 2w.")]
NamespaceOption = Annotated[str | None, typer.Option(help="The namespace; entries of other namespaces are not used.")]
CassetteOption = Annotated[str | None, typer.Option(help="A cassette directory to use instead of a store.", metavar="DIR")]
RecordOption = Annotated[RecordMode | None, typer.Option(help="The record mode of the cassette. Default: none.")]
StreamsOption = Annotated[Streams | None, typer.Option(help="Whether streams are recorded and replayed. Default: bypass.")]
NormalizeOption = Annotated[
    Normalizer | None, typer.Option(help="What to leave out of keys: coding-agent, what coding agents generate anew for each call.")
]


class Chosen(NamedTuple):
    """The values of these options; None for those not given."""

    store: str | None
    cassette: str | None
    record: RecordMode | None
    from_step: int | None
    child: str | None
    mode: Mode | None
    ttl: str | None
    namespace: str | None
    streams: Streams | None
    normalize: Normalizer | None


@contextmanager
def open_cache_or_cassette(chosen: Chosen, collapse: Literal["shared"] | None = None) -> Iterator[Cache | Cassette]:
    """Yield the cache or cassette, and close it at the end. Exits with 2 if an option is invalid, 1 if a cassette cannot be written."""
    store, cassette, record, from_step, child, mode, ttl, namespace, streams, normalize = chosen
    if cassette and (store or mode or ttl or namespace or streams):
        raise usage_error("--cassette cannot be combined with --store, --mode, --ttl, --namespace or --streams")
    if record is not None and not cassette:
        raise usage_error("--record needs --cassette DIR")
    check_fork(record, from_step, child)
    try:
        opened: Cache | Cassette
        if cassette:
            opened = Cassette(
                cassette,
                UNSET if record is None else record,
                match=KeyOptions(normalize=_name(normalize)),
                from_step=from_step,
                child=child,
            )
        else:
            settings: dict[str, Any] = {"mode": mode, "ttl": ttl, "namespace": namespace, "streams": streams, "collapse": collapse}
            if normalize is not None:
                settings["key"] = replace(file_settings().get("key", KeyOptions()), normalize=_name(normalize))
            opened = Cache(store, **{name: value for name, value in settings.items() if value is not None})
    except WirecacheError as error:
        raise usage_error(str(error)) from None
    try:
        with opened:
            yield opened
            if isinstance(opened, Cassette):
                warn(f"wirecache: cassette {opened.path}: {opened.report()}")
    except WirecacheError as error:
        fail(str(error))


def check_fork(record: RecordMode | None, from_step: int | None, child: str | None) -> None:
    """End the command if it has options of a fork without ``--record fork``."""
    if (from_step is not None or child) and record is not RecordMode.FORK:
        raise usage_error("--from and --child need --record fork")


def _name(normalize: Normalizer | None) -> Literal["coding-agent"] | None:
    return None if normalize is None else "coding-agent"
