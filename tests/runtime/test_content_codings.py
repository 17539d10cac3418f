from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from wirecache._runtime.content_codings import coding_has_ended

TEXT = b"".join(b"line %d of a text that a model wrote\n" % number for number in range(200))


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def flushed_gzip(body: bytes) -> bytes:
    """As a server sends it that flushes after each piece."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(body[at : at + 100]) + packer.flush(zlib.Z_SYNC_FLUSH) for at in range(0, len(body), 100)]
    return b"".join(pieces) + packer.flush()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip, flushed": ("gzip", flushed_gzip),
    "deflate": ("deflate", zlib.compress),
    "deflate without a frame": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "two zstd frames": ("zstd", lambda body: zstandard.compress(body[:100]) + zstandard.compress(body[100:])),
    "two codings": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    "two codings, and none": ("br, identity, gzip", lambda body: gzip.compress(brotli.compress(body))),
}
packed = pytest.mark.parametrize(("codings", "pack"), [pytest.param(*row, id=name) for name, row in PACKED.items()])


@packed
def test_a_whole_body(codings: str, pack: Callable[[bytes], bytes]) -> None:
    body = pack(TEXT)
    assert coding_has_ended(codings, [body])
    assert coding_has_ended(codings, [body[:9], body[9:]])


@packed
def test_a_body_that_is_cut_anywhere(codings: str, pack: Callable[[bytes], bytes]) -> None:
    body = pack(TEXT)
    first_frame = len(zstandard.compress(TEXT[:100])) if codings == "zstd" else 0
    for at in {*range(1, len(body), 7), len(body) - 1} - {first_frame}:
        assert not coding_has_ended(codings, [body[:at]]), at


def test_an_inner_coding_that_is_cut() -> None:
    assert not coding_has_ended("br, gzip", [gzip.compress(brotli.compress(TEXT)[:-5])])


@pytest.mark.parametrize(("codings", "body"), [("gzip", b""), ("compress", b"x"), ("identity", b"x"), ("gzip", b"no gzip"), ("", b"x")])
def test_what_has_no_end_that_could_be_missed(codings: str, body: bytes) -> None:
    assert coding_has_ended(codings, [body])
