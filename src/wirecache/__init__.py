"""A cache for LLM SDKs at the HTTP layer: repeated calls are answered from a store, byte for byte and without the network.

from openai import OpenAI
from wirecache import cached_client

client = OpenAI(http_client=cached_client())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wirecache._core.version import __version__

if TYPE_CHECKING:
    from wirecache._caches.budgets import Spending
    from wirecache._caches.cache import Cache
    from wirecache._caches.cassette import Cassette, CassetteReport
    from wirecache._caches.context import capture, options, samples
    from wirecache._caches.default import explain
    from wirecache._caches.explain import Explanation
    from wirecache._clients.attach import attach, detach
    from wirecache._clients.install import install, uninstall
    from wirecache._clients.select import cached_async_client, cached_client
    from wirecache._clients.warm import WarmError, WarmReport, awarm, warm
    from wirecache._core.flows.exchange import Exchange
    from wirecache._core.keys.keys import KeyOptions, make_key
    from wirecache._core.messages import Entry, Usage
    from wirecache._core.privacy.redaction import Redactor
    from wirecache._core.rules.budget import Budget
    from wirecache._core.rules.plan import Mode
    from wirecache._core.rules.record_modes import RecordMode
    from wirecache._core.rules.rules import Rule
    from wirecache._core.status import CacheStatus
    from wirecache.cassette import CassetteStore
    from wirecache.cassette._session import Drift
    from wirecache.errors import CassetteError, CassetteFormatError, ConfigError, NotRecorded, StoreError, WirecacheError
    from wirecache.stats import Stats
    from wirecache.stores import DiskStore, EncryptedStore, MemoryStore, ObjectStore, RedisStore, Store, TieredStore

__all__ = [
    "Budget",
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
    "ObjectStore",
    "RecordMode",
    "Redactor",
    "RedisStore",
    "Rule",
    "Spending",
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
    "samples",
    "uninstall",
    "warm",
]

# Names are imported on first access: `import wirecache` stays fast and imports neither HTTP library.
_WHERE = {
    "Budget": "_core.rules.budget",
    "Cache": "_caches.cache",
    "CacheStatus": "_core.status",
    "Cassette": "_caches.cassette",
    "CassetteError": "errors",
    "CassetteFormatError": "errors",
    "CassetteReport": "_caches.cassette",
    "CassetteStore": "cassette",
    "ConfigError": "errors",
    "DiskStore": "stores",
    "Drift": "cassette._session",
    "EncryptedStore": "stores",
    "Entry": "_core.messages",
    "Exchange": "_core.flows.exchange",
    "Explanation": "_caches.explain",
    "KeyOptions": "_core.keys.keys",
    "MemoryStore": "stores",
    "Mode": "_core.rules.plan",
    "NotRecorded": "errors",
    "ObjectStore": "stores",
    "RecordMode": "_core.rules.record_modes",
    "Redactor": "_core.privacy.redaction",
    "RedisStore": "stores",
    "Rule": "_core.rules.rules",
    "Spending": "_caches.budgets",
    "Stats": "stats",
    "Store": "stores",
    "StoreError": "errors",
    "TieredStore": "stores",
    "Usage": "_core.messages",
    "WarmError": "_clients.warm",
    "WarmReport": "_clients.warm",
    "WirecacheError": "errors",
    "attach": "_clients.attach",
    "awarm": "_clients.warm",
    "cached_async_client": "_clients.select",
    "cached_client": "_clients.select",
    "capture": "_caches.context",
    "detach": "_clients.attach",
    "explain": "_caches.default",
    "install": "_clients.install",
    "make_key": "_core.keys.keys",
    "options": "_caches.context",
    "samples": "_caches.context",
    "uninstall": "_clients.install",
    "warm": "_clients.warm",
}


_MODULES = frozenset({"cassette", "errors", "httpx", "httpx2", "otel", "prices", "serve", "stats", "stores"})


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
