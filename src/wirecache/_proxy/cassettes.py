"""The cassettes of a server, below its cassette directory, selected by the name that a test gives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

import anyio

from wirecache._caches.cassette import Cassette, CassetteReport
from wirecache._core.rules.fork import ForkPoint
from wirecache._engine.engine import CacheLike
from wirecache._engine.miss_log import MissLog
from wirecache._proxy.refusals import Refused
from wirecache._runtime.beside_loop import run_beside_loop
from wirecache.cassette._fork import free_child
from wirecache.errors import CassetteError

__all__ = ["Cassettes"]

_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@=+,-]*")  # no step is hidden or leads upwards
LONGEST = 200  # characters of a name


@dataclass
class Cassettes:
    """The cassettes of a server. ``root``: the one that it was started with; or a cache, in which case there are no others.

    ``current``: the name of the one that was started last, which answers calls that name none.
    """

    root: CacheLike
    current: str | None = None
    misses: MissLog = field(default_factory=MissLog)  # of the root and all that were opened
    _open: dict[str, Cassette] = field(default_factory=dict[str, Cassette])
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self.root.engine.observe(self.misses)

    async def cache_for(self, name: str | None) -> CacheLike:
        """Return what answers a call with this name in its header, opening it if needed. Raises ``Refused`` if that is not possible."""
        name = self.current if name is None else name
        if name is None:
            return self.root
        return self._open.get(name) or await self._opened(name)

    async def start(self, name: str) -> Cassette:
        """Reopen the cassette, so that its sequences restart, and let it answer calls that name none."""
        if name in self._open:
            await self.stop(name)
        opened = await self._opened(name)
        self.current = name
        return opened

    async def stop(self, name: str) -> tuple[Cassette, CassetteReport]:
        """Close the cassette and return it with its report. Raises ``Refused`` if it is not open."""
        cassette = self._open.pop(name, None)
        if cassette is None:
            raise Refused(404, "cassette_not_open", f"the cassette {name[:LONGEST]!r} is not open")
        self.current = None if self.current == name else self.current
        report = cassette.report()
        try:
            await cassette.aclose()
        except CassetteError as error:
            raise Refused(500, "cassette_error", str(error)) from None
        return cassette, report

    async def aclose(self) -> None:
        """Close all open cassettes."""
        for cassette in list(self._open.values()):
            await cassette.aclose()
        self._open.clear()

    async def _opened(self, name: str) -> Cassette:
        root = self.root
        if not isinstance(root, Cassette):
            raise Refused(400, "no_cassettes", "this server has a store and no cassettes; start it with --cassette DIR --record MODE")
        if len(name) > LONGEST or not all(_STEP.fullmatch(step) for step in name.split("/")):
            raise Refused(400, "cassette_name", "the name of a cassette must be of letters, digits and _ . @ = + , - (a / between steps)")
        async with self._lock:
            if name not in self._open:
                opened = await run_beside_loop(_below, root, name)
                opened.engine.observe(self.misses)
                self._open[name] = opened
            return self._open[name]


def _below(root: Cassette, name: str) -> Cassette:
    """Return the cassette of this name, with the root's settings."""
    plan = root.engine.plan
    assert plan.cassette is not None, "a cassette's plan has a cassette"
    try:
        return Cassette(
            os.path.join(root.path, name),
            root.record_mode,
            redact=plan.cassette.redactor,
            match=plan.key,
            replay_speed=plan.replay_speed,
            ignore_hosts=plan.cassette.ignore_hosts,
            ignore_localhost=plan.cassette.ignore_localhost,
            **_fork_below(root, plan.cassette.fork, name),
        )
    except CassetteError as error:
        raise Refused(500, "cassette_error", str(error)) from None


def _fork_below(root: Cassette, fork: ForkPoint | None, name: str) -> dict[str, Any]:
    """Return the arguments that make the cassette of this name fork as the root does, to a child below the root's."""
    if fork is None or root.child is None:
        return {}
    child = os.path.join(root.child, name)
    return {"from_step": fork.from_step, "child": free_child(child) if os.path.isdir(child) else child}
