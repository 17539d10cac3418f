"""How is nobody but us able to read what lies in a store? AES-256-GCM, each value bound to its key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wirecache.errors import ConfigError, StoreError
from wirecache.stores._protocol import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["EncryptedStore"]

# A frame: magic (the last byte is the format's version), id of the key, nonce, ciphertext and tag. Magic, id and the entry's key are
# authenticated too, so a value that is moved to another key is refused.
MAGIC = b"WCX\x01"
ID, NONCE, TAG = 8, 12, 16  # bytes
LONG = 1 << 20  # bytes; decrypting more than that would hold an event loop for longer than a thread takes to begin
PASSED_ON = ("delete", "keys", "newest", "clear", "close", "tell")  # optional methods that see no value
CHANGED = ("add", "aget", "get_with_ttl", "aget_with_ttl")  # those that do


class EncryptedStore:
    """Another store, whose values only the holder of the key can read. The keys of the entries, hashes, stay as they are.

    ``keys``: 32 bytes each, raw or as base64 text (``base64.urlsafe_b64encode(os.urandom(32))``). The first one encrypts, all of them
    decrypt: to change the key, put a new one before the old one, and drop that when its entries have expired. Nonces are random, which
    is good for four billion values a key.

    A value that was changed, moved to another key, encrypted with a key that is not given, or not encrypted at all, is a ``StoreError``
    that says which, and so a miss. Optional methods are there if the inner store has them.
    """

    def __init__(self, inner: Store, keys: Sequence[bytes | str] | bytes | str) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise ImportError("EncryptedStore needs the cryptography package: pip install 'wirecache[encryption]'") from error
        if not isinstance(inner, Store):
            raise ConfigError(f"the inner store is {inner!r}; allowed: an object with get(key) and set(key, value, *, ttl)")
        given = [keys] if isinstance(keys, (bytes, str)) else list(keys)
        if not given:
            raise ConfigError("keys= is empty; allowed: one or more keys of 32 bytes, raw or as base64 text")
        self.inner = inner
        self._ciphers: dict[bytes, AESGCM] = {}
        for at, key in enumerate(given):
            raw = _raw(key, at)
            self._ciphers.setdefault(hashlib.sha256(b"wirecache key id\0" + raw).digest()[:ID], AESGCM(raw))
        self._newest = next(iter(self._ciphers))

    def __repr__(self) -> str:
        return f"EncryptedStore({self.inner!r})"

    @property
    def location(self) -> tuple[object, ...]:
        """Where the entries are, and under which keys: what one of two such stores writes, the other must be able to write, too."""
        return "encrypted", getattr(self.inner, "location", None) or id(self.inner), *self._ciphers

    def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        found = self.inner.get(key)
        return None if found is None else self._opened(key, found)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key."""
        self.inner.set(key, self._sealed(key, value), ttl=ttl)

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("inner")
        if name in PASSED_ON and hasattr(inner, name):
            return getattr(inner, name)
        if name in CHANGED and hasattr(inner, name):
            return object.__getattribute__(self, f"_{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        added: bool = getattr(self.inner, "add")(key, self._sealed(key, value), ttl=ttl)  # noqa: B009  # the contract has it as optional
        return added

    async def _aget(self, key: str) -> bytes | None:
        found = await getattr(self.inner, "aget")(key)  # noqa: B009
        return None if found is None else await self._aopened(key, found)

    def _get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        found = getattr(self.inner, "get_with_ttl")(key)  # noqa: B009
        return None if found is None else (self._opened(key, found[0]), found[1])

    async def _aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        found = await getattr(self.inner, "aget_with_ttl")(key)  # noqa: B009
        return None if found is None else (await self._aopened(key, found[0]), found[1])

    def _sealed(self, key: str, value: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        head = MAGIC + self._newest
        return b"".join((head, nonce, self._ciphers[self._newest].encrypt(nonce, value, head + key.encode())))

    def _opened(self, key: str, frame: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if type(frame) is not bytes or not frame.startswith(MAGIC) or len(frame) < len(MAGIC) + ID + NONCE + TAG:
            raise StoreError("a value in the store is not encrypted, or damaged")
        head, rest = frame[: len(MAGIC) + ID], memoryview(frame)[len(MAGIC) + ID :]
        cipher = self._ciphers.get(head[len(MAGIC) :])
        if cipher is None:
            raise StoreError(f"a value in the store is encrypted with the key of id {head[len(MAGIC) :].hex()}, which is not given")
        try:
            return cipher.decrypt(rest[:NONCE], rest[NONCE:], head + key.encode())
        except InvalidTag:
            raise StoreError("an encrypted value in the store is damaged, or was moved here from another key") from None

    async def _aopened(self, key: str, frame: bytes) -> bytes:
        if len(frame) <= LONG:
            return self._opened(key, frame)
        from anyio.to_thread import run_sync

        return await run_sync(self._opened, key, frame)


def _raw(key: bytes | str, at: int) -> bytes:
    """The 32 bytes of a key; what is wrong is told without it."""
    if isinstance(key, bytes) and len(key) == 32:
        return key
    try:
        text = key if isinstance(key, str) else key.decode("ascii")
        raw = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except (AttributeError, UnicodeError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise ConfigError(
            f"keys[{at}] is no key; allowed: 32 bytes, raw or as base64 text, as base64.urlsafe_b64encode(os.urandom(32)) makes"
        )
    return raw
