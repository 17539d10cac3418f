"""Which names carry secrets? One list for keys, stores, logs and messages.

Names are matched in lower case. Sources: the providers' SDKs (which header each sends its key in),
RFC 9110 section 11 (authorization), RFC 6265 (cookies), AWS Signature Version 4 (``x-amz-*``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from wirecache._core.messages import Request

__all__ = [
    "CREDENTIAL_FIELDS",
    "CREDENTIAL_QUERY",
    "PRIVATE_RESPONSE_FIELDS",
    "credential_fingerprint",
    "is_credential",
    "keyed_hash",
    "redacted_url",
]

CREDENTIAL_FIELDS = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-auth-token",
        b"x-amz-security-token",
        b"ocp-apim-subscription-key",
        b"cookie",
    }
)

CREDENTIAL_QUERY = frozenset(
    {
        b"key",
        b"api_key",
        b"apikey",
        b"api-key",
        b"access_token",
        b"access-token",
        b"auth_token",
        b"token",
        b"client_secret",
        b"subscription-key",
        b"sig",
        b"signature",
        b"x-goog-signature",
        b"x-goog-credential",
        b"x-amz-signature",
        b"x-amz-credential",
        b"x-amz-security-token",
    }
)

# Names of a response that tell whose account it was, or that are secrets themselves: never stored.
PRIVATE_RESPONSE_FIELDS = re.compile(
    rb"set-cookie2?|.*organi[sz]ation.*|.*-project(-id)?|www-authenticate|"
    + b"|".join(re.escape(name) for name in sorted(CREDENTIAL_FIELDS))
)


@lru_cache(maxsize=1024)
def is_credential(name: bytes) -> bool:
    """Is the query parameter of this name (as it was sent) a credential?"""
    return unquote_to_bytes(name.replace(b"+", b" ")).strip().lower() in CREDENTIAL_QUERY


def credential_fingerprint(request: Request) -> bytes:
    """Whose credentials are these? A keyed hash (HMAC-SHA256) of all of them, empty if there are none.

    Neither a credential nor its plain hash can be read off it; it only ever goes into a key.
    """
    found = [(name, value) for name, value in request.fields.items() if name in CREDENTIAL_FIELDS]
    pairs = [pair.partition(b"=") for pair in request.query.split(b"&")]
    found += [(b"?" + name, value) for name, _, value in pairs if is_credential(name)]
    if not found:
        return b""
    return keyed_hash(b"".join(b"%d:%b%d:%b" % (len(n), n, len(v), v) for n, v in sorted(found)))


def keyed_hash(value: bytes) -> bytes:
    """A value that can be compared, but not read (HMAC-SHA256)."""
    return hmac.digest(b"wirecache credential fingerprint", value, hashlib.sha256)


def redacted_url(request: Request) -> str:
    """Where did it go? The URL with the values of credential parameters replaced by ``REDACTED``."""
    target = request.path
    if request.query:
        pairs = (pair.partition(b"=") for pair in request.query.split(b"&"))
        target += b"?" + b"&".join(n + sep + (b"REDACTED" if v and is_credential(n) else v) for n, sep, v in pairs)
    port = f":{request.port}" if request.port is not None else ""
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{request.scheme}://{host}{port}{target.decode('ascii', 'replace')}"
