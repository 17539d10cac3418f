"""Decoding of recorded bodies that other recorders kept with their ``Content-Encoding``."""

from __future__ import annotations

from wirecache._runtime.content_codings import CODINGS, codings_in, undone

__all__ = ["decoded"]

_EXTRAS = {"br": "brotli", "zstd": "zstd"}


def decoded(body: bytes, content_encoding: str) -> bytes:
    """Return the body without its content codings; ``content_encoding``: the value of that header.

    A recorder may have decoded it already and kept the header: text that is not encoded is returned unchanged.
    Raises ``ValueError`` if the coding is unknown, or its library is not installed.
    """
    for coding in codings_in(content_encoding):
        if not body:
            break
        if coding not in CODINGS:
            raise ValueError(f"the content encoding {coding!r} is unknown; known are {', '.join(CODINGS)}")
        try:
            plain, has_ended = undone(body, coding)
        except ImportError:
            raise ValueError(f"a body is encoded with {coding!r}; to read it: pip install 'httpx[{_EXTRAS[coding]}]'") from None
        except Exception:  # each library has its own error
            plain, has_ended = body, _is_text(body)
        if not has_ended:
            raise ValueError(f"a body is not valid {coding!r}, though its Content-Encoding says so")
        body = plain
    return body


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
