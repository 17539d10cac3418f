"""A cache on a directory of files: what it was given under a key is there under that key, whatever the key was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provider import CHAT, Provider
from wirecache import Cache, CassetteStore, KeyOptions
from wirecache.httpx import cached_client

SECRET = "sk-" + "a1" * 20


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        pytest.param(KeyOptions(), "hi", id="as by default"),
        pytest.param(KeyOptions(), f"my key is {SECRET}", id="a secret, which is in the key and not in the file"),
        pytest.param(KeyOptions(ignore_body=("/user",)), "hi", id="a member that does not count"),
        pytest.param(KeyOptions(headers=("x-tenant",)), "hi", id="a header that counts"),
        pytest.param(KeyOptions(credentials=True), "hi", id="the credential counts"),
    ],
)
def test_a_cache_on_files(tmp_path: Path, provider: Provider, options: KeyOptions, prompt: str) -> None:
    body = {"model": "m", "user": "a", "messages": [{"role": "user", "content": prompt}]}
    answers = []
    for _ in range(2):  # the second time as a new process would
        with Cache(CassetteStore(tmp_path), key=options) as cache, cached_client(cache) as client:
            headers = {"x-tenant": "a", "authorization": f"Bearer {SECRET}"}
            reply = client.post(provider.url + "/v1/chat/completions", json=body, headers=headers)
            answers.append((reply.extensions["wirecache"].hit, reply.json()))
            cache.flush()
            assert [entry.key for entry in cache.entries()] == [reply.extensions["wirecache"].key]
            assert cache.stats.store_errors == 0
    assert answers == [(False, CHAT), (True, CHAT)]
    assert provider.calls == 1
    assert all(SECRET not in path.read_text() for path in tmp_path.iterdir())
