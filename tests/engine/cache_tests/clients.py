"""Which clients play? Ours, and hishel's own as a private cache; each case gets one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

import wirecache
from tests.engine.cache_tests.cases import Case
from tests.engine.cache_tests.origin import origin
from tests.engine.cache_tests.player import play
from wirecache.stores import MemoryStore

Results = dict[str, str | None]  # by the case's id: None if it has passed, else what went wrong
MakeClient = Callable[[Path], AbstractContextManager[httpx.Client]]


@contextmanager
def ours(_: Path) -> Iterator[httpx.Client]:
    """Yield a client with a cache as it is by default."""
    with _of_wirecache(wirecache.Cache(MemoryStore())) as client:
        yield client


@contextmanager
def with_heuristics(_: Path) -> Iterator[httpx.Client]:
    """Yield a client with a cache that guesses lifetimes, as hishel's own always does."""
    with _of_wirecache(wirecache.Cache(MemoryStore(), heuristics=True)) as client:
        yield client


@contextmanager
def _of_wirecache(cache: wirecache.Cache) -> Iterator[httpx.Client]:
    with cache, wirecache.cached_client(cache, library="httpx", trust_env=False, verify=False, timeout=10.0) as client:
        yield client


@contextmanager
def of_hishel(folder: Path) -> Iterator[httpx.Client]:
    """Yield a client that follows RFC 9111 as hishel does it."""
    import hishel
    from hishel.httpx import CacheTransport

    storage = hishel.SqliteStorage(database_path=folder / "cache.db")
    transport = CacheTransport(httpx.HTTPTransport(verify=False), storage=storage, rfc=hishel.CacheOptions(shared=False))
    with httpx.Client(transport=transport, trust_env=False, timeout=10.0) as client:
        yield client


def results(cases: list[Case], make_client: MakeClient) -> Results:
    """Play the cases, all at the same time: most of it is waiting."""
    with origin() as server, TemporaryDirectory() as folder, ThreadPoolExecutor(len(cases)) as pool:

        def played(case: Case) -> str | None:
            own = Path(folder, case.id)
            own.mkdir()
            with make_client(own) as client:
                return play(case, client, server)

        return dict(zip([case.id for case in cases], pool.map(played, cases), strict=True))
