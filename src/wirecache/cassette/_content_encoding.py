"""Decodes bodies by their ``Content-Encoding``, with the libraries that httpx itself uses for it."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Callable
from typing import Any

__all__ = ["decoded"]


def decoded(body: bytes, codings: str) -> bytes:
    """Return the body without its content encoding; ``codings`` as in ``Content-Encoding``.

    A recorder may have decoded it already and kept the header: text that is not encoded is returned as it is.
    Raises ``ValueError`` if the coding is unknown, or its library is not installed.
    """
    for coding in reversed([name.strip().lower() for name in codings.split(",")]):
        if coding in ("", "identity") or not body:
            continue
        decode = _DECODERS.get(coding)
        if decode is None:
            raise ValueError(f"the content encoding {coding!r} is unknown; known are {', '.join(_DECODERS)}")
        try:
            body = decode(body)
        except ImportError:
            raise ValueError(f"a body is encoded with {coding!r}; to read it: pip install 'httpx[{_EXTRAS[coding]}]'") from None
        except Exception:  # each library has its own error
            if not _is_text(body):
                raise ValueError(f"a body is not valid {coding!r}, though its Content-Encoding says so") from None
    return body


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _deflate(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)  # some servers send it without the zlib frame


def _library(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[0])


def _brotli(body: bytes) -> bytes:
    plain: bytes = _library("brotli", "brotlicffi").decompress(body)
    return plain


def _zstd(body: bytes) -> bytes:
    library = _library("compression.zstd", "backports.zstd", "zstandard")
    if hasattr(library, "ZstdDecompressor") and hasattr(library.ZstdDecompressor, "decompressobj"):  # zstandard
        plain: bytes = library.ZstdDecompressor().decompressobj().decompress(body)
    else:
        plain = library.decompress(body)
    return plain


_DECODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
_EXTRAS = {"br": "brotli", "zstd": "zstd"}
