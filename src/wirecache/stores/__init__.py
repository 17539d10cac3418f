"""The stores, and the contract that a store must meet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wirecache.stores._disk import DiskStore
from wirecache.stores._open import Place, open_store
from wirecache.stores._protocol import GONE, Store, drop
from wirecache.stores._stats_table import HistoryError

if TYPE_CHECKING:
    from wirecache.stores._encrypted import EncryptedStore
    from wirecache.stores._memory import MemoryStore
    from wirecache.stores._objects import ObjectStore
    from wirecache.stores._redis import RedisStore
    from wirecache.stores._tiered import TieredStore

__all__ = [
    "GONE",
    "DiskStore",
    "EncryptedStore",
    "HistoryError",
    "MemoryStore",
    "ObjectStore",
    "Place",
    "RedisStore",
    "Store",
    "TieredStore",
    "drop",
    "open_store",
]

_MODULES = {
    "EncryptedStore": "_encrypted",
    "MemoryStore": "_memory",
    "ObjectStore": "_objects",
    "RedisStore": "_redis",
    "TieredStore": "_tiered",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'wirecache.stores' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"wirecache.stores.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
