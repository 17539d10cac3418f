"""An import hook, which notices that a library is imported without importing it.

A finder at the head of ``sys.meta_path`` lets the other finders find the library, and wraps its loader.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Collection, Sequence
from types import ModuleType
from typing import Any

__all__ = ["ImportHook"]


class ImportHook(importlib.abc.MetaPathFinder):
    """Calls ``on_import(name, module)`` when one of the named modules has been loaded, before its importer sees it."""

    def __init__(self, names: Collection[str], on_import: Callable[[str, ModuleType], None]) -> None:
        self._names = names
        self._on_import = on_import

    def add(self) -> None:
        """Watch imports from now on."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop watching imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that the next finder has for a watched module, with a wrapped loader, or None."""
        if fullname not in self._names:
            return None
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            spec = find_spec(fullname, path, target) if find_spec is not None and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, fullname, self._on_import)
                return spec  # type: ignore[no-any-return]
        return None


class _Loader(importlib.abc.Loader):
    """Loads with the original loader, which is the only one that the module gets to see."""

    def __init__(self, original: Any, name: str, on_import: Callable[[str, ModuleType], None]) -> None:
        self._original = original
        self._name = name
        self._on_import = on_import

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._original.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        for owner, name in ((module.__spec__, "loader"), (module, "__loader__")):
            if getattr(owner, name, None) is self:
                setattr(owner, name, self._original)
        self._original.exec_module(module)
        self._on_import(self._name, module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
