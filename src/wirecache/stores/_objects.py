"""A store in a bucket of S3, Google Cloud Storage or Azure, which many machines can share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from wirecache._runtime.forks import reset_after_fork
from wirecache.errors import ConfigError
from wirecache.stores._object_client import ObjectClient
from wirecache.stores._object_errors import is_absent
from wirecache.stores._object_url import parse_object_url

__all__ = ["ObjectStore"]

EXPIRES = "wirecacheexpires"  # the name of an object's metadata; only letters, as Azure requires
LISTED_AT_ONCE = 1000  # objects
READ_AT_ONCE = 32  # objects, each in a thread
DELETED_AT_ONCE = 100  # objects, which a slow server must delete within the timeout
# The names that wirecache uses. Other objects in the bucket are neither listed nor deleted.
_KEY = re.compile(r"(?:[a-z0-9]+-)*[0-9a-f]{64}")


class ObjectStore:
    """Entries as objects in a bucket, for many machines; safe for threads and event loops.

    ``url``: ``s3://bucket/prefix`` (S3 and compatible servers), ``gs://bucket/prefix``, ``az://container/prefix``. ``timeout``:
    seconds that a request may take, including the transfer of its value; one that fails in less than half of that is retried once.
    ``options`` are obstore's own (``region=``, ``endpoint=``, ``allow_http=``, ``account_name=``); they may also be in the URL's query.
    Credentials come from the environment, the provider's files or the machine's role, as obstore finds them, and never appear in messages.

    If the bucket is unavailable, a ``StoreError`` is raised, from then on without delay, until a background thread finds that it is
    available again. An object contains the stored bytes, and its expiry in the metadata: an expired one counts as absent, and is left to a
    lifecycle rule of the bucket. ``keys`` and ``clear`` see only wirecache's objects directly under the prefix.
    """

    def __init__(self, url: str, *, timeout: float = 2.0, **options: Any) -> None:
        try:
            import obstore  # noqa: F401
        except ImportError as error:
            raise ImportError("ObjectStore needs the obstore package: pip install 'wirecache[objects]'") from error
        if not timeout > 0:
            raise ConfigError(f"timeout must be a number of seconds above 0, got {timeout!r}")
        self.timeout = timeout
        self._address = parse_object_url(url, options)
        self._client = ObjectClient(self._address, timeout)
        reset_after_fork(self)

    def __repr__(self) -> str:
        return f"ObjectStore({self._address.text!r})"

    @property
    def location(self) -> tuple[str, str]:
        """Where the entries are; stores with the same location share their state."""
        return self._address.text, self._address.endpoint

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        found = self._client.run(partial(_get, key=key))
        return found.value if found is not None else None

    async def aget(self, key: str) -> bytes | None:
        """Return the value under the key, or None. Uses obstore's coroutines; under trio, and the first time, a thread."""
        found = await self._client.arun(partial(_aget, key=key), lambda: self._client.run(partial(_get, key=key)))
        return found.value if found is not None else None

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return _with_ttl(self._client.run(partial(_get, key=key)))

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return _with_ttl(await self._client.arun(partial(_aget, key=key), lambda: self._client.run(partial(_get, key=key))))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one, ``READ_AT_ONCE`` of them at a time."""
        wanted = list(keys)
        with ThreadPoolExecutor(READ_AT_ONCE, "wirecache-objects") as readers:
            values = list(readers.map(self.get, wanted))
        return {key: value for key, value in zip(wanted, values, strict=True) if value is not None}

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        if ttl is not None and ttl <= 0:
            self._client.run(partial(_delete, names=[key]))
        else:
            self._client.run(partial(_put, key=key, value=value, ttl=ttl))

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key. Return whether it was kept.

        Of several machines at once, one gets True, if the server checks and writes atomically, as S3, Google Cloud Storage and Azure do.
        """
        return self._client.run(partial(_add, key=key, value=value, ttl=ttl))

    def delete(self, key: str) -> bool:
        """Delete the key. Return whether there was a value."""
        return self._client.run(partial(_exists, key=key)) and self._client.run(partial(_delete, names=[key]))

    def keys(self) -> Iterator[str]:
        """Return the keys, in no order, expired ones included. What is stored or deleted meanwhile may be listed or not."""
        batches = self._client.run(_list)
        while (batch := self._client.run(lambda _: next(batches, None))) is not None:
            yield from (key for found in batch if _KEY.fullmatch(key := found["path"]))

    def clear(self) -> None:
        """Delete every key under the prefix."""
        keys = self.keys()
        while batch := list(islice(keys, DELETED_AT_ONCE)):
            self._client.run(partial(_delete, names=batch))

    def close(self) -> None:
        """Close the connections. The next use opens them again."""
        self._client.close()

    def after_fork(self) -> None:
        """Drop the connections, which belong to the parent."""
        self._client.after_fork()


class _Found(NamedTuple):
    value: bytes
    expires: float | None  # Unix time


def _get(client: Any, key: str) -> _Found | None:
    import obstore

    try:
        result = obstore.get(client, key)
        expires = _expires(result.attributes)
        return None if _is_over(expires) else _Found(bytes(result.bytes()), expires)
    except FileNotFoundError as error:
        if is_absent(error):
            return None
        raise


async def _aget(client: Any, key: str) -> _Found | None:
    import obstore

    try:
        result = await obstore.get_async(client, key)
        expires = _expires(result.attributes)
        return None if _is_over(expires) else _Found(bytes(await result.bytes_async()), expires)
    except FileNotFoundError as error:
        if is_absent(error):
            return None
        raise


def _put(client: Any, key: str, value: bytes, ttl: float | None, mode: Any = "overwrite") -> None:
    """Store the object in one request, so that it is stored completely or not at all."""
    import obstore

    attributes = {"Content-Type": "application/octet-stream"}
    if ttl is not None:
        attributes[EXPIRES] = f"{time.time() + ttl:.3f}"
    obstore.put(client, key, value, attributes=attributes, mode=mode, use_multipart=False)


def _add(client: Any, key: str, value: bytes, ttl: float | None) -> bool:
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    try:
        try:
            _put(client, key, value, ttl, "create")
        except AlreadyExistsError:
            expired = _expired_version(client, key)
            if expired is None:
                return False
            _replace(client, key, value, ttl, expired)
    except (AlreadyExistsError, PreconditionError):
        return False
    return True


def _expired_version(client: Any, key: str) -> dict[str, Any] | None:
    """Return the version of the object, if it has expired."""
    import obstore

    try:
        result = obstore.get(client, key)
    except FileNotFoundError:
        return None
    if not _is_over(_expires(result.attributes)):
        return None
    return {name: found for name in ("e_tag", "version") if (found := result.meta[name]) is not None}


def _replace(client: Any, key: str, value: bytes, ttl: float | None, version: dict[str, Any]) -> None:
    """Replace this version of the object; in two steps if the server cannot do it atomically."""
    from obstore.exceptions import GenericError

    try:
        _put(client, key, value, ttl, version)
    except GenericError as error:
        if "501 Not Implemented" not in str(error):
            raise
        _delete(client, [key])
        _put(client, key, value, ttl, "create")


def _exists(client: Any, key: str) -> bool:
    import obstore

    try:
        obstore.head(client, key)
    except FileNotFoundError:
        return False
    return True


def _delete(client: Any, names: list[str]) -> bool:
    """Delete the objects. Return True, even if another machine was first."""
    import obstore

    try:
        obstore.delete(client, names)
    except FileNotFoundError:
        pass
    return True


def _list(client: Any) -> Iterator[Any]:
    import obstore

    return iter(obstore.list(client, chunk_size=LISTED_AT_ONCE))


def _expires(attributes: Any) -> float | None:
    try:
        return float(attributes[EXPIRES])
    except (KeyError, ValueError):
        return None


def _is_over(expires: float | None) -> bool:
    return expires is not None and expires <= time.time()


def _with_ttl(found: _Found | None) -> tuple[bytes, float | None] | None:
    if found is None:
        return None
    return found.value, None if found.expires is None else max(0.0, found.expires - time.time())
