"""What may a flow ask of the world? Each effect is answered by the shell that drives the flow.

A flow writes ``entry: Entry | None = yield Lookup(key)``; it ends by returning an outcome.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from wirecache._core.flows.recorder import Recorder
from wirecache._core.keys.canonical import Body
from wirecache._core.messages import Entry
from wirecache._core.status import CacheStatus

__all__ = ["Claim", "Discard", "Effect", "Flow", "Forward", "Lookup", "Outcome", "ReadBody", "Refuse", "Relay", "Reuse", "Save"]


class ReadBody(NamedTuple):
    """Read the request's body (it is still sent). Answered with its bytes."""


class Lookup(NamedTuple):
    """Look into the store. Answered with the entry, or None; a store in trouble has none."""

    key: str


class Claim(NamedTuple):
    """Lead the forward of this key, or wait for whoever does. Answered with what the leader stored, or None: forward it yourself.

    ``than``: when the entry that may not answer was stored, if there is one; the leader's is another.
    """

    key: str
    than: float | None = None


class Forward(NamedTuple):
    """Send the request upstream, with these headers changed for this once. Answered with the head of the response."""

    changes: Mapping[bytes, bytes] = MappingProxyType({})


class Save(NamedTuple):
    """Store an entry that is whole already (its headers were renewed). Answered with whether it will be."""

    entry: Entry


class Discard(NamedTuple):
    """Drop what is stored under the key. Answered with nothing."""

    key: str


class Reuse(NamedTuple):
    """Answer from the entry; ``age`` in seconds."""

    entry: Entry
    status: CacheStatus
    age: float


class Relay(NamedTuple):
    """Pass upstream's answer on; with a recorder, keep a copy of the body for the store. ``model``: the one asked, where it is known."""

    status: CacheStatus
    recorder: Recorder | None = None
    model: str | None = None


class Refuse(NamedTuple):
    """Answer that there is nothing stored, without asking upstream. ``body``: of a request that could have been stored."""

    status: CacheStatus
    message: str
    body: Body | None = None


Effect: TypeAlias = ReadBody | Lookup | Claim | Forward | Save | Discard
Outcome: TypeAlias = Reuse | Relay | Refuse
Flow: TypeAlias = Generator[Effect, Any, Outcome]
