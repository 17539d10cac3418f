"""Read-only use of a store, such as a team's cache that continuous integration reads and never writes."""

from __future__ import annotations

from typing import Any

from wirecache.errors import StoreError
from wirecache.stores._protocol import Store

__all__ = ["ReadOnlyStore", "is_read_only", "read_only_error"]

# The optional methods of a store that do not change anything.
READS = frozenset({"aget", "get_with_ttl", "aget_with_ttl", "keys", "newest", "history", "hits", "location", "close", "add_error_listener"})


def is_read_only(store: object) -> bool:
    """Return whether nothing may be written to this store."""
    return bool(getattr(store, "read_only", False))


def read_only_error(store: object) -> StoreError:
    """Return the error for an attempt to change the store."""
    return StoreError(f"{store!r} is read-only: nothing in it can be stored, replaced or deleted (mode=ro)")


class ReadOnlyStore:
    """Makes another store read-only: ``redis://host?mode=ro``.

    ``inner``: the store. Its optional methods are available if they do not change anything; ``set`` raises ``StoreError``.
    """

    read_only = True

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"ReadOnlyStore({self.inner!r})"

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        return self.inner.get(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Raise ``StoreError``."""
        raise read_only_error(self)

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("inner")
        if name in READS and hasattr(inner, name):
            return getattr(inner, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
