"""Entries as objects in a bucket, on a real server that speaks S3 (OpenStack Swift): the contract, hits, outages, credentials."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import obstore
import pytest

from tests.faces.ask import ask
from tests.faces.face import Face
from tests.provider import Answer, Provider
from tests.s3_server import S3Server
from tests.stores.contract import KEY, OTHER, FullStoreContract, Make, until
from wirecache import Budget, Cache, ConfigError, ObjectStore, StoreError, TieredStore, cached_client, capture

CALL = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3Server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def prefix() -> str:
    """A part of the bucket for one test."""
    return f"tests/{uuid4()}"


@pytest.fixture
def store(s3_server: S3Server, prefix: str) -> ObjectStore:
    return ObjectStore(f"s3://bucket/{prefix}", timeout=30, **s3_server.options)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3Server]:
    """A server that one test may kill."""
    with S3Server(tmp_path / "s3") as running:
        yield running


class TestObjectStore(FullStoreContract):
    many = 40  # each of which the server writes to the disk

    @pytest.fixture
    def make(self, s3_server: S3Server, prefix: str) -> Make:
        return lambda: ObjectStore(f"s3://bucket/{prefix}", timeout=30, **s3_server.options)

    def test_of_many_threads_one_adds(self, store: ObjectStore) -> None:
        """Swift looks first and writes then, so that of several at the same moment more than one may win. S3 itself lets one win."""
        assert [store.add(KEY, os.urandom(8), ttl=60) for _ in range(8)] == [True] + [False] * 7


async def test_it_answers_on_every_face(face: Face, provider: Provider, s3_server: S3Server, prefix: str) -> None:
    with Cache(s3_server.url(f"bucket/{prefix}", timeout=30)) as cache:
        async with face.client(cache) as client:
            first = await ask(client, provider)
    with Cache(s3_server.url(f"bucket/{prefix}", timeout=30)) as cache:
        async with face.client(cache) as client:
            again = [await ask(client, provider) for _ in range(3)]
    assert first.cache_status.stored
    assert [reply.cache_status.hit for reply in again] == [True] * 3
    assert {reply.content for reply in again} == {first.content}
    assert (provider.calls, cache.stats.store_errors) == (1, 0)


def test_a_bucket_counts_no_budgets(
    s3_server: S3Server, provider: Provider, prefix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They hold all the same, for the processes of this machine. A directory before the bucket counts for it, and nothing is said."""
    bucket = s3_server.url(f"bucket/{prefix}", timeout=30)
    for store, notices in ((bucket, 1), (["memory://", bucket], 1), ([tmp_path / "near", bucket], 0)):
        caplog.clear()
        with Cache(store, budget=Budget(calls=1, name=str(store))) as cache, cached_client(cache) as client:
            ask_of = partial(client.post, f"{provider.url}/v1/chat/completions")
            assert [ask_of(json={**CALL, "user": str(store), "seed": seed}).status_code for seed in (0, 1, 0)] == [200, 424, 200]
            assert cache.spending()[0].calls == 1
        found = [message for message in caplog.messages if "cannot count" in message]
        assert len(found) == notices
        assert all("ObjectStore('s3:" in message and "only for the processes that use that store" in message for message in found)


def test_options_of_http_hold_for_google_too(provider: Provider, tmp_path: Path) -> None:
    """A server of one's own that speaks its protocol need not be encrypted."""
    account = {"gcs_base_url": provider.url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    (tmp_path / "account.json").write_text(json.dumps(account))
    provider.script = lambda _: Answer.of({}, 404)
    store = ObjectStore("gs://bucket/tests?allow_http=true", timeout=30, service_account=str(tmp_path / "account.json"))
    assert store.get(KEY) is None
    assert provider.requests[-1].path == f"/bucket/tests%2F{KEY}"


def test_an_object_is_what_was_stored(s3_server: S3Server, store: ObjectStore, prefix: str) -> None:
    store.set(KEY, b"the very bytes", ttl=60)
    found = obstore.get(s3_server.client(prefix), KEY)
    assert bytes(found.bytes()) == b"the very bytes"
    assert found.attributes["Content-Type"] == "application/octet-stream"
    assert float(found.attributes["wirecacheexpires"]) > 0


@pytest.mark.parametrize("damage", [b"", b"not an entry", "cut", "flipped"])
def test_a_damaged_object_is_a_miss(s3_server: S3Server, prefix: str, provider: Provider, damage: bytes | str) -> None:
    url, client = s3_server.url(f"bucket/{prefix}", timeout=30), s3_server.client(prefix)
    with Cache(url) as cache, cached_client(cache) as http:
        http.post(f"{provider.url}/v1/chat/completions", json=CALL)
    (key,) = cache.store.keys()  # type: ignore[attr-defined]
    value = bytes(obstore.get(client, key).bytes())
    damaged = {"cut": value[:-1], "flipped": value[:-5] + bytes([value[-5] ^ 1]) + value[-4:]}
    obstore.put(client, key, damage if isinstance(damage, bytes) else damaged[damage], use_multipart=False)
    with Cache(url) as cache, cached_client(cache) as http:
        assert not http.post(f"{provider.url}/v1/chat/completions", json=CALL).extensions["wirecache"].hit
        assert http.post(f"{provider.url}/v1/chat/completions", json=CALL).extensions["wirecache"].hit
    assert provider.calls == 2


def test_clear_and_keys_leave_what_others_have_there(s3_server: S3Server, store: ObjectStore, prefix: str) -> None:
    client = s3_server.client(prefix)
    for name in ("backup.tar", f"deeper/{KEY}", "short"):
        obstore.put(client, name, b"kept", use_multipart=False)
    store.set(KEY, b"value", ttl=None)
    store.set(f"lease-{KEY}", b"value", ttl=None)
    assert sorted(store.keys()) == [KEY, f"lease-{KEY}"]
    store.clear()
    assert list(store.keys()) == []
    assert sorted(found["path"] for batch in obstore.list(client) for found in batch) == ["backup.tar", f"deeper/{KEY}", "short"]


def test_each_prefix_is_a_store_of_its_own(s3_server: S3Server, prefix: str) -> None:
    stores = [ObjectStore(f"s3://bucket/{prefix}{more}", timeout=30, **s3_server.options) for more in ("/a", "/a/b", "/a%20b")]
    assert len({store.location for store in stores}) == 3
    for n, store in enumerate(stores):
        store.set(KEY, b"%d" % n, ttl=None)
    assert [list(store.keys()) for store in stores] == [[KEY]] * 3
    stores[0].clear()
    assert [store.get(KEY) for store in stores] == [None, b"1", b"2"]


def test_an_expired_object_that_is_replaced_is_replaced_once(store: ObjectStore) -> None:
    store.set(KEY, b"old", ttl=0.01)
    until(lambda: store.get(KEY) is None)
    assert list(store.keys()) == [KEY]  # it is still there
    assert store.add(KEY, b"new", ttl=60) is True
    assert store.add(KEY, b"newer", ttl=60) is False
    assert asyncio.run(store.aget(KEY)) == b"new"


class TestAmongTiers:
    def test_a_teams_bucket_that_is_only_read(self, s3_server: S3Server, store: ObjectStore, prefix: str, provider: Provider) -> None:
        with Cache(store) as team, cached_client(team) as http:
            http.post(f"{provider.url}/v1/chat/completions", json=CALL)
        (key,) = store.keys()
        url = s3_server.url(f"bucket/{prefix}", timeout=30)
        with Cache(f"memory://,{url}&mode=ro") as cache, cached_client(cache) as http:
            for text in ("hi", "hi", "another", "another"):
                body = {"model": "m", "messages": [{"role": "user", "content": text}]}
                http.post(f"{provider.url}/v1/chat/completions", json=body)
        assert (cache.stats.hits, cache.stats.stored, cache.stats.store_errors, provider.calls) == (3, 1, 0, 2)
        assert list(store.keys()) == [key]
        assert isinstance(cache.store, TieredStore)
        assert cache.store.get(key) == store.get(key)

    def test_alone(self, s3_server: S3Server, store: ObjectStore, prefix: str) -> None:
        store.set(KEY, b"value", ttl=None)
        only_read = Cache(s3_server.url(f"bucket/{prefix}", timeout=30, mode="ro")).store
        assert (only_read.get(KEY), asyncio.run(only_read.aget(KEY))) == (b"value", b"value")  # type: ignore[attr-defined]
        with pytest.raises(StoreError, match="read-only"):
            only_read.set(KEY, b"other", ttl=None)
        assert only_read.location == store.location  # type: ignore[attr-defined]


class TestOutage:
    async def test_calls_go_on_and_it_is_said_once(
        self, face: Face, own_server: S3Server, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        with Cache(own_server.url(timeout=10), collapse=False) as cache:
            async with face.client(cache) as client:
                assert (await ask(client, provider)).cache_status.stored
                assert len(list(cache.entries())) == 1  # it is written
                own_server.stop()
                replies = [await ask(client, provider, f"{n}") for n in range(5)]
                assert [reply.status_code for reply in replies] == [200] * 5
                assert cache.stats.store_errors >= 5
                own_server.start()
                until(lambda: _is_reachable(cache))
                assert (await ask(client, provider)).cache_status.hit
        messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert len(messages) == 1, messages
        assert f"s3://bucket at http://127.0.0.1:{own_server.port} is unavailable" in messages[0]

    def test_one_that_does_not_answer_is_waited_for_once(self, own_server: S3Server) -> None:
        store = ObjectStore("s3://bucket", timeout=0.3, **own_server.options)
        until(lambda: _value(store, b"value"))
        own_server.pause()
        with pytest.raises(StoreError, match="is unavailable") as first:
            store.get(KEY)
        for _ in range(1000):  # each of which would take 0.3 seconds
            with pytest.raises(StoreError) as error:
                store.get(KEY)
            assert str(error.value) == str(first.value)
        with pytest.raises(StoreError):
            asyncio.run(store.aget(KEY))
        own_server.resume()
        until(lambda: _value(store))

    def test_nobody_is_there(self, s3_server: S3Server) -> None:
        options = {**s3_server.options, "endpoint": "http://127.0.0.1:1"}
        with pytest.raises(StoreError, match=r"s3://bucket at http://127.0.0.1:1 is unavailable \(HTTP error"):
            ObjectStore("s3://bucket", **options).get(KEY)

    def test_an_absent_bucket_is_an_error_and_no_miss(self, s3_server: S3Server) -> None:
        store = ObjectStore("s3://absent/prefix", timeout=30, **s3_server.options)
        for action in (lambda: store.get(KEY), lambda: store.set(KEY, b"x", ttl=None), lambda: list(store.keys())):
            with pytest.raises(StoreError, match=r"s3://absent/prefix at .* is unavailable \(404 Not Found, NoSuchBucket\)"):
                action()

    def test_a_lost_connection_in_the_middle_of_a_listing(self, own_server: S3Server) -> None:
        store = ObjectStore("s3://bucket", timeout=10, **own_server.options)
        assert list(store.keys()) == []
        own_server.stop()
        with pytest.raises(StoreError, match="is unavailable"):
            list(store.keys())


def _value(store: ObjectStore, value: bytes | None = None) -> bool:
    """Return whether the store answers. A machine may be so busy that the first answers come too late."""
    try:
        if value is not None:
            store.set(KEY, value, ttl=None)
        return store.get(KEY) == b"value"
    except StoreError:
        return False


def _is_reachable(cache: Cache) -> bool:
    try:
        return cache.store.get(KEY) is None
    except StoreError:
        return False


class TestCredentials:
    @pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    def test_wrong_ones_cost_no_call_and_are_in_no_message(
        self, name: str, s3_server: S3Server, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv(name, "wr0ng-wr0ng")
        with Cache(s3_server.url(timeout=30)) as cache, cached_client(cache) as http:
            for n in range(3):
                assert http.post(f"{provider.url}/v1/chat/completions", json={**CALL, "n": n}).status_code == 200
        messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert len(messages) == 1, messages
        assert "403 Forbidden" in messages[0]
        for secret in ("wr0ng", "test:tester", "s3cret", "AWS4", "Signature="):
            assert secret not in caplog.text

    def test_they_are_not_shown(self, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
        options = {**s3_server.options, "endpoint": s3_server.options["endpoint"].replace("//", "//user:s3cret@")}
        store = ObjectStore("s3://bucket/prefix", secret_access_key="s3cret-too", **options)
        assert repr(store) == "ObjectStore('s3://bucket/prefix')"
        with pytest.raises(StoreError) as error:
            store.get(KEY)
        assert "s3cret" not in f"{store!r} {store.location} {store._address!r} {store._address} {error.value}"
        assert error.value.__cause__ is None

    def test_there_are_none(self, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in S3Server.environment:
            monkeypatch.delenv(name)
        url = f"http://127.0.0.1:{s3_server.port}"  # in place of the metadata service of a machine at a cloud
        store = ObjectStore("s3://bucket", timeout=10, metadata_endpoint=url, **s3_server.options)
        with pytest.raises(StoreError, match=r"is unavailable \(no credentials"):
            store.get(KEY)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://bucket", "must begin with s3, gs, az://, got the scheme 'http'"),
        ("s3:bucket", "must begin with s3"),
        ("s3://", "must begin with s3"),
        ("s3:///prefix", "must name a bucket: s3://bucket/prefix"),
        ("s3://key:s3cret@bucket", "must be s3://bucket/prefix; set the credentials in the environment"),
        ("s3://bucket?nothing=s3cret", "s3://bucket: Configuration key: 'nothing' is not valid"),
        ("s3://bucket?allow_http=maybe", 'failed to parse "maybe" as boolean'),
        ("gs://bucket?nothing=s3cret", "gs://bucket: Configuration key: 'nothing' is not valid"),
        ("az://container?account_name=a&nothing=s3cret", "az://container: Configuration key: 'nothing' is not valid"),
        ("az://container", "Account must be specified"),
    ],
)
def test_a_wrong_url_is_told_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        ObjectStore(url)
    assert words in str(error.value)
    assert "s3cret" not in str(error.value)


def test_wrong_options() -> None:
    with pytest.raises(ConfigError, match=r"timeout must be .* got 0"):
        ObjectStore("s3://bucket", timeout=0)
    with pytest.raises(ConfigError, match="timeout must be a number, got 'soon'"):
        Cache("s3://bucket?timeout=soon")
    with pytest.raises(ConfigError, match="'nothing' is not valid"):
        Cache("s3://bucket?nothing=1")


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket/prefix", "az://bucket/prefix?account_name=a"])
def test_each_scheme_is_a_store(url: str) -> None:
    store = Cache(url).store
    assert repr(store) == f"ObjectStore('{url.partition('?')[0]}')"


def test_without_encryption_only_if_it_is_said(s3_server: S3Server) -> None:
    store = ObjectStore("s3://bucket", endpoint=s3_server.options["endpoint"])
    with pytest.raises(StoreError, match="not encrypted: use https://, or say allow_http=true"):
        store.get(KEY)


def test_without_obstore_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ImportError, match=r"pip install 'wirecache\[objects\]'"):
        ObjectStore("s3://bucket")


FORKED = """
    import os, sys
    from wirecache import ObjectStore, StoreError
    from tests.stores.contract import KEY

    store = ObjectStore(sys.argv[1], timeout=30)
    if sys.argv[2] == "used":
        store.set(KEY, b"value", ttl=None)
    child = os.fork()
    if not child:
        try:
            store.set(KEY, b"value", ttl=None)
            print(store.get(KEY), flush=True)
        except StoreError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(store.get(KEY))
"""


@pytest.mark.parametrize(("before", "in_child"), [("used", "which was forked after obstore had been used"), ("unused", "b'value'")])
def test_over_a_fork(before: str, in_child: str, s3_server: S3Server, prefix: str) -> None:
    """obstore's threads do not survive a fork: a call in the child would never return."""
    command = [sys.executable, "-c", textwrap.dedent(FORKED), s3_server.url(f"bucket/{prefix}"), before]
    result = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=200)
    first, last = result.stdout.splitlines()
    assert in_child in first, result.stderr
    assert last == "b'value'"


def test_what_is_under_way_at_exit_is_stored(s3_server: S3Server, store: ObjectStore, prefix: str, provider: Provider) -> None:
    code = """
        import asyncio, sys
        from wirecache import Cache, cached_async_client

        async def main():
            client = cached_async_client(Cache(sys.argv[1]))
            await client.post(sys.argv[2] + "/v1/chat/completions", json={"model": "m", "messages": []})

        asyncio.run(main())
    """
    url = s3_server.url(f"bucket/{prefix}", timeout=30)
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), url, provider.url], check=True, timeout=200)
    assert len(list(store.keys())) == 1


def test_processes_share_one_forward(s3_server: S3Server, prefix: str, provider: Provider) -> None:
    """A lease is an object, too."""
    with (
        Cache(s3_server.url(f"bucket/{prefix}", timeout=30), collapse="shared") as cache,
        cached_client(cache) as http,
        capture() as exchanges,
    ):
        http.post(f"{provider.url}/v1/chat/completions", json=CALL)
        http.post(f"{provider.url}/v1/chat/completions", json=CALL)
    assert [exchange.status.hit for exchange in exchanges] == [False, True]
    assert len(list(cache.entries())) == 1
    assert OTHER not in list(cache.store.keys())  # type: ignore[attr-defined]
