"""The cache that a client gets by default."""

from __future__ import annotations

from typing import Any

from wirecache._caches.cache import Cache
from wirecache._caches.cassette import Cassette
from wirecache._caches.explain import Explanation

__all__ = ["explain"]


def explain(request: Any, cache: Cache | Cassette | None = None) -> Explanation:
    """Return whether this request would be answered from the store, and why not. Nothing is sent.

    ``request``: as for ``Cache.explain``. ``cache``: None for the one that a client gets by default.
    """
    return (Cache() if cache is None else cache).explain(request)
