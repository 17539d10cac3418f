"""Which store is meant by a path, an object, or nothing?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wirecache.errors import ConfigError
from wirecache.stores._disk import DiskStore
from wirecache.stores._protocol import Store

__all__ = ["open_store"]


def open_store(given: Store | str | os.PathLike[str] | None, file: Mapping[str, Any]) -> Store:
    """The store: the caller's, else that of ``WIRECACHE_STORE``, else the settings file's, else the default disk store."""
    where = "store="
    if given is None and (named := os.environ.get("WIRECACHE_STORE")):
        given, where = named, "WIRECACHE_STORE"
    elif given is None and "store" in file:
        given, where = str(file["store"]), "store in the settings file"
    if given is None:
        return DiskStore()
    if isinstance(given, (str, os.PathLike)):
        text = os.fspath(given)
        if "://" in text:
            scheme = urlsplit(text).scheme
            raise ConfigError(f"{where} is a URL of the scheme {scheme!r}; allowed: the path of a directory")
        return DiskStore(text)
    if not isinstance(given, Store):
        raise ConfigError(f"{where} is {given!r}; allowed: a path, or an object with get(key) and set(key, value, *, ttl)")
    return given
