"""How did a stream come? Its events with their times, the time to the first one, the gaps between them, and a plot of it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from wirecache._core.event_stream import DONE, Event, events_in, split_stream, stream_kind
from wirecache._core.headers import content_media_type, fields_of
from wirecache._core.llm.answers import written_in
from wirecache._core.messages import Chunk, Entry
from wirecache._core.quantity import quantity
from wirecache.cassette._event_layout import arrivals

__all__ = ["StreamEvent", "Timeline", "timeline_of", "timeline_plot"]

MAX_TICKS = 400  # of a plot
WIDTH, HEIGHT = 720, 72  # of a plot, in its own units


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event: its number, from 1; when it was complete (seconds since the request; None: not known), its name, data, and text in it."""

    number: int
    at: float | None
    name: str
    data: str
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stream. Times in seconds since the request; ``gap``: the longest pause, and ``gap_at``: when it began."""

    events: list[StreamEvent]
    chunks: tuple[Chunk, ...]
    first: float
    last: float
    gap: float
    gap_at: float


def timeline_of(entry: Entry) -> Timeline | None:
    """Return the timeline of a stream; None for an answer that is none."""
    kind = stream_kind(content_media_type(fields_of(entry.headers)), entry.body, is_requested=bool(entry.chunk_times))
    if kind is None and not entry.chunks:
        return None
    events = _events(entry, kind or b"")
    times = [chunk.seconds for chunk in entry.chunks]
    gaps = [(after - before, before) for before, after in itertools.pairwise(times)]
    gap, gap_at = max(gaps, default=(0.0, 0.0))
    return Timeline(events, entry.chunks, times[0] if times else 0.0, times[-1] if times else 0.0, gap, gap_at)


def _events(entry: Entry, kind: bytes) -> list[StreamEvent]:
    pieces = split_stream(kind, entry.body) or []
    times: list[float | None] = list(arrivals([len(piece) for piece in pieces], entry.chunks)) if entry.chunks and pieces else []
    found: list[StreamEvent] = []
    for number, piece in enumerate(pieces):
        for event in events_in(kind, piece):
            found.append(_event(len(found) + 1, times[number] if times else None, event))
    return found


def _event(number: int, at: float | None, event: Event) -> StreamEvent:
    data = event.data.decode("utf-8", "replace")
    return StreamEvent(number, at, event.name.decode("utf-8", "replace"), data, "" if event.data == DONE else written_in(_parsed(data)))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def timeline_plot(timeline: Timeline) -> Markup:
    """Return the plot: a tick for each chunk, and how much of the body had come by then."""
    chunks = timeline.chunks
    if len(chunks) < 2 or timeline.last <= 0:
        return Markup("")
    total = sum(chunk.size for chunk in chunks) or 1
    step = max(1, len(chunks) // MAX_TICKS)
    come, line, ticks = 0, [], []
    for number, chunk in enumerate(chunks):
        come += chunk.size
        x = 2 + (WIDTH - 4) * chunk.seconds / timeline.last
        if number % step == 0 or number == len(chunks) - 1:
            line.append(f"{x:.1f},{4 + (HEIGHT - 24) * (1 - come / total):.1f}")
            ticks.append(Markup('<path class="tick" d="M{} {}v8"/>').format(f"{x:.1f}", HEIGHT - 14))
    first = 2 + (WIDTH - 4) * timeline.first / timeline.last
    waiting = Markup('<path class="wait" d="M2 {}H{}"/>').format(HEIGHT - 10, f"{first:.1f}")
    curve = Markup('<polyline class="line" points="{}"/>').format(" ".join(line))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        WIDTH, HEIGHT, _label(timeline), waiting, Markup("").join(ticks), curve
    )


def _label(timeline: Timeline) -> str:
    return f"{quantity(len(timeline.chunks), 'chunk')}; the first after {timeline.first:.2f} s, the last after {timeline.last:.2f} s"
