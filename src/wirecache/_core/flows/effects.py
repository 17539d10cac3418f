"""The effects that a flow may request of the outside world, and the outcomes that it may return.

A flow is a generator: it writes ``entry: Entry | None = yield Lookup(key)``, is answered by the shell that drives it, and ends by
returning an outcome.
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
    """Look up the key in the store. Answered with the entry, or None; a failing store gives None."""

    key: str


class Forward(NamedTuple):
    """Send the request upstream, with these headers changed for this time only. Answered with the head of the response.

    ``content``: sent in place of the request's own body; None sends that body.
    """

    changes: Mapping[bytes, bytes] = MappingProxyType({})
    content: bytes | None = None


class Admit(NamedTuple):
    """Reserve what a call may cost in the budgets, before it is sent. Answered with a ``Denial``, or None if it may be sent."""

    endpoint: str
    model: str


class SendBefore(NamedTuple):
    """Send another body to the request's URL first, with its headers: some changed, those in ``without`` left out.

    Answered with the head of the response. Its body is read up to a JSON-RPC reply, and dropped.
    """

    content: bytes
    changes: Mapping[bytes, bytes] = MappingProxyType({})
    without: tuple[bytes, ...] = ()


class Save(NamedTuple):
    """Store an entry that is complete already (its headers were updated). Answered with whether it will be stored."""

    entry: Entry


class ReadClock(NamedTuple):
    """Read the time. Answered with seconds since the epoch."""


READ_CLOCK = ReadClock()


class Discard(NamedTuple):
    """Delete what is stored under the key. Answered with None."""

    key: str


# -- concurrent equal requests ----------------------------------------------------------------------------------------


class Turn(StrEnum):
    """The role of a call among the concurrent equal calls of this process.

    ``LEAD``: forward, for all. ``LOOK_AGAIN``: forward, but look up first, since another call has stored something since this one began.
    ``FOLLOW``: wait for the leader. ``ALONE``: forward without a claim, since the leader is waiting for this very caller.
    """

    LEAD = "lead"
    LOOK_AGAIN = "look-again"
    FOLLOW = "follow"
    ALONE = "alone"


class Claim(NamedTuple):
    """Claim the right to forward this key within the process. Answered with a ``Turn``."""

    key: str


class Follow(NamedTuple):
    """Wait for the leader. Answered with whether its answer was stored; raises ``TimeoutError`` after ``seconds``."""

    key: str
    seconds: float


class Lease(StrEnum):
    """The result of asking to forward a key on behalf of all processes on a store.

    ``HELD``: this process forwards. ``BUSY``: another one does. ``REFUSED``: another one did and has nothing to share: forward alone.
    """

    HELD = "held"
    BUSY = "busy"
    REFUSED = "refused"


class AcquireLease(NamedTuple):
    """Acquire the lease of this key in the shared store. Answered with a ``Lease``; a failing store grants it to everybody."""

    key: str


class Wait(NamedTuple):
    """Sleep. Answered with None."""

    seconds: float


# -- a request that is looked up item by item -------------------------------------------------------------------------


class Compute(NamedTuple):
    """Announce a long computation: on an event loop, the flow continues in a worker thread. Answered with an empty dict."""


COMPUTE = Compute()


class LookupItems(NamedTuple):
    """Look up several keys in the store. Answered with a dict of the entries found, by key."""

    keys: tuple[str, ...]


class ClaimItems(NamedTuple):
    """Claim the right to forward several keys within the process. Answered with a ``Turn`` for each."""

    keys: tuple[str, ...]


class FollowItems(NamedTuple):
    """Wait for the leaders of all keys that others have claimed. Answered with None; raises ``TimeoutError`` after ``seconds``."""

    seconds: float


class ReadAnswer(NamedTuple):
    """Read upstream's response to its end. Answered with the decoded body; the response can still be relayed."""


READ_ANSWER = ReadAnswer()


class KeepItems(NamedTuple):
    """Store the entries and release the followers of their keys. Answered with the reason why one is not stored, or None."""

    entries: tuple[Entry, ...]


# -- outcomes ---------------------------------------------------------------------------------------------------------


class Reuse(NamedTuple):
    """Answer from the entry. ``age``: in seconds. ``live``: headers of the response that confirmed it, for this caller only.

    ``keys``: those of the entries that the answer was composed of, if it was.
    """

    entry: Entry
    status: CacheStatus
    age: float
    live: HeaderPairs = ()
    keys: tuple[str, ...] = ()


class Relay(NamedTuple):
    """Relay upstream's answer, copying the body for the store if there is a recorder. ``model``: the requested one, if known.

    ``meter``: reads the usage from a body that is not recorded.
    ``body``: what the caller gets in place of upstream's own body. ``usage``: what was billed, if the flow has read it. ``keys``: those of
    the entries that the body was composed of or split into.
    """

    status: CacheStatus
    recorder: Recorder | None = None
    model: str | None = None
    meter: Recorder | None = None
    body: bytes | None = None
    usage: Usage | None = None
    keys: tuple[str, ...] = ()


class Refuse(NamedTuple):
    """Answer that the request was not sent. ``body``: the request's, if it could have been stored. ``model``: if known without the body."""

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
