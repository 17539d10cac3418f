"""A store whose values are encrypted with AES-256-GCM, each value bound to its key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from wirecache.errors import ConfigError, StoreError
from wirecache.stores._protocol import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["EncryptedStore"]

# A frame: magic (the last byte is the format's version), id of the key, nonce, ciphertext and tag. Magic, id and the entry's key are
# authenticated, too, so that a value that was moved to another key is refused.
MAGIC = b"WCX\x01"
ID_SIZE, NONCE_SIZE, TAG_SIZE = 8, 12, 16  # bytes
HEAD_SIZE = len(MAGIC) + ID_SIZE
MAX_ON_LOOP = 1 << 20  # bytes; decrypting more would block an event loop for longer than it takes to start a thread
# The inner store's optional methods that do not handle values, and those that do.
DELEGATED = ("delete", "keys", "newest", "pin", "add_hits", "hits", "clear", "close", "count", "add_error_listener", "read_only")
ENCRYPTED = ("add", "aget", "get_many", "get_with_ttl", "aget_with_ttl")


class EncryptedStore:
    """Encrypts the values of another store. The keys of the entries, which are hashes, are not encrypted.

    ``inner``: the store that keeps the values.
    ``keys``: 32 bytes each, raw or as base64 text (``base64.urlsafe_b64encode(os.urandom(32))``). The first one encrypts, all of them
    decrypt: to change the key, put a new one before the old one, and remove that when its entries have expired. Nonces are random, which
    is safe for four billion values per key.

    A value that was changed, moved to another key, encrypted with a key that is not given, or not encrypted at all, raises a
    ``StoreError`` that says which, and so is a miss. Optional methods are available if the inner store has them.
    """

    def __init__(self, inner: Store, keys: Sequence[bytes | str] | bytes | str) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise ImportError("EncryptedStore needs the cryptography package: pip install 'wirecache[encryption]'") from error
        if not isinstance(inner, Store):
            raise ConfigError(f"inner must be a store with get(key) and set(key, value, *, ttl), got {inner!r}")
        keys = [keys] if isinstance(keys, (bytes, str)) else list(keys)
        if not keys:
            raise ConfigError("keys must be one or more keys of 32 bytes, raw or as base64 text, got none")
        self.inner = inner
        self._ciphers: dict[bytes, AESGCM] = {}
        for index, key in enumerate(keys):
            raw = _raw_key(key, index)
            self._ciphers.setdefault(hashlib.sha256(b"wirecache key id\0" + raw).digest()[:ID_SIZE], AESGCM(raw))
        self._newest_id = next(iter(self._ciphers))

    def __repr__(self) -> str:
        return f"EncryptedStore({self.inner!r})"

    @property
    def location(self) -> tuple[object, ...]:
        """The inner store's location and the ids of the keys: stores with the same location can read each other's values."""
        return "encrypted", getattr(self.inner, "location", None) or id(self.inner), *self._ciphers

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        frame = self.inner.get(key)
        return None if frame is None else self._decrypt(key, frame)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        self.inner.set(key, self._encrypt(key, value), ttl=ttl)

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("inner")
        if name in DELEGATED and hasattr(inner, name):
            return getattr(inner, name)
        if name in ENCRYPTED and hasattr(inner, name):
            return object.__getattribute__(self, f"_{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        added: bool = getattr(self.inner, "add")(key, self._encrypt(key, value), ttl=ttl)  # noqa: B009  # optional in the contract
        return added

    def _get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = getattr(self.inner, "get_many")(keys)  # noqa: B009
        return {key: self._decrypt(key, frame) for key, frame in found.items()}

    async def _aget(self, key: str) -> bytes | None:
        frame = await getattr(self.inner, "aget")(key)  # noqa: B009
        return None if frame is None else await self._adecrypt(key, frame)

    def _get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        found = getattr(self.inner, "get_with_ttl")(key)  # noqa: B009
        return None if found is None else (self._decrypt(key, found[0]), found[1])

    async def _aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        found = await getattr(self.inner, "aget_with_ttl")(key)  # noqa: B009
        return None if found is None else (await self._adecrypt(key, found[0]), found[1])

    def _encrypt(self, key: str, value: bytes) -> bytes:
        nonce = os.urandom(NONCE_SIZE)
        head = MAGIC + self._newest_id
        return b"".join((head, nonce, self._ciphers[self._newest_id].encrypt(nonce, value, head + key.encode())))

    def _decrypt(self, key: str, frame: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if type(frame) is not bytes or not frame.startswith(MAGIC) or len(frame) < HEAD_SIZE + NONCE_SIZE + TAG_SIZE:
            raise StoreError("a value in the store is not encrypted, or damaged")
        head, rest = frame[:HEAD_SIZE], memoryview(frame)[HEAD_SIZE:]
        cipher = self._ciphers.get(head[len(MAGIC) :])
        if cipher is None:
            raise StoreError(f"a value in the store is encrypted with the key of id {head[len(MAGIC) :].hex()}, which is not given")
        try:
            return cipher.decrypt(rest[:NONCE_SIZE], rest[NONCE_SIZE:], head + key.encode())
        except InvalidTag:
            raise StoreError("an encrypted value in the store is damaged, or was moved here from another key") from None

    async def _adecrypt(self, key: str, frame: bytes) -> bytes:
        if len(frame) <= MAX_ON_LOOP:
            return self._decrypt(key, frame)
        from wirecache._runtime.beside_loop import run_beside_loop

        return await run_beside_loop(self._decrypt, key, frame)


def _raw_key(key: bytes | str, index: int) -> bytes:
    """Return the 32 bytes of a key. Errors do not show the key."""
    if isinstance(key, bytes) and len(key) == 32:
        return key
    try:
        text = key if isinstance(key, str) else key.decode("ascii")
        raw = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except (AttributeError, UnicodeError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise ConfigError(f"keys[{index}] must be 32 bytes, raw or as base64 text, as made by base64.urlsafe_b64encode(os.urandom(32))")
    return raw
