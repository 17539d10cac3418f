"""Where do entries lie? The store's contract, and the stores."""

from __future__ import annotations

from wirecache.stores._disk import DiskStore
from wirecache.stores._open import open_store
from wirecache.stores._protocol import Store

__all__ = ["DiskStore", "Store", "open_store"]
