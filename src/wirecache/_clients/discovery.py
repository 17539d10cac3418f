"""Which HTTP clients does an object hold, an SDK's client, a model, a chain, however deep?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from wirecache._clients.frameworks import Unreachable, known
from wirecache._clients.patches import Site, face_of, site_of

__all__ = ["Found", "find"]

DEEPEST = 10  # attributes of attributes; an HTTP client lies at 2 in an SDK's client, at 5 in an agent
MOST = 20_000  # objects looked at: some 50 ms
# Nothing of these leads to an HTTP client that one would want to attach to.
_LEAVES = (str, bytes, bytearray, int, float, complex, type, ModuleType, FunctionType, BuiltinFunctionType, type(None))
_ELSEWHERE = frozenset({"asyncio", "contextvars", "datetime", "decimal", "enum", "logging", "numpy", "pandas", "pathlib", "re", "ssl",
                        "socket", "threading", "_thread", "types", "typing", "uuid", "weakref",
                        "langsmith", "opentelemetry"})  # fmt: skip


@dataclass(slots=True)
class Found:
    """Where the cache is to be put, what cannot be reached, and what was looked at on the way."""

    sites: list[Site] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)


def find(root: Any) -> Found:
    """Look through an object's attributes, and theirs, the nearest first."""
    found = Found()
    seen: dict[int, Any] = {id(root): root}  # holding them, so that no id is given out anew
    waiting = deque([(root, 0)])
    while waiting:
        here, depth = waiting.popleft()
        for held in _look_at(here, found):
            if depth < DEEPEST and len(seen) < MOST and id(held) not in seen and not _is_leaf(held):
                seen[id(held)] = held
                waiting.append((held, depth + 1))
    return found


def _look_at(here: Any, found: Found) -> Iterator[Any]:
    """What it holds; what is to be done about it goes to ``found``."""
    name = getattr(here, "__qualname__", None) or getattr(here, "__name__", None) or type(here).__qualname__
    if not isinstance(here, list | tuple | dict | set | frozenset | deque) and name not in found.looked_at:
        found.looked_at.append(name)
    is_client = face_of(type(here)) is not None
    if is_client:
        found.sites.append(site_of(here))
    for more in known(here):
        if isinstance(more, Site):
            found.sites.append(more)
        elif isinstance(more, Unreachable):
            found.unreachable.append(str(more))
        else:
            yield more
    if not is_client and not isinstance(here, type | ModuleType):
        yield from _held(here)


def _is_leaf(value: Any) -> bool:
    return isinstance(value, _LEAVES) or type(value).__module__.partition(".")[0] in _ELSEWHERE


def _held(here: Any) -> Iterable[Any]:
    if isinstance(here, Mapping):
        return list(here.values()) if isinstance(here, dict) else ()
    if isinstance(here, list | tuple | set | frozenset | deque):
        return list(here)
    if isinstance(here, MethodType):
        return (here.__self__,)
    if isinstance(here, partial):
        return (here.func, *here.args, *here.keywords.values())
    return [*_made_when_asked(here), *_slots(here), *getattr(here, "__dict__", {}).values()]


def _slots(here: Any) -> Iterator[Any]:
    for kind in type(here).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            with suppress(Exception):
                yield object.__getattribute__(here, slot)


def _made_when_asked(here: Any) -> Iterator[Any]:
    """The clients that an object makes when it is first asked for them, and keeps (LangChain's ``ChatAnthropic``)."""
    for kind in type(here).__mro__:
        for name, value in vars(kind).items():
            if isinstance(value, cached_property) and name.endswith("client"):
                with suppress(Exception):  # it cannot be made yet, so it is not the one in use
                    yield getattr(here, name)
