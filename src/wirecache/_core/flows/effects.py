"""What may a flow ask of the world? Each effect is answered by the shell that drives the flow.

A flow writes ``entry: Entry | None = yield Lookup(key)``; it ends by returning an outcome.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from wirecache._core.headers import HeaderPairs
from wirecache._core.keys.canonical import Body
from wirecache._core.messages import Entry, Usage
from wirecache._core.status import CacheStatus

if TYPE_CHECKING:
    from wirecache._core.flows.recorder import Recorder

__all__ = [
    "COMPUTE", "READ_ANSWER", "READ_BODY", "READ_CLOCK", "AcquireLease", "Admit", "Claim", "ClaimItems", "Compute", "Discard", "Effect",
    "Flow", "Follow", "FollowItems", "Forward", "KeepItems", "Lease", "Lookup", "LookupItems", "Outcome", "ReadAnswer", "ReadBody",
    "ReadClock", "Refuse", "Relay", "Reuse", "Save", "SendBefore", "Turn", "Wait",
]  # fmt: skip


class ReadBody(NamedTuple):
    """Read the request's body (it is still sent). Answered with its bytes."""


READ_BODY = ReadBody()


class Lookup(NamedTuple):
    """Look into the store. Answered with the entry, or None; a store in trouble has none."""

    key: str


class Forward(NamedTuple):
    """Send the request upstream, with these headers changed for this once. Answered with the head of the response.

    ``content``: what is sent in place of the request's own body, None for that one.
    """

    changes: Mapping[bytes, bytes] = MappingProxyType({})
    content: bytes | None = None


class Admit(NamedTuple):
    """Reserve what a call may cost in the budgets, before it is sent. Answered with a ``Denial``, or None: send it."""

    endpoint: str
    model: str


class SendBefore(NamedTuple):
    """Send another body to where the request goes, before that does: with its headers, these changed and those left out.

    Answered with the head of the response. Its body is read up to a reply of JSON-RPC, and dropped.
    """

    content: bytes
    changes: Mapping[bytes, bytes] = MappingProxyType({})
    without: tuple[bytes, ...] = ()


class Save(NamedTuple):
    """Store an entry that is whole already (its headers were updated). Answered with whether it will be stored."""

    entry: Entry


class ReadClock(NamedTuple):
    """Look what time it is. Answered with seconds since the epoch."""


READ_CLOCK = ReadClock()


class Discard(NamedTuple):
    """Drop what is stored under the key. Answered with None."""

    key: str


# -- concurrent equal requests ----------------------------------------------------------------------------------------


class Turn(StrEnum):
    """Which part a call has among the equal calls of this process.

    ``LEAD``: forward, for all. ``LOOK_AGAIN``: forward, but look first, since another call has stored something since this one began.
    ``FOLLOW``: wait for the leader. ``ALONE``: forward without a claim, since the leader waits for this very caller.
    """

    LEAD = "lead"
    LOOK_AGAIN = "look-again"
    FOLLOW = "follow"
    ALONE = "alone"


class Claim(NamedTuple):
    """Claim the forward of this key within the process. Answered with a ``Turn``."""

    key: str


class Follow(NamedTuple):
    """Wait for the leader. Answered with whether its answer was stored; ``TimeoutError`` after ``seconds``."""

    key: str
    seconds: float


class Lease(StrEnum):
    """What became of the wish to forward a key for all processes on a store.

    ``HELD``: this process forwards. ``BUSY``: another one does. ``REFUSED``: another one did, and has nothing to share: go on alone.
    """

    HELD = "held"
    BUSY = "busy"
    REFUSED = "refused"


class AcquireLease(NamedTuple):
    """Acquire the lease of this key in the common store. Answered with a ``Lease``; a store in trouble lets everybody have it."""

    key: str


class Wait(NamedTuple):
    """Let some time pass. Answered with None."""

    seconds: float


# -- a request that is looked up item by item -------------------------------------------------------------------------


class Compute(NamedTuple):
    """Much is to be computed next: on an event loop, the flow goes on in a worker thread. Answered with an empty dict."""


COMPUTE = Compute()


class LookupItems(NamedTuple):
    """Look into the store for several keys. Answered with a dict of the entries that are there, by key."""

    keys: tuple[str, ...]


class ClaimItems(NamedTuple):
    """Claim the forwards of several keys within the process. Answered with a ``Turn`` for each."""

    keys: tuple[str, ...]


class FollowItems(NamedTuple):
    """Wait for the leaders of all keys that were claimed by others. Answered with None; ``TimeoutError`` after ``seconds``."""

    seconds: float


class ReadAnswer(NamedTuple):
    """Read the body of upstream's response to its end. Answered with its bytes, content encoding undone; it can still be relayed."""


READ_ANSWER = ReadAnswer()


class KeepItems(NamedTuple):
    """Store the entries, and let those go on that follow their keys. Answered with the reason why one is not stored, or None."""

    entries: tuple[Entry, ...]


# -- outcomes ---------------------------------------------------------------------------------------------------------


class Reuse(NamedTuple):
    """Answer from the entry; ``age`` in seconds. ``live``: headers of the answer that confirmed it, for this caller alone.

    ``keys``: of the entries of which it was composed, if it was.
    """

    entry: Entry
    status: CacheStatus
    age: float
    live: HeaderPairs = ()
    keys: tuple[str, ...] = ()


class Relay(NamedTuple):
    """Pass upstream's answer on; with a recorder, keep a copy of the body for the store. ``model``: the one requested, where known.

    ``meter``: reads the usage off a body that is not recorded.
    ``body``: what the caller gets in place of upstream's own body. ``usage``: what was billed, where the flow has read it. ``keys``: of the
    entries of which the body was composed, or into which it went.
    """

    status: CacheStatus
    recorder: Recorder | None = None
    model: str | None = None
    meter: Recorder | None = None
    body: bytes | None = None
    usage: Usage | None = None
    keys: tuple[str, ...] = ()


class Refuse(NamedTuple):
    """Answer that the request is not sent. ``body``: of one that could have been stored. ``model``: where it is known otherwise."""

    status: CacheStatus
    message: str
    body: Body | None = None
    model: str | None = None


Effect: TypeAlias = (
    ReadBody | Lookup | Admit | Claim | Follow | AcquireLease | Wait | Forward | SendBefore | Save | Discard | ReadClock
    | Compute | LookupItems | ClaimItems | FollowItems | ReadAnswer | KeepItems
)  # fmt: skip
Outcome: TypeAlias = Reuse | Relay | Refuse
Flow: TypeAlias = Generator[Effect, Any, Outcome]
