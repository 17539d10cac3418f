"""Search for the nearest stored request: the index gives a few candidates, which are compared exactly.

A request is most like those with which it shares the longest beginning (see ``likeness``): its neighbours in sort order. What two have in
common elsewhere is found by rare words. After these come the newest requests, as time allows.
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
SECONDS_WITHOUT = 2.0  # while the index is incomplete
NEIGHBOURS = 12  # requests on each side
SEARCHED_WORDS = 40
ENDS = 2000  # characters at the beginning and the end of a prompt from which words are taken
FREQUENT = 2000  # a word in more requests than this is not rare
FOUND_BY_WORDS = 24


def nearest_stored(
    inspector: Inspector, source: Source, request: Request, body: Body, plan: Plan, *, other_than: str = ""
) -> Nearest | None:
    """Return the nearest stored request that is found in time. ``other_than``: a key to exclude."""
    place, raw = place_of(request.method, redacted_url(request)), canonical_text(body) if body.kind == "json" else body.raw
    likely = candidates(inspector.index, source.id, place, raw)
    seconds = SECONDS if inspector.indexer.progress.ready else SECONDS_WITHOUT
    entries = _read(source, likely, seconds)
    return nearest_of((entry for entry in entries if entry.key != other_than), request, body, plan)


def _read(source: Source, likely: list[str], seconds: float) -> Iterator[Entry]:
    """Yield the likely entries, then all, the newest first, as far as they can be read within ``seconds``."""
    deadline = time.perf_counter() + seconds
    for number, ref in enumerate(chain(likely, source.refs())):
        if number >= len(likely) and time.perf_counter() > deadline:
            return
        if (entry := source.read(ref)) is not None:
            yield entry


def candidates(index: SearchIndex, source: str, place: str, raw: bytes) -> list[str]:
    """Return the refs of candidates for the nearest request to the one with this body: those with its rare words first.

    If several have equally long beginnings in common, for example since something was inserted before the text, these are nearer.
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
    """Return the longest words at both ends of the prompt, which are mostly the rarest."""
    words = re.findall(r"\w{3,}", spaced(prompt[:ENDS] + " " + prompt[ENDS:][-ENDS:]))
    return sorted(dict.fromkeys(words), key=len, reverse=True)[:SEARCHED_WORDS]


def _with_words(index: SearchIndex, source: str, place: str, words: Iterable[str]) -> list[str]:
    """Return the requests that contain most of the rare words, best matches first."""
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
