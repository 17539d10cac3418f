"""What only an EncryptedStore has: keys, and what it refuses."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stores.contract import KEY, OTHER
from tests.stores.upstream import Model
from wirecache import Cache, ConfigError, DiskStore, EncryptedStore, MemoryStore, StoreError

OLD, NEW = os.urandom(32), os.urandom(32)


def test_nothing_can_be_read_without_the_key(tmp_path: Path) -> None:
    with Cache(EncryptedStore(DiskStore(tmp_path / "store"), OLD)) as cache:
        Model().ask(cache, "the prompt that nobody shall see")
    found = b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir())
    for text in (b"nobody shall see", b"chatcmpl", b"api.example"):
        assert text not in found
    with Cache(DiskStore(tmp_path / "store")) as plain:
        assert list(plain.entries()) == []


def test_each_write_is_another_ciphertext() -> None:
    inner = MemoryStore()
    store = EncryptedStore(inner, OLD)
    store.set(KEY, b"value", ttl=None)
    first = inner.get(KEY)
    store.set(KEY, b"value", ttl=None)
    assert inner.get(KEY) != first


@pytest.mark.parametrize("form", [bytes, base64.b64encode, base64.urlsafe_b64encode, lambda key: base64.urlsafe_b64encode(key).decode()])
def test_forms_of_a_key(form: Any) -> None:
    inner = MemoryStore()
    EncryptedStore(inner, [OLD]).set(KEY, b"value", ttl=None)
    assert EncryptedStore(inner, form(OLD)).get(KEY) == b"value"


def test_rotation() -> None:
    inner = MemoryStore()
    EncryptedStore(inner, [OLD]).set(KEY, b"old", ttl=None)
    both = EncryptedStore(inner, [NEW, OLD])
    assert both.get(KEY) == b"old"
    both.set(OTHER, b"new", ttl=None)
    after = EncryptedStore(inner, [NEW])
    assert after.get(OTHER) == b"new"
    with pytest.raises(StoreError, match=r"key of id [0-9a-f]{16}, which is not given"):
        after.get(KEY)


@pytest.mark.parametrize("at", [0, 4, 12, 24, -1])
def test_a_changed_byte_is_refused(at: int) -> None:
    inner = MemoryStore()
    store = EncryptedStore(inner, [OLD])
    store.set(KEY, b"value", ttl=None)
    frame = bytearray(inner.get(KEY) or b"")
    frame[at] ^= 1
    inner.set(KEY, bytes(frame), ttl=None)
    with pytest.raises(StoreError, match=r"damaged|not given|not encrypted"):
        store.get(KEY)


@pytest.mark.parametrize("value", [b"", b"WCX\x01", b"plain", b"WCX\x01" + bytes(30)])
def test_what_is_no_frame_is_refused(value: bytes) -> None:
    inner = MemoryStore()
    inner.set(KEY, value, ttl=None)
    with pytest.raises(StoreError, match="not encrypted, or damaged"):
        EncryptedStore(inner, [OLD]).get(KEY)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_swapped_values_are_refused(tmp_path: Path, colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody who can write to the store gives one prompt the answer to another: each call goes upstream."""
    inner, model = DiskStore(tmp_path / "store"), Model()
    with Cache(EncryptedStore(inner, [OLD])) as cache:
        keys = [model.ask(cache, prompt).extensions["wirecache"].key for prompt in ("one", "two")]
        cache.flush()
        values = [inner.get(key) or b"" for key in keys]
        for key, value in zip(keys, reversed(values), strict=True):
            inner.set(key, value, ttl=None)
        if colour == "sync":
            assert not model.ask(cache, "one").extensions["wirecache"].hit
        else:
            import anyio

            assert anyio.run(cache.engine.source.alook_up, keys[0]) is None
        assert cache.stats.store_errors == 1
    assert "was moved here from another key" in caplog.text


def test_two_of_other_keys_do_not_write_for_each_other() -> None:
    inner = MemoryStore()
    places = {EncryptedStore(inner, keys).location for keys in ([OLD], [NEW], [NEW, OLD])} | {inner.location}
    assert len(places) == 4
    assert EncryptedStore(inner, [OLD]).location == EncryptedStore(inner, OLD).location


@pytest.mark.parametrize("key", [b"short", "no key at all", OLD[:31], base64.b64encode(OLD[:31]), OLD.hex(), "!" * 44, 7], ids=range(7))
def test_a_wrong_key_is_told_without_it(key: Any) -> None:
    with pytest.raises(ConfigError, match=r"^keys\[1\] must be 32 bytes, raw or as base64 text") as error:
        EncryptedStore(MemoryStore(), [NEW, key])
    assert not isinstance(key, str) or key not in str(error.value)


def test_wrong_arguments() -> None:
    with pytest.raises(ConfigError, match=r"keys must be one or more keys .* got none"):
        EncryptedStore(MemoryStore(), [])
    with pytest.raises(ConfigError, match=r"inner must be a store .* got 'x'"):
        EncryptedStore("x", [OLD])  # type: ignore[arg-type]


def test_no_key_is_seen() -> None:
    text = base64.b64encode(OLD).decode()
    store = EncryptedStore(MemoryStore(), [text])
    assert text not in repr(store) + str(store.location)
    assert OLD.hex() not in repr(store.location)


def test_without_cryptography_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(ImportError, match=r"pip install 'wirecache\[encryption\]'"):
        EncryptedStore(MemoryStore(), [OLD])
