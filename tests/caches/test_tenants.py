"""Callers that must not share answers: by namespace, or by credential, of which nothing is stored."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx

from tests.provider import Provider
from wirecache import Cache, KeyOptions, Rule, options
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


def test_a_rule_for_gets_gives_one_account_nothing_of_another(tmp_path: Path) -> None:
    """Whatever the answer said: ``private``, ``Vary: Authorization``, or nothing at all."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"/private": {"cache-control": "private"}, "/vary": {"vary": "Authorization, Accept-Language"}, "/any": {"vary": "*"}}
        account = request.headers.get("x-acme-api-key", "") + request.headers.get("authorization", "")
        return httpx.Response(200, json={"account": account}, headers=headers.get(request.url.path, {}))

    rules = [Rule(method="*", path="/*", ttl="1d")]
    transport = httpx.MockTransport(answer)
    with Cache(tmp_path / "s", rules=rules) as cache, cached_client(cache, transport=transport) as client:
        for path in ("private", "vary", "plain", "any"):
            for method in ("GET", "HEAD"):
                for headers in ({"authorization": "a"}, {"authorization": "b"}, {"x-acme-api-key": "c"}, {}):
                    replies = [client.request(method, f"https://h/{path}", headers=headers) for _ in range(2)]
                    assert all(reply.json()["account"] == "".join(headers.values()) for reply in replies)
                    assert replies[1].extensions["wirecache"].hit is (path != "any")
        languages = [client.get("https://h/vary", headers={"authorization": "a", "accept-language": x}) for x in ("de", "en", "en")]
        assert [reply.extensions["wirecache"].hit for reply in languages] == [False, False, True]
        codings = [client.get("https://h/plain", headers={"accept-encoding": x}) for x in ("gzip", "br")]
        assert [reply.extensions["wirecache"].hit for reply in codings] == [True, True]
