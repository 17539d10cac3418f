"""Opens the store given as a path, a URL, an object, a list of these, or not at all.

Several are tiers, the nearest first: a list, or a text with commas ("memory://,~/.cache/x,redis://host"). A comma separates only before
a URL or a path that begins with "/", "~" or ".", so that the hosts of a cluster stay together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from wirecache.errors import ConfigError
from wirecache.stores._protocol import Store
from wirecache.stores._url import disk_or_memory, one_store

__all__ = ["Place", "open_store"]

Place: TypeAlias = Store | str | os.PathLike[str] | Sequence[Store | str | os.PathLike[str]]

_NEXT_TIER = re.compile(r",\s*(?=[a-z][a-z0-9+]*://|[/~.])")


def open_store(given: Place | None, file: Mapping[str, Any]) -> Store:
    """Return the store: the caller's, else that of ``WIRECACHE_STORE``, else the settings file's, else the default disk store."""
    setting = "store"
    if given is None and (variable := os.environ.get("WIRECACHE_STORE")):
        given, setting = variable, "WIRECACHE_STORE"
    elif given is None and "store" in file:
        given, setting = file["store"], "store in the settings file"
    if given is None:
        return disk_or_memory()
    if isinstance(given, str):
        tiers: Sequence[Any] = _NEXT_TIER.split(given)
    elif isinstance(given, (list, tuple)):
        tiers = given
    else:
        return one_store(given, setting)
    return _of_tiers(tiers, setting)


def _of_tiers(tiers: Sequence[Any], setting: str) -> Store:
    if not tiers:
        raise ConfigError(f"{setting} must be a store, a path, a URL, or a list of them with the nearest first, got an empty list")
    if len(tiers) == 1:
        return one_store(tiers[0], setting)
    from wirecache.stores._tiered import TieredStore

    return TieredStore([one_store(tier, f"{setting}[{index}]") for index, tier in enumerate(tiers)])
