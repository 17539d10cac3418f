"""Which names carry secrets? One list for keys, stores, logs and messages.

Names are matched in lower case; what secrets look like, under whatever name, is in ``patterns``.
Sources: the providers' SDKs (which header each sends its key in), RFC 9110 section 11 (authorization), RFC 6265 (cookies), AWS
Signature Version 4 (``x-amz-*``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from wirecache._core.messages import Request
from wirecache._core.privacy.patterns import REDACTED, redacted_text

__all__ = [
    "CREDENTIAL_FIELDS",
    "CREDENTIAL_QUERY",
    "PRIVATE_RESPONSE_FIELDS",
    "SECRET_NAMES",
    "SECRET_WHOLE_NAMES",
    "is_credential",
    "is_secret_name",
    "keyed_hash",
    "plain_name",
    "redacted_url",
]

CREDENTIAL_FIELDS = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"xi-api-key",
        b"x-auth-token",
        b"x-access-token",
        b"x-api-token",
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

# Headers of a response that name the account, or that are secrets themselves: never stored.
PRIVATE_RESPONSE_FIELDS = re.compile(
    rb"set-cookie2?|.*organi[sz]ation.*|.*-project(-id)?|www-authenticate|"
    + b"|".join(re.escape(name) for name in sorted(CREDENTIAL_FIELDS))
)

# JSON members of these names hold a secret, and so do those whose names end in one of them (``OPENAI_API_KEY``, ``clientSecret``): in
# lower case, without ``-`` and ``_``. Not ``token`` and ``key``, which are ordinary (logprobs, maps), nor names that models write.
SECRET_NAMES = frozenset(
    {
        "accesskey", "accesstoken", "accountkey", "apikey", "apisecret", "apitoken", "authkey", "authorization", "authorizationtoken",
        "authtoken", "bearertoken", "clientsecret", "connectionstring", "encryptionkey", "oauthtoken", "passphrase", "passwd",
        "password", "privatekey", "refreshtoken", "secretaccesskey", "secretkey", "secretvalue", "securitytoken", "sessiontoken",
        "signingkey", "signingsecret", "subscriptionkey", "webhooksecret",
    }
)  # fmt: skip
# Whole names only: ordinary names end in them too.
SECRET_WHOLE_NAMES = frozenset(
    {"cookie", "setcookie", "idtoken", "secret", "openaiorganization", "openaiproject", "anthropicorganizationid"}
)
_ENDINGS = tuple(sorted(SECRET_NAMES))


def is_secret_name(name: str) -> bool:
    """Return whether the value of a header, parameter or JSON member of this name is a secret or names an account."""
    return _is_secret_ending(name if len(name) <= 256 else name.strip()[-256:])


@lru_cache(maxsize=1024)
def _is_secret_ending(name: str) -> bool:
    plain = plain_name(name)
    return plain.endswith(_ENDINGS) or plain in SECRET_WHOLE_NAMES


def plain_name(name: str) -> str:
    """Return the name as the lists spell it (or a text, in which such a name is then easily found)."""
    return name.strip().lower().replace("-", "").replace("_", "")


@lru_cache(maxsize=1024)
def is_credential(name: bytes) -> bool:
    """Return whether the query parameter of this name (as it was sent) is a credential."""
    return unquote_to_bytes(name.replace(b"+", b" ")).strip().lower() in CREDENTIAL_QUERY


def keyed_hash(value: bytes) -> bytes:
    """Return the HMAC-SHA256 of the value, which can be compared, but not read."""
    return hmac.digest(b"wirecache credential fingerprint", value, hashlib.sha256)


def redacted_url(request: Request) -> str:
    """Return the request's URL with the values of credential parameters, and what looks like a secret, replaced by ``REDACTED``."""
    target = _redacted_part(request.path)
    if request.query:
        pairs = (pair.partition(b"=") for pair in request.query.split(b"&"))
        query = b"&".join(n + sep + (REDACTED.encode() if v and is_credential(n) else v) for n, sep, v in pairs)
        target += _redacted_part(b"?" + query)
    port = f":{request.port}" if request.port is not None else ""
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{request.scheme}://{host}{port}{target}"


@lru_cache(maxsize=256)
def _redacted_part(part: bytes) -> str:  # cached, since a program uses few paths, and often
    return redacted_text(part.decode("ascii", "replace"))
