"""Callers that must not share answers: by namespace, or by credential, of which nothing is stored."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.provider import Provider
from wirecache import Cache, KeyOptions, options
from wirecache.httpx import cached_client

KEYS = ("sk-tenant-a-0123456789", "sk-tenant-b-0123456789")
BODY = {"model": "m", "messages": []}


def _ask(client: object, provider: Provider, key: str, query: str = "") -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    reply = client.post(f"{provider.url}/v1/chat/completions{query}", json=BODY, headers=headers)  # type: ignore[attr-defined]
    return bool(reply.extensions["wirecache"].hit)


def test_credentials_do_not_count_unless_asked(provider: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path / "s") as cache, cached_client(cache) as client:
        assert [_ask(client, provider, key) for key in KEYS] == [False, True]
    with Cache(tmp_path / "s", key=KeyOptions(credentials=True)) as cache, cached_client(cache) as client:
        assert [_ask(client, provider, key) for key in KEYS * 2] == [False, False, True, True]
        assert [_ask(client, provider, "same", f"?key={key}") for key in KEYS] == [False, False]


def test_nothing_of_a_credential_is_stored(provider: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path / "s", key=KeyOptions(credentials=True)) as cache, cached_client(cache) as client:
        for key in KEYS:
            _ask(client, provider, key, f"?api_key={key}")
            client.get(f"{provider.url}/v1/models", headers={"Authorization": f"Bearer {key}", "Cookie": key})
    found = b"".join(path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file())
    assert found
    for key in KEYS:
        for secret in (key, f"Bearer {key}"):
            digest = hashlib.sha256(secret.encode())
            for trace in (secret.encode(), digest.digest(), digest.hexdigest().encode()):
                assert trace not in found


def test_namespaces_isolate(provider: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path / "s") as cache, cached_client(cache) as client:
        for tenant in ("a", "b"):
            with options(namespace=tenant):
                assert [_ask(client, provider, "k"), _ask(client, provider, "k")] == [False, True]
        assert not _ask(client, provider, "k")


def test_an_edge_that_sets_cookies_does_not_hinder_a_hit(provider: Provider, tmp_path: Path) -> None:
    """The client's cookie jar sends an edge's cookie back from the second call on."""
    with Cache(tmp_path / "s", key=KeyOptions(credentials=True)) as cache, cached_client(cache) as client:
        assert not _ask(client, provider, KEYS[0])
        client.cookies.set("__cf_bm", "1")
        assert _ask(client, provider, KEYS[0])
        client.cookies.set("session", "1")
        assert not _ask(client, provider, KEYS[0])
