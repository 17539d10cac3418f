"""Which stored request is most like the one that missed? The search takes a short, bounded time and never fails the call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from wirecache._core.keys.canonical import Body
from wirecache._core.messages import Entry, Request
from wirecache._core.rules.plan import Plan
from wirecache._engine.source import Source
from wirecache._runtime.warn_once import WarnOnce
from wirecache.errors import StoreError

if TYPE_CHECKING:
    from wirecache._core.compare.nearest import Nearest

__all__ = ["nearest_in"]

SEARCHED_ALWAYS = 10  # entries; a disk store reads that many in a millisecond


def nearest_in(source: Source, seconds: float, request: Request, body: Body, plan: Plan, warn: WarnOnce) -> Nearest | None:
    """Return the nearest stored request that is found within ``seconds``; None if there is none or the source fails."""
    from wirecache._core.compare.nearest import nearest_of

    try:
        return nearest_of(_within(seconds, source.newest()), request, body, plan)
    except StoreError:  # reported already by the lookup of the request itself
        return None
    except Exception as error:
        warn(repr(error), "wirecache: the nearest stored request could not be found: %r", error)
        return None


def _within(seconds: float, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries that are read within ``seconds``, and the first few in any case, since the machine may be busy."""
    deadline = time.perf_counter() + seconds
    for number, entry in enumerate(entries, 1):
        yield entry
        if number >= SEARCHED_ALWAYS and time.perf_counter() > deadline:
            return
