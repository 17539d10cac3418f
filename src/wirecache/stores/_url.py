"""Which store is meant by one path, URL or object?

a path, or disk:///path?size_limit=1GB       memory://?max_entries=1000&max_bytes=64MB
redis://host:6379/0?prefix=app:&timeout=0.1  and rediss, unix, redis+sentinel, redis+cluster (see ``RedisStore``)
s3://bucket/prefix?region=eu-west-1          and gs, az (see ``ObjectStore``)
Each with ``mode=ro``: its entries are used and never changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from wirecache._runtime.forks import reset_after_fork
from wirecache._runtime.warn_once import WarnOnce
from wirecache._settings.homes import NoHomeError
from wirecache.errors import ConfigError
from wirecache.stores._disk import DiskStore
from wirecache.stores._protocol import Store
from wirecache.stores._read_only import ReadOnlyStore

__all__ = ["disk_or_memory", "one_store"]

_warn_once = WarnOnce()
reset_after_fork(_warn_once)


def one_store(given: object, setting: str) -> Store:
    """Return the store of one path, URL or object; ``ConfigError``, naming the setting, if it is none of these."""
    if isinstance(given, (str, os.PathLike)):
        text = os.fspath(given)
        if isinstance(given, str) and "://" in text:
            return _of_url(text, setting)
        if isinstance(text, str) and text:
            return disk_or_memory(text)
    if not isinstance(given, Store):
        raise ConfigError(f"{setting} must be a path, a URL, or an object with get(key) and set(key, value, *, ttl), got {given!r}")
    return given


def disk_or_memory(path: str | None = None, **options: Any) -> Store:
    """Return the disk store; one in memory, with a warning, if its directory is in a home directory that cannot be found."""
    try:
        return DiskStore(path, **options)
    except NoHomeError as error:
        from wirecache.stores._memory import MemoryStore

        _warn_once(str(error), "wirecache: entries are kept in memory only: %s (for the default store: in WIRECACHE_DIR)", error)
        return MemoryStore()


def _of_url(url: str, setting: str) -> Store:
    scheme, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    mode = options.pop("mode", "rw")
    if mode not in ("ro", "rw"):
        raise ConfigError(f"{setting}: mode must be 'ro' (entries are used and never changed) or 'rw', got {mode!r}")
    if scheme == "disk":
        return _disk_store(url, path, options, setting, read_only=mode == "ro")
    made = _memory_store(url, path, options, setting) if scheme == "memory" else _remote_store(scheme, path, options, setting)
    return made if mode == "rw" else ReadOnlyStore(made)


def _disk_store(url: str, path: str, options: Mapping[str, str], setting: str, *, read_only: bool) -> Store:
    if not path:
        raise ConfigError(f"{setting} must name a directory (disk:///path, disk://~/path), got {url!r}")
    arguments = _parse(options, {"size_limit": str, "lock_wait": float, "open_wait": float}, f"{setting} {url}")
    return disk_or_memory(unquote(path), read_only=read_only, **arguments)


def _memory_store(url: str, path: str, options: Mapping[str, str], setting: str) -> Store:
    from wirecache.stores._memory import MemoryStore

    if path.strip("/"):
        raise ConfigError(f"{setting} must be memory:// without a path, got {url!r}")
    return MemoryStore(**_parse(options, {"max_entries": int, "max_bytes": str}, f"{setting} {url}"))


def _remote_store(scheme: str, path: str, options: Mapping[str, str], setting: str) -> Store:
    from wirecache.stores._object_url import OBJECT_SCHEMES
    from wirecache.stores._redis_url import SCHEMES

    if scheme in OBJECT_SCHEMES:
        return _object_store(scheme, path, options, setting)
    if scheme not in SCHEMES:
        raise ConfigError(
            f"{setting} must be a path, or a URL that begins with {', '.join(('memory', 'disk', *SCHEMES, *OBJECT_SCHEMES))}, "
            f"got the scheme {scheme!r}"
        )
    from wirecache.stores._redis import RedisStore

    ours, redis_py = _split(options, {"prefix": str, "timeout": float, "max_connections": int}, setting)
    return RedisStore(f"{scheme}://{path}{'?' if redis_py else ''}{urlencode(redis_py)}", **ours)


def _object_store(scheme: str, path: str, options: Mapping[str, str], setting: str) -> Store:
    from wirecache.stores._objects import ObjectStore

    ours, of_obstore = _split(options, {"timeout": float}, setting)
    return ObjectStore(f"{scheme}://{path}", **ours, **of_obstore)


def _split(options: Mapping[str, str], types: Mapping[str, Callable[[str], Any]], setting: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that are the store's own, as arguments, and those of the library under it."""
    ours = _parse({name: value for name, value in options.items() if name in types}, types, setting)
    return ours, {name: value for name, value in options.items() if name not in types}


def _parse(options: Mapping[str, str], types: Mapping[str, Callable[[str], Any]], where: str) -> dict[str, Any]:
    """Return the options of a URL as arguments; ``ConfigError`` names one that is unknown or not a number."""
    arguments = {}
    for name, value in options.items():
        if name not in types:
            raise ConfigError(f"{where}: options must be among {', '.join(types)}, got {name!r}")
        try:
            arguments[name] = types[name](value)
        except ValueError:
            raise ConfigError(f"{where}: {name} must be a number, got {value!r}") from None
    return arguments
