"""Discovery of the HTTP clients within an object (an SDK's client, a model, a chain), at any depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from wirecache._clients.frameworks import Inner, Unreachable, framework_findings
from wirecache._clients.patches import Patch, client_patch, transport_class_for

__all__ = ["Discovery", "discover"]

MAX_DEPTH = 10  # attributes of attributes; an HTTP client is at depth 2 in an SDK's client, at depth 5 in an agent
MAX_OBJECTS = 20_000  # takes some 50 ms
_CONTAINERS = (list, tuple, dict, set, frozenset, deque)
# Types that do not lead to an HTTP client that a user wants to attach to.
_LEAVES = (str, bytes, bytearray, int, float, complex, type, ModuleType, FunctionType, BuiltinFunctionType, type(None))
_LEAF_PACKAGES = frozenset({"asyncio", "contextvars", "datetime", "decimal", "enum", "logging", "numpy", "pandas", "pathlib", "re", "ssl",
                            "socket", "threading", "_thread", "types", "typing", "uuid", "weakref",
                            "langsmith", "opentelemetry"})  # fmt: skip


@dataclass(slots=True)
class Discovery:
    """What was found in an object.

    ``patches``: put the cache under its clients. ``unreachable``: messages about clients that cannot be patched. ``searched``: the names
    of the classes and modules that were searched.
    """

    patches: list[Patch] = field(default_factory=list[Patch])
    unreachable: list[str] = field(default_factory=list[str])
    searched: list[str] = field(default_factory=list[str])


def discover(root: Any) -> Discovery:
    """Return what is found in an object's attributes, recursively, breadth first."""
    discovery = Discovery()
    seen: dict[int, Any] = {id(root): root}  # keeps references to the objects, so that no id is reused
    queue = deque([(root, 0)])
    while queue:
        current, depth = queue.popleft()
        for value in _inspect(current, discovery):
            if depth < MAX_DEPTH and len(seen) < MAX_OBJECTS and id(value) not in seen and not _is_leaf(value):
                seen[id(value)] = value
                queue.append((value, depth + 1))
    return discovery


def _inspect(value: Any, discovery: Discovery) -> Iterator[Any]:
    """Add what is known about this object to ``discovery``. Yield the objects to search next."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__qualname__
    if not isinstance(value, _CONTAINERS) and name not in discovery.searched:
        discovery.searched.append(name)
    is_client = transport_class_for(type(value)) is not None
    if is_client:
        discovery.patches.append(client_patch(value))
    for finding in framework_findings(value):
        match finding:
            case Patch():
                discovery.patches.append(finding)
            case Unreachable(message):
                discovery.unreachable.append(message)
            case Inner(inner):
                yield inner
    if not is_client and not isinstance(value, type | ModuleType):
        yield from _members(value)


def _is_leaf(value: Any) -> bool:
    return isinstance(value, _LEAVES) or type(value).__module__.partition(".")[0] in _LEAF_PACKAGES


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return list(value.values()) if isinstance(value, dict) else ()  # other mappings may compute their values
    if isinstance(value, _CONTAINERS):
        return list(value)
    if isinstance(value, MethodType):
        return (value.__self__,)
    if isinstance(value, partial):
        return (value.func, *value.args, *value.keywords.values())
    return [*_lazy_clients(value), *_slots(value), *getattr(value, "__dict__", {}).values()]


def _slots(value: Any) -> Iterator[Any]:
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            with suppress(Exception):
                yield object.__getattribute__(value, slot)


def _lazy_clients(value: Any) -> Iterator[Any]:
    """Create and yield the clients that an object would create on first use and keep (LangChain's ``ChatAnthropic``)."""
    for base in type(value).__mro__:
        for name, attribute in vars(base).items():
            if isinstance(attribute, cached_property) and name.endswith("client"):
                with suppress(Exception):  # it cannot be created yet, so it is not in use either
                    yield getattr(value, name)
