"""Which store is meant by a path, a URL, an object, a list of them, or nothing?

a path, or disk:///path?size_limit=1GB       memory://?max_entries=1000&max_bytes=64MB
redis://host:6379/0?prefix=app:&timeout=0.1  and rediss, unix, redis+sentinel, redis+cluster (see ``RedisStore``)

Several are tiers, the nearest first: a list, or in one text separated by commas ("memory://,~/.cache/x,redis://host"). A comma counts
where a URL or a path that begins with "/", "~" or "." follows, so that the hosts of a cluster stay together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode

from wirecache.errors import ConfigError
from wirecache.stores._disk import DiskStore
from wirecache.stores._protocol import Store

__all__ = ["Place", "one_store", "open_store"]

Place: TypeAlias = Store | str | os.PathLike[str] | Sequence[Store | str | os.PathLike[str]]

_NEXT_TIER = re.compile(r",\s*(?=[a-z][a-z+]*://|[/~.])")


def open_store(given: Place | None, file: Mapping[str, Any]) -> Store:
    """The store: the caller's, else that of ``WIRECACHE_STORE``, else the settings file's, else the default disk store."""
    where = "store="
    if given is None and (named := os.environ.get("WIRECACHE_STORE")):
        given, where = named, "WIRECACHE_STORE"
    elif given is None and "store" in file:
        given, where = file["store"], "store in the settings file"
    if given is None:
        return DiskStore()
    if isinstance(given, str):
        tiers: Sequence[Any] = _NEXT_TIER.split(given)
    elif isinstance(given, (list, tuple)):
        tiers = given
    else:
        return one_store(given, where)
    if not tiers:
        raise ConfigError(f"{where} is an empty list; allowed: stores, paths or URLs, the nearest first")
    stores = [one_store(tier, f"{where.rstrip('=')}[{at}]" if len(tiers) > 1 else where) for at, tier in enumerate(tiers)]
    if len(stores) == 1:
        return stores[0]
    from wirecache.stores._tiered import TieredStore

    return TieredStore(stores)


def one_store(given: object, where: str) -> Store:
    """The store of one path, URL or object; ``ConfigError`` if it is none."""
    if isinstance(given, (str, os.PathLike)):
        text = os.fspath(given)
        if isinstance(given, str) and "://" in text:
            return _of_url(text, where)
        if isinstance(text, str) and text:
            return DiskStore(text)
    if not isinstance(given, Store):
        raise ConfigError(f"{where} is {given!r}; allowed: a path, a URL, or an object with get(key) and set(key, value, *, ttl)")
    return given


def _of_url(url: str, where: str) -> Store:
    scheme, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if scheme == "memory":
        from wirecache.stores._memory import MemoryStore

        if path.strip("/"):
            raise ConfigError(f"{where} is {url!r}; memory:// has no path")
        return MemoryStore(**_known(options, {"max_entries": _number, "max_bytes": _text}, f"{where} {url}"))
    if scheme == "disk":
        if not path:
            raise ConfigError(f"{where} is {url!r}; name the directory: disk:///path, disk://~/path")
        return DiskStore(unquote(path), **_known(options, {"size_limit": _text, "lock_wait": _seconds}, f"{where} {url}"))
    from wirecache.stores._redis_url import SCHEMES

    if scheme not in SCHEMES:
        raise ConfigError(f"{where} is a URL of the scheme {scheme!r}; allowed: a path, or {', '.join(('memory', 'disk', *SCHEMES))}")
    from wirecache.stores._redis import RedisStore

    forms = {"prefix": _text, "timeout": _seconds, "max_connections": _number}
    ours = _known({name: value for name, value in options.items() if name in forms}, forms, where)
    theirs = urlencode([(name, value) for name, value in options.items() if name not in forms])
    return RedisStore(f"{scheme}://{path}{'?' if theirs else ''}{theirs}", **ours)


def _known(options: Mapping[str, str], forms: Mapping[str, Callable[[str], Any]], where: str) -> dict[str, Any]:
    """The options of a URL as arguments; ``ConfigError`` names one that there is not, or that is wrong."""
    read = {}
    for name, value in options.items():
        if name not in forms:
            raise ConfigError(f"{where}: {name} is no option; allowed: {', '.join(forms)}")
        try:
            read[name] = forms[name](value)
        except ValueError:
            raise ConfigError(f"{where}: {name} is {value!r}, which is no number") from None
    return read


_text = str
_number = int
_seconds = float
