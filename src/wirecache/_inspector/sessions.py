"""The pages of sessions: calls grouped into the runs of an agent, and one run as a timeline."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.compare.runs import CallLink, runs_of
from wirecache._core.llm.blocks import Block, Kind
from wirecache._core.llm.conversation import answer_message, prompt_messages
from wirecache._inspector.index_rows import price_of
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.inspector import Inspector, Page
from wirecache._inspector.numbers import page_number
from wirecache._inspector.search_index import Filters

__all__ = ["ROUTES", "Session", "Step", "sessions_of"]

PAGE = 50  # sessions
KEPT = 10  # times as long as they took to compute


class Session(NamedTuple):
    """A run: its calls, the oldest first."""

    rows: list[IndexRow]

    @property
    def tokens(self) -> int:
        """All tokens of its calls."""
        return sum(row.tokens or 0 for row in self.rows)

    @property
    def cost(self) -> float | None:
        """What its calls cost, as far as it is known."""
        known = [row.cost for row in self.rows if row.cost is not None]
        return sum(known) if known else None

    @property
    def models(self) -> list[str]:
        """The models that it used, the first one first."""
        return list(dict.fromkeys(row.model for row in self.rows if row.model))

    @property
    def seconds(self) -> float:
        """From its first call to the end of the last one."""
        return max(0.0, self.rows[-1].stored_at - self.rows[0].stored_at) + self.rows[0].seconds


class _Kept(NamedTuple):
    version: int
    until: float  # on the monotonic clock
    sessions: list[Session]


_lock = threading.Lock()


def sessions_of(inspector: Inspector) -> list[Session]:
    """Return the runs of more than one call, the newest first. Where that takes long, those of a moment ago while the index changes."""
    with _lock:
        kept: _Kept | None = inspector.kept.get("sessions")
        version, started = inspector.index.version, time.monotonic()
        if kept is not None and (kept.version == version or started < kept.until):
            return kept.sessions
        found: list[Session] = []
        by_source: dict[str, list[IndexRow]] = {}
        for row in inspector.index.all(Filters(), 0):
            by_source.setdefault(row.source, []).append(row)
        for rows in by_source.values():
            links = [CallLink(row.chain, row.answer_id, row.previous_id) for row in rows]
            found += [Session([rows[at] for at in run]) for run in runs_of(links) if len(run) > 1]
        found.sort(key=lambda session: -session.rows[-1].stored_at)
        ended = time.monotonic()
        inspector.kept["sessions"] = _Kept(version, ended + KEPT * (ended - started), found)
        return found


def _list(inspector: Inspector, request: Request) -> Response:
    inspector.indexer.wait_at_start()
    number = page_number(request.query_params)
    found = sessions_of(inspector)
    shown = found[(number - 1) * PAGE : number * PAGE]
    return inspector.page(
        request, "sessions.html", "sessions", sessions=shown, total=len(found), number=number, last=-(-len(found) // PAGE)
    )


class Step(NamedTuple):
    """A call of a run. ``tools``: the results of tools since the call before; ``cost``: of the run so far."""

    row: IndexRow
    at: float
    tools: list[Block]
    calls: list[Block]
    text: str
    cost: float | None


def _show(inspector: Inspector, request: Request) -> Response:
    source, ref = request.path_params["source"], request.path_params["ref"]
    session = next((s for s in sessions_of(inspector) if any((row.source, row.ref) == (source, ref) for row in s.rows)), None)
    if session is None:
        raise HTTPException(404, "This call is in no session: no other one begins with its messages.")
    return inspector.page(request, "session.html", "sessions", session=session, steps=_steps(inspector, session))


def _steps(inspector: Inspector, session: Session) -> list[Step]:
    steps: list[Step] = []
    cost: float | None = None
    seen = 0
    for row in session.rows[:500]:
        price = row.cost if row.cost is not None else price_of(row, inspector.prices)
        cost = cost if price is None else (cost or 0.0) + price
        entry = inspector.source(row.source).read(row.ref)
        if entry is None:
            continue
        messages, answer = prompt_messages(entry), answer_message(entry)
        tools = [block for message in messages[seen:] for block in message.blocks if block.kind is Kind.RESULT]
        seen = len(messages)
        calls = [block for block in answer.blocks if block.kind is Kind.CALL]
        text = " ".join(block.text for block in answer.blocks if block.kind is Kind.TEXT)[:600]
        steps.append(Step(row, row.stored_at - session.rows[0].stored_at, tools, calls, text, cost))
    return steps


ROUTES = (Page("/sessions", _list), Page("/sessions/{source}/{ref:path}", _show))
