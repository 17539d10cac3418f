"""``WIRECACHE_LOG``: what a program says of its calls on standard error, and what it does not touch."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.core.play import ask, entry
from tests.programs import ran
from tests.provider import Provider
from wirecache import Cache, CacheStatus, ConfigError, Exchange
from wirecache._core.flows.labels import Labels
from wirecache._core.messages import Usage
from wirecache._core.privacy.names import redacted_url
from wirecache._engine.log import line_of

PROGRAM = """
import logging, sys, httpx
from wirecache import Cache, cached_client
with Cache(sys.argv[1]) as cache, cached_client(cache, library="httpx") as client:
    for stream in (False, False, True):
        client.post(sys.argv[2] + "/v1/chat/completions", json={"model": "gpt-4o", "messages": [], "stream": stream})
Cache(sys.argv[1])
print(logging.getLogger().handlers, logging.getLogger().level, len(logging.getLogger("wirecache").handlers))
"""


def run_program(log: str, tmp_path: Path, url: str) -> tuple[str, list[str]]:
    """Return standard output, and the lines of standard error with the times replaced."""
    environment = {**os.environ, "WIRECACHE_LOG": log}
    done = ran("-c", PROGRAM, tmp_path, url, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), re.sub(r"\d+(\.\d)? m?s", "T", done.stderr).splitlines()


LINES = ["miss T stored gpt-4o chat HOST 5+7 tokens", "hit T saved T gpt-4o chat HOST 5+7 tokens", "bypass T (stream) gpt-4o chat HOST"]
SUM = "3 calls: 1 hit, 1 miss, 1 bypassed (stream 1); saved T and 12 tokens; upstream took T, 12 tokens"


@pytest.mark.parametrize(
    ("log", "lines", "handlers"),
    [("", [], 0), ("info", LINES, 1), ("summary", [SUM], 0), ("INFO, summary", [*LINES, SUM], 1)],
)
def test_what_is_said(log: str, lines: list[str], handlers: int, tmp_path: Path, provider: Provider) -> None:
    host = provider.url.removeprefix("http://")
    out, err = run_program(log, tmp_path, provider.url)
    assert err == [f"wirecache: {line.replace('HOST', host)}" for line in lines]
    assert out == f"[] 30 {handlers}"


def test_debug_has_the_lines_of_the_logger_too(tmp_path: Path, provider: Provider) -> None:
    _, err = run_program("debug", tmp_path, provider.url)
    assert len([line for line in err if line.startswith("wirecache: POST ")]) == 3
    assert len([line for line in err if " tokens" in line or "bypass T" in line]) == 3


def test_another_word_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_LOG", "info,loud")
    with pytest.raises(ConfigError, match=r"WIRECACHE_LOG must be debug, info, summary, .*, got 'loud'"):
        Cache("memory://")


def test_on_exchange_is_a_function() -> None:
    with pytest.raises(ConfigError, match="on_exchange must be a callable that takes one exchange, got 'print'"):
        Cache("memory://", on_exchange="print")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "code", "saved", "line"),
    [
        (CacheStatus(hit=True, ttl=5.0), 200, 0.812, "hit 0.9 ms saved 812 ms m chat h 1,000"),
        (CacheStatus(hit=True, ttl=-5.0, detail="stale-if-error"), 200, 12.0, "stale 0.9 ms saved 12.0 s (stale-if-error) m chat h"),
        (CacheStatus(fwd="miss", collapsed=True), 200, 0.8, "collapsed 0.9 ms saved 800 ms m chat h"),
        (CacheStatus(fwd="miss", fwd_status=200, stored=True), 200, None, "miss 0.9 ms stored m chat h"),
        (CacheStatus(fwd="miss", fwd_status=503, detail="status-503"), 503, None, "miss 0.9 ms not stored (status-503) m chat h"),
        (CacheStatus(fwd="miss", detail="only-if-cached"), 424, None, "miss 0.9 ms not sent (only-if-cached) m chat h"),
        (CacheStatus(fwd="bypass", detail="off"), 200, None, "bypass 0.9 ms (off) m chat h"),
    ],
)
def test_a_line(status: CacheStatus, code: int, saved: float | None, line: str) -> None:
    exchange = Exchange(ask("http://h/"), 0.0, redacted_url, print)
    exchange.code, exchange.status, exchange.labels, exchange.seconds = code, status, Labels("h", "chat", "m"), 0.0009
    usage = Usage(1000, 1) if line.endswith("1,000") else None
    exchange.entry = entry(seconds=saved, usage=usage) if saved is not None else None
    assert line_of(exchange) == line.replace("1,000", "1000+1 tokens")
