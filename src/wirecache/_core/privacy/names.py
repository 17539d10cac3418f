"""The names that carry secrets: one list for keys, stores, logs and messages.

Names are matched in lower case. What secrets look like, under whatever name, is defined in ``shapes``.
Sources: the providers' SDKs (which header each sends its key in), RFC 9110 section 11 (authorization), RFC 6265 (cookies), AWS
Signature Version 4 (``x-amz-*``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from wirecache._core.privacy.patterns import REDACTED, redacted_text
from wirecache._core.privacy.shapes import is_opaque
from wirecache._core.short_cache import cached_if_short
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from wirecache._core.messages import Request

__all__ = [
    "CREDENTIAL_FIELDS",
    "CREDENTIAL_QUERY",
    "PRIVATE_RESPONSE_FIELDS",
    "SECRET_MARKS",
    "SECRET_NAMES",
    "is_credential",
    "is_private_field",
    "is_secret_member",
    "is_secret_name",
    "is_secret_parameter",
    "keyed_hash",
    "name_by_user",
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

# Response headers that identify the account, or are themselves secrets: never stored.
PRIVATE_RESPONSE_FIELDS = re.compile(
    rb"set-cookie2?|.*organi[sz]ation.*|.*-project(-id)?|www-authenticate|authentication-info|proxy-authentication-info|refresh"
    rb"|(?!(?:.*-)?(?:idempotency|cache|surrogate)-key$).*-(?:key|token|secret|authorization)|"
    + b"|".join(re.escape(name) for name in sorted(CREDENTIAL_FIELDS))
)

# Values under these names are secret, as under names that end in one of them (``OPENAI_API_KEY``, ``clientSecret``): in lower case,
# without ``-`` and ``_``.
SECRET_NAMES = frozenset(
    {
        "accesskey", "accesstoken", "accountkey", "apikey", "apisecret", "apitoken", "authkey", "authorization", "authorizationcode",
        "authorizationtoken", "authtoken", "bearertoken", "clientsecret", "connectionstring", "csrftoken", "encryptionkey", "oauthtoken",
        "passphrase", "passwd", "password", "privatekey", "refreshtoken", "requestkey", "secretaccesskey", "secretkey", "secretvalue",
        "securitytoken", "sessionkey", "sessiontoken", "signingkey", "signingsecret", "subscriptionkey", "webhooksecret", "xsrftoken",
        "appkey", "basicauth", "consumerkey", "consumersecret", "httpauth", "licensekey", "masterkey", "proxyauth", "sharedsecret",
        "clientassertion", "codeverifier", "deploykey", "devicecode", "functionskey", "oauthverifier", "privatekeypem", "samlresponse",
        "sharedkey", "sshkey",
        # lists of them
        "accesskeys", "accesstokens", "apikeys", "apitokens", "authtokens", "clientsecrets", "passphrases", "passwords", "privatekeys",
        "refreshtokens", "secretkeys",
    }
)  # fmt: skip
# Matched as whole names only, since ordinary names end in them too.
SECRET_WHOLE_NAMES = frozenset(
    {
        "anthropicorganizationid", "auth", "cookie", "idtoken", "jwt", "openaiorganization", "openaiproject", "pwd", "secret", "setcookie",
    }
)  # fmt: skip
# Ordinary words in JSON (the code of an error or a program, the tokens of logprobs), where only a value that looks like a secret is one.
# In queries, headers and forms any value under these names is secret.
GUARDED_NAMES = frozenset({"assertion", "code", "credential", "credentials", "pass", "session", "sig", "token"})
GUARDED_ENDINGS = ("secret", "token")
_LAST_WORDS = frozenset({"auth", "jwt", "pwd"})  # last words of header names (``x-upstream-auth``)
# In queries, headers and forms only: JSON has keys of maps, and the signatures of a model's thoughts.
PARAMETER_NAMES = frozenset({"key", "xamzcredential", "xgoogcredential"})
PARAMETER_ENDINGS = ("secret", "signature", "token")
PAGE_TOKENS = ("pagetoken", "nexttoken", "continuationtoken", "cursortoken", "synctoken", "starttoken")  # they grant no access
# In JSON: pages of a list, MCP's progress, idempotency.
PLAIN_TOKENS = (*PAGE_TOKENS, "resumetoken", "progresstoken", "clienttoken", "requesttoken", "cancellationtoken")

# The endings of the names that may be secret in JSON, in a text without ``-`` and ``_``.
SECRET_MARKS = SECRET_NAMES | SECRET_WHOLE_NAMES | GUARDED_NAMES

_ENDINGS = tuple(sorted(SECRET_NAMES))
_STEPS = re.compile(rb"([/&?])")
_LONGEST_NAME = 256  # characters; of a longer name the end counts


def is_secret_name(name: str) -> bool:
    """Return whether any value under this name, in JSON, a query, a header or a form, is a secret or identifies an account."""
    return _is_secret_name(_end_of(name))


@cached_if_short(1024)
def _is_secret_name(name: str) -> bool:
    plain = plain_name(name)
    return plain.endswith(_ENDINGS) or plain in SECRET_WHOLE_NAMES


def is_secret_member(name: str, value: str) -> bool:
    """Return whether this text is a secret as the value of a JSON member of this name."""
    if is_secret_name(name):
        return True
    plain = plain_name(_end_of(name))
    may_be = plain in GUARDED_NAMES or (plain.endswith(GUARDED_ENDINGS) and not plain.endswith(PLAIN_TOKENS))
    return may_be and is_opaque(value)


def is_secret_parameter(name: str) -> bool:
    """Return whether the query parameter, header or form field of this name is a secret; ``user[password]`` counts as its last part."""
    return _is_secret_parameter(_end_of(name))


@cached_if_short(1024)
def _is_secret_parameter(name: str) -> bool:
    plain = plain_name(name).rstrip("]")
    last = re.split(r"[\[\].]", plain)[-1]
    if plain.endswith(_ENDINGS) or last in SECRET_WHOLE_NAMES or last in GUARDED_NAMES or last in PARAMETER_NAMES:
        return True
    return last.endswith(PARAMETER_ENDINGS) and not last.endswith(PAGE_TOKENS)


@cached_if_short(4096)
def is_private_field(name: bytes) -> bool:
    """Return whether the response header of this name (in lower case) is a secret or identifies an account; such are never stored."""
    if PRIVATE_RESPONSE_FIELDS.fullmatch(name):
        return True
    text = name.decode("latin-1").removeprefix("x-")
    return is_secret_parameter(text) or text.rpartition("-")[2] in _LAST_WORDS


def _end_of(name: str) -> str:
    """Return the end of the name, so that huge names are not kept in memory."""
    return name if len(name) <= _LONGEST_NAME else name.strip()[-_LONGEST_NAME:]


def plain_name(name: str) -> str:
    """Return the name as the lists spell it (or a text, so that such names are easily found in it)."""
    return name.strip().lower().replace("-", "").replace("_", "")


def name_by_user(name: str) -> str:
    """Return a name given by the user as the lists spell it. Raises ``ConfigError`` if it is not a name."""
    if not isinstance(name, str) or not plain_name(name):
        raise ConfigError(f"redact: names must be those of headers, query parameters or JSON members, got {name!r}")
    return plain_name(name)


@cached_if_short(1024)
def is_credential(name: bytes) -> bool:
    """Return whether the query parameter of this name (as it was sent) is a credential."""
    return unquote_to_bytes(name.replace(b"+", b" ")).strip().lower() in CREDENTIAL_QUERY


def keyed_hash(value: bytes) -> bytes:
    """Return the HMAC-SHA256 of the value, which can be compared but not read."""
    return hmac.digest(b"wirecache credential fingerprint", value, hashlib.sha256)


def redacted_url(request: Request) -> str:
    """Return the request's URL with the values of credential parameters, and what looks like a secret, replaced by ``REDACTED``."""
    target = _redacted_part(request.path)
    if request.query:
        pairs = (pair.partition(b"=") for pair in request.query.split(b"&"))
        query = b"&".join(n + sep + (REDACTED.encode() if v and _is_secret_query_name(n) else v) for n, sep, v in pairs)
        target += _redacted_part(b"?" + query)
    port = f":{request.port}" if request.port is not None else ""
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{request.scheme}://{host}{port}{target}"


def _is_secret_query_name(name: bytes) -> bool:
    """Return whether the query parameter of this name (as it was sent) is a secret."""
    return is_credential(name) or is_secret_parameter(unquote_to_bytes(name.replace(b"+", b" ")).decode("latin-1"))


@cached_if_short(256)
def _redacted_part(part: bytes) -> str:  # cached, since a program uses few paths often
    if b"%" in part:
        part = b"".join(map(_redacted_step, _STEPS.split(part)))
    return redacted_text(part.decode("ascii", "replace"))


def _redacted_step(step: bytes) -> bytes:
    """Return a step of a path or query without secrets, even percent-encoded ones (a URL within a URL)."""
    plain = unquote_to_bytes(step).decode("utf-8", "surrogateescape")
    text = redacted_text(plain)
    return step if text == plain else quote(text, safe="=", errors="surrogateescape").encode()
