"""The floor: the OpenAI SDK on a transport that answers at once, without any cache."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import httpx2

from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.upstream import canned


def contestants(place: Place) -> Iterator[Contestant]:
    """Yield one for each library."""
    for library in (httpx, httpx2):
        http, async_http = library.Client(transport=canned(library)), library.AsyncClient(transport=canned(library))
        yield through_openai(f"floor, {library.__name__}", "none", http, async_http, library=library.__name__, is_cache=False)
