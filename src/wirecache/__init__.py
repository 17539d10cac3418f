"""The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network.

from openai import OpenAI
from wirecache import cached_client

client = OpenAI(http_client=cached_client())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wirecache._cache import Cache, explain
    from wirecache._calls import Exchange, capture, options
    from wirecache._cassette import Cassette, CassetteReport, Drift
    from wirecache._core.keys import KeyOptions, make_key
    from wirecache._core.messages import Entry, Usage
    from wirecache._core.plan import Mode
    from wirecache._core.record_modes import RecordMode
    from wirecache._core.redaction import Redactor
    from wirecache._core.rules import Rule
    from wirecache._core.status import CacheStatus
    from wirecache._explain import Explanation
    from wirecache._pick import cached_async_client, cached_client
    from wirecache._reach.attach import attach, detach
    from wirecache._reach.install import install, uninstall
    from wirecache._warm import WarmError, WarmReport, awarm, warm
    from wirecache.cassette import CassetteStore
    from wirecache.errors import CassetteError, CassetteFormatError, ConfigError, NotRecorded, StoreError, WirecacheError
    from wirecache.stats import Stats
    from wirecache.stores import DiskStore, EncryptedStore, MemoryStore, RedisStore, Store, TieredStore

__version__ = "0.1.0"

__all__ = [
    "Cache",
    "CacheStatus",
    "Cassette",
    "CassetteError",
    "CassetteFormatError",
    "CassetteReport",
    "CassetteStore",
    "ConfigError",
    "DiskStore",
    "Drift",
    "EncryptedStore",
    "Entry",
    "Exchange",
    "Explanation",
    "KeyOptions",
    "MemoryStore",
    "Mode",
    "NotRecorded",
    "RecordMode",
    "Redactor",
    "RedisStore",
    "Rule",
    "Stats",
    "Store",
    "StoreError",
    "TieredStore",
    "Usage",
    "WarmError",
    "WarmReport",
    "WirecacheError",
    "__version__",
    "attach",
    "awarm",
    "cached_async_client",
    "cached_client",
    "capture",
    "detach",
    "explain",
    "install",
    "make_key",
    "options",
    "uninstall",
    "warm",
]

# Loaded when first asked for, so that importing wirecache costs next to nothing and imports neither HTTP library.
_WHERE = {
    "Cache": "_cache",
    "CacheStatus": "_core.status",
    "Cassette": "_cassette",
    "CassetteError": "errors",
    "CassetteFormatError": "errors",
    "CassetteReport": "_cassette",
    "CassetteStore": "cassette",
    "ConfigError": "errors",
    "DiskStore": "stores",
    "Drift": "_cassette",
    "EncryptedStore": "stores",
    "Entry": "_core.messages",
    "Exchange": "_calls",
    "Explanation": "_explain",
    "KeyOptions": "_core.keys",
    "MemoryStore": "stores",
    "Mode": "_core.plan",
    "NotRecorded": "errors",
    "RecordMode": "_core.record_modes",
    "Redactor": "_core.redaction",
    "RedisStore": "stores",
    "Rule": "_core.rules",
    "Stats": "stats",
    "Store": "stores",
    "StoreError": "errors",
    "TieredStore": "stores",
    "Usage": "_core.messages",
    "WarmError": "_warm",
    "WarmReport": "_warm",
    "WirecacheError": "errors",
    "attach": "_reach.attach",
    "awarm": "_warm",
    "cached_async_client": "_pick",
    "cached_client": "_pick",
    "capture": "_calls",
    "detach": "_reach.attach",
    "explain": "_cache",
    "install": "_reach.install",
    "make_key": "_core.keys",
    "options": "_calls",
    "uninstall": "_reach.install",
    "warm": "_warm",
}


_MODULES = frozenset({"cassette", "errors", "httpx", "httpx2", "otel", "prices", "stats", "stores"})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"wirecache.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'wirecache' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"wirecache.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
