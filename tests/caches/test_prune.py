"""What ``prune`` drops: what is past its ttl, be it the cache's, a rule's, or the one of the call that stored it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from wirecache import Cache, Rule, options
from wirecache.httpx import cached_client


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a chat, an embedding, and a chat that was stored for an hour."""
    with (
        Cache(tmp_path / "store") as cache,
        cached_client(cache, transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))) as client,
    ):
        client.post("https://h/v1/chat/completions", json={"model": "m"})
        client.post("https://h/v1/embeddings", json={"model": "e"})
        with options(ttl="1h"):
            client.post("https://h/v1/chat/completions", json={"model": "kept"})
    return tmp_path / "store"


def _left(cache: Cache) -> list[str | None]:
    return sorted(str(entry.request.model) for entry in cache.entries())


def test_nothing_that_is_fresh(store: Path) -> None:
    with Cache(store) as cache:
        assert cache.prune() == 0
        assert _left(cache) == ["e", "kept", "m"]


def test_what_is_past_the_ttl_in_force(store: Path) -> None:
    with Cache(store, ttl=0) as cache:
        assert cache.prune() == 2
        assert _left(cache) == ["kept"]


def test_a_rule_keeps_or_drops(store: Path) -> None:
    with Cache(store, ttl=0, rules=[Rule(path="*/embeddings", ttl=None)]) as cache:
        assert cache.prune() == 1
        assert _left(cache) == ["e", "kept"]
    with Cache(store, rules=[Rule(model="e", ttl=0)]) as cache:
        assert cache.prune() == 1
        assert _left(cache) == ["kept"]


def test_without_stale_if_error_nothing_stale_answers() -> None:
    assert Cache(stale_if_error=None).plan.stale_if_error == 0.0


def test_a_store_without_delete(tmp_path: Path) -> None:
    """What must go is overwritten there, as ``discard()`` does."""

    class Own(dict[str, bytes]):
        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            self[key] = value

    store = Own()
    with (
        Cache(store, ttl=0) as cache,
        cached_client(cache, transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))) as client,
    ):
        client.post("https://h/v1/chat/completions", json={"model": "m"})
        assert cache.prune() == 1
        assert cache.prune() == 0
        assert list(cache.entries()) == []
