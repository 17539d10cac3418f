"""What may a flow ask of the world? Each effect is answered by the shell that drives the flow.

A flow writes ``entry: Entry | None = yield Lookup(key)``; it ends by returning an outcome.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from wirecache._core.messages import Entry
from wirecache._core.recording import Recorder
from wirecache._core.status import CacheStatus

__all__ = ["Discard", "Effect", "Flow", "Forward", "Lookup", "Outcome", "ReadBody", "Refuse", "Relay", "Reuse", "Save"]


@dataclass(frozen=True, slots=True)
class ReadBody:
    """Read the request's body (it is still sent). Answered with its bytes."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look into the store. Answered with the entry, or None; a store in trouble has none."""

    key: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request upstream, with these headers changed for this once. Answered with the head of the response."""

    changes: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])


@dataclass(frozen=True, slots=True)
class Save:
    """Store an entry that is whole already (its headers were renewed). Answered with nothing."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Discard:
    """Drop what is stored under the key. Answered with nothing."""

    key: str


@dataclass(frozen=True, slots=True)
class Reuse:
    """Answer from the entry; ``age`` in seconds."""

    entry: Entry
    status: CacheStatus
    age: float


@dataclass(frozen=True, slots=True)
class Relay:
    """Pass upstream's answer on; with a recorder, keep a copy of the body for the store."""

    status: CacheStatus
    recorder: Recorder | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer that there is nothing stored, without asking upstream."""

    status: CacheStatus
    message: str


Effect: TypeAlias = ReadBody | Lookup | Forward | Save | Discard
Outcome: TypeAlias = Reuse | Relay | Refuse
Flow: TypeAlias = Generator[Effect, Any, Outcome]
