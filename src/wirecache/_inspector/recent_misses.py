"""The latest misses of this process's caches, and of running proxies, which are queried on demand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from wirecache._engine.miss_log import Miss, misses_of_json
from wirecache._inspector.source import Source
from wirecache.errors import ConfigError

__all__ = ["Recent", "RecentMiss", "RecentMisses"]

SHOWN = 50
WAIT = 2.0  # seconds for a proxy's answer
LONGEST = 4_000_000  # bytes of the answer
PATH = "/-/wirecache/misses"


class RecentMiss(NamedTuple):
    """A miss. ``where``: the name of the proxy, or empty. ``ref``: ``source/ref`` of its exchange; empty if it is not stored."""

    miss: Miss
    where: str
    ref: str


class Recent(NamedTuple):
    """The latest misses, the newest first, and problems with the proxies."""

    misses: list[RecentMiss]
    problems: list[str]


class RecentMisses:
    """The misses of these sources' caches, from now on, and of the proxies at these URLs (with ``/token/TOKEN`` if they need one)."""

    def __init__(self, sources: Sequence[Source], proxies: Sequence[str] = ()) -> None:
        self._sources = sources
        self.proxies = [_checked(url) for url in proxies]

    def latest(self) -> Recent:
        """Return the latest misses. It queries the proxies, so it must not run on an event loop."""
        found = [(miss, "") for source in self._sources for miss in source.misses()]
        problems: list[str] = []
        if self.proxies:
            with ThreadPoolExecutor(len(self.proxies)) as pool:
                for url, answer in zip(self.proxies, pool.map(_ask, self.proxies), strict=True):
                    if isinstance(answer, str):
                        problems.append(f"{_name(url)}: {answer}")
                    else:
                        found += [(miss, _name(url)) for miss in answer]
        found.sort(key=lambda each: each[0].at, reverse=True)
        return Recent([RecentMiss(miss, where, self._ref_of(miss.key)) for miss, where in found[:SHOWN]], problems)

    def _ref_of(self, key: str) -> str:
        stores = (source for source in self._sources if not source.is_cassette)
        return next((f"{source.id}/{key}" for source in stores if key and source.read(key) is not None), "")


def _checked(url: str) -> str:
    split = urlsplit(url)
    if split.scheme not in ("http", "https") or not split.hostname or split.query:
        raise ConfigError(f"a proxy must be the URL that wirecache serve printed, such as http://127.0.0.1:4141, got {url!r}")
    return url.rstrip("/")


def _name(url: str) -> str:
    """Return the host and port, without the path, which may contain a token."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _ask(url: str) -> list[Miss] | str:
    """Return the misses of the proxy, or an error message."""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(url + PATH, timeout=WAIT) as answer:
            return misses_of_json(json.loads(answer.read(LONGEST)))
    except HTTPError as error:
        return "it needs its token: give the URL with /token/TOKEN" if error.code == 401 else f"it answered {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        return f"it gave no list of misses ({type(error).__name__})"
