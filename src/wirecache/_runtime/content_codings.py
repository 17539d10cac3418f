"""Decoding of content codings, and detection of bodies that are cut within a coding.

A body that was cut after it was compressed arrives with consistent framing, and gzip, deflate and brotli decoders return what they have
without an error. Only the end marker of the coding itself tells (RFC 1952 section 2.3.1, RFC 1950, RFC 7932 section 9.2, RFC 8878).
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["CODINGS", "coding_has_ended", "codings_in", "undone"]


class _Decoder(Protocol):
    @property
    def has_ended(self) -> bool: ...

    def decode(self, data: bytes) -> bytes: ...


class _Deflate:
    """Deflate, which some servers send without the zlib frame."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj()

    def decode(self, data: bytes) -> bytes:
        try:
            return self._decoder.decompress(data)
        except zlib.error:
            self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
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


class _Frames:
    """gzip and zstandard: one frame or several in a row."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._decoder = make()

    def decode(self, data: bytes) -> bytes:
        plain: bytes = self._decoder.decompress(data)
        while self._decoder.eof and (rest := self._decoder.unused_data):
            self._decoder = self._make()
            plain += self._decoder.decompress(rest)
        return plain

    @property
    def has_ended(self) -> bool:
        return bool(self._decoder.eof)


def _gzip() -> _Frames:
    return _Frames(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS))


def _zstandard() -> _Frames:
    library = _library("zstandard", "compression.zstd", "backports.zstd")
    return _Frames(getattr(library.ZstdDecompressor(), "decompressobj", library.ZstdDecompressor))


def _library(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[0])


_DECODERS: dict[str, Callable[[], _Decoder]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _Deflate, "br": _Brotli, "zstd": _zstandard}
CODINGS = tuple(_DECODERS)


def codings_in(content_encoding: str) -> list[str]:
    """Return the codings in the value of ``Content-Encoding``, the last applied first, without ``identity``."""
    names = (name.strip().lower() for name in content_encoding.split(","))
    return [name for name in names if name not in ("", "identity")][::-1]


def undone(data: bytes, coding: str) -> tuple[bytes, bool]:
    """Return the body without the coding, and whether the coding has reached its end.

    Raises ``KeyError`` for a coding that is not in ``CODINGS``, ``ImportError`` if its library is not installed, and the library's own
    error if the body is not in this coding.
    """
    decoder = _DECODERS[coding]()
    return decoder.decode(data), decoder.has_ended


def coding_has_ended(content_encoding: str, chunks: Sequence[bytes]) -> bool:
    """Return whether each coding of the body has reached its end. ``content_encoding``: the value of that header.

    Also true of an unknown coding, an empty body and one that is not in its coding: these are refused where the body is decoded.
    """
    data = b"".join(chunks)
    for coding in codings_in(content_encoding):
        if coding not in _DECODERS or not data:
            continue
        try:
            data, has_ended = undone(data, coding)
        except Exception:  # each library has its own error, or is missing
            return True
        if not has_ended:
            return False
    return True
