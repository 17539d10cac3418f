"""Which stored request is most like this one? The index names the few that may be, and they are compared exactly.

A request is likest to those with which it has most in common from the beginning on (see ``likeness``). Sorted by what they begin with, they
are its neighbours. What two have in common elsewhere is found by the rare words of both. After these come the newest, as time allows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from wirecache._core.compare.nearest import Nearest, nearest_of
from wirecache._core.compare.runs import chain_of
from wirecache._core.keys.canonical import Body, canonical_text
from wirecache._core.llm.conversation import messages_in
from wirecache._core.messages import Entry, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.plan import Plan
from wirecache._inspector.index_rows import excerpt, last_prompt
from wirecache._inspector.index_schema import place_of
from wirecache._inspector.inspector import Inspector
from wirecache._inspector.search_index import SearchIndex
from wirecache._inspector.search_query import spaced
from wirecache._inspector.source import Source

__all__ = ["candidates", "nearest_stored"]

SECONDS = 0.05  # for a search by the index
SECONDS_WITHOUT = 2.0  # while there is no whole index yet
NEIGHBOURS = 12  # requests on each side
SEARCHED_WORDS = 40
ENDS = 2000  # characters at the beginning and at the end of a prompt of which the words are taken
FREQUENT = 2000  # requests with a word that is not rare
FOUND_BY_WORDS = 24


def nearest_stored(
    inspector: Inspector, source: Source, request: Request, body: Body, plan: Plan, *, other_than: str = ""
) -> Nearest | None:
    """Return the stored request that is nearest, as far as it is found in time. ``other_than``: a key that does not count."""
    place, raw = place_of(request.method, redacted_url(request)), canonical_text(body) if body.kind == "json" else body.raw
    likely = candidates(inspector.index, source.id, place, raw)
    seconds = SECONDS if inspector.indexer.progress.ready else SECONDS_WITHOUT
    entries = _read(source, likely, seconds)
    return nearest_of((entry for entry in entries if entry.key != other_than), request, body, plan)


def _read(source: Source, likely: list[str], seconds: float) -> Iterator[Entry]:
    """Yield the likely ones, and then all, the newest first, as far as they are read within that time."""
    deadline = time.perf_counter() + seconds
    for number, ref in enumerate(chain(likely, source.refs())):
        if number >= len(likely) and time.perf_counter() > deadline:
            return
        if (entry := source.read(ref)) is not None:
            yield entry


def candidates(index: SearchIndex, source: str, place: str, raw: bytes) -> list[str]:
    """Return the refs of stored requests that may be nearest to the one with this body: those with its rare words first.

    Of several that are equally like it from the beginning on, as when something was put before the text, those are nearer.
    """
    messages = messages_in(raw)
    prompt = last_prompt(messages)
    neighbours = partial(_neighbours, index, source, place)
    near = {*neighbours("prompt", excerpt(prompt)), *neighbours("substr(chain, 1, 256)", chain_of(messages)[:256])}
    return list(dict.fromkeys((*_with_words(index, source, place, _words(prompt)), *(ref for _, ref in sorted(near, reverse=True)))))


def _neighbours(index: SearchIndex, source: str, place: str, column: str, value: str | bytes) -> Iterator[tuple[float, str]]:
    for sign, way in ((">=", "ASC"), ("<", "DESC")):
        where = f"source = ? AND place = ? AND {column} {sign} ?"
        statement = f"SELECT stored_at, ref FROM rows WHERE {where} ORDER BY {column} {way} LIMIT {NEIGHBOURS}"
        yield from index.query(statement, (source, place, value))


def _words(prompt: str) -> list[str]:
    """Return the longest words at both ends of the prompt: they are the rarest, mostly."""
    words = re.findall(r"\w{3,}", spaced(prompt[:ENDS] + " " + prompt[ENDS:][-ENDS:]))
    return sorted(dict.fromkeys(words), key=len, reverse=True)[:SEARCHED_WORDS]


def _with_words(index: SearchIndex, source: str, place: str, words: Iterable[str]) -> list[str]:
    """Return the requests that have most of the rare ones among the words, those with most of them first."""
    terms = [f'prompt : "{word.replace("_", " ")}"' for word in words]
    counts = [
        index.query(f"SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH ? LIMIT {FREQUENT + 1})", (term,))[0][0] for term in terms
    ]
    rare: list[str] = []
    total = 0
    for count, term in sorted(zip(counts, terms, strict=True)):
        total += count
        if total > FREQUENT:
            break
        rare += [term] if count else []
    if not rare:
        return []
    matches = f"SELECT rowid AS id, rank AS score FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT {FOUND_BY_WORDS}"
    statement = f"SELECT ref FROM rows JOIN ({matches}) USING (id) WHERE source = ? AND place = ? ORDER BY score"
    return [ref for (ref,) in index.query(statement, (" OR ".join(rare), source, place))]
