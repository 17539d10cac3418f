"""Has the content coding of a body reached its own end?

A body that was compressed once and cut later arrives in consistent framing, and gzip, deflate and brotli decoders give what they have
without a word. Only the end that each coding marks itself tells (RFC 1952 section 2.3.1, RFC 1950, RFC 7932 section 9.2, RFC 8878).
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["coding_has_ended"]


class _Decoder(Protocol):
    @property
    def has_ended(self) -> bool: ...

    def decode(self, data: bytes) -> bytes: ...


class _Zlib:
    """gzip and deflate; some servers send the latter without the zlib frame."""

    def __init__(self, *window_bits: int) -> None:
        self._window_bits = list(window_bits)
        self._decoder = zlib.decompressobj(self._window_bits.pop(0))

    def decode(self, data: bytes) -> bytes:
        try:
            return self._decoder.decompress(data)
        except zlib.error:
            if not self._window_bits:
                raise
            self._decoder = zlib.decompressobj(self._window_bits.pop(0))
            return self._decoder.decompress(data)

    @property
    def has_ended(self) -> bool:
        return self._decoder.eof


class _Brotli:
    def __init__(self) -> None:
        self._decoder = _library("brotli", "brotlicffi").Decompressor()

    def decode(self, data: bytes) -> bytes:
        decoder = self._decoder
        plain: bytes = (decoder.process if hasattr(decoder, "process") else decoder.decompress)(data)
        return plain

    @property
    def has_ended(self) -> bool:
        return bool(self._decoder.is_finished())


class _Zstandard:
    """One frame, or several after each other."""

    def __init__(self) -> None:
        library = _library("zstandard", "compression.zstd", "backports.zstd")
        self._make: Callable[[], Any] = getattr(library.ZstdDecompressor(), "decompressobj", library.ZstdDecompressor)
        self._decoder = self._make()

    def decode(self, data: bytes) -> bytes:
        plain: bytes = self._decoder.decompress(data)
        while self._decoder.eof and (rest := self._decoder.unused_data):
            self._decoder = self._make()
            plain += self._decoder.decompress(rest)
        return plain

    @property
    def has_ended(self) -> bool:
        return bool(self._decoder.eof)


def _library(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[0])


_GZIP = 16 + zlib.MAX_WBITS
_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(_GZIP),
    "x-gzip": lambda: _Zlib(_GZIP),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, -zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstandard,
}


def coding_has_ended(codings: str, chunks: Sequence[bytes]) -> bool:
    """Return whether each coding of the body has reached its end. ``codings``: the value of ``Content-Encoding``.

    An unknown coding, an empty body and one that is not in its coding have no end that could be missed: what decodes the body refuses them.
    """
    data = b"".join(chunks)
    for name in reversed([name.strip().lower() for name in codings.split(",")]):
        make = _DECODERS.get(name)
        if make is None or not data:
            continue
        try:
            decoder = make()
            data = decoder.decode(data)
        except Exception:  # each library has its own error, or is missing
            return True
        if not decoder.has_ended:
            return False
    return True
