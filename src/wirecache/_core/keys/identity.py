"""The caller's identity, as a keyed hash of the credentials in a request.

Credentials that change from call to call must not change the identity: of a signature only the signer counts, and the cookies of edge
servers do not count.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from wirecache._core.keys.canonical import frame, normalise_percent
from wirecache._core.messages import Request
from wirecache._core.privacy.callers import is_identity
from wirecache._core.privacy.names import is_credential, keyed_hash

__all__ = ["EDGE_COOKIES", "SIGNATURE_PARAMETERS", "credential_fingerprint", "is_signed_query"]

# Cookies that an edge server or load balancer sets for its own use, which a client's cookie jar sends from the second call on.
EDGE_COOKIES = re.compile(
    rb"__cf_bm|_cfuvid|__cfruid|__cflb|cf_clearance|__cfseq|__cfwaitingroom"  # developers.cloudflare.com/fundamentals/reference/policies
    rb"|AWSALB(?:APP-\d)?(?:TG)?(?:CORS)?|AWSALBAuthNonce|AWSELB(?:CORS)?|aws-waf-token"  # docs.aws.amazon.com/elasticloadbalancing
    rb"|ARRAffinity(?:SameSite)?|ApplicationGatewayAffinity(?:CORS)?|ASLBSA(?:CORS)?|TiPMix|x-ms-routing-name"  # learn.microsoft.com
    rb"|GCLB|GAESA"  # cloud.google.com/load-balancing/docs, session affinity
    rb"|_abck|ak_bmsc|bm_(?:mi|s|so|ss|sv|sz|lso)|akavpau_\w+|AKA_A2|aka(?:cd|alb)_\w+"  # Akamai
    rb"|acw_tc|acw_sc__v[23]|aliyungf_tc|cdn_sec_tc|SERVERCORSID|HWWAFSES(?:ID|TIME)|__jsluid_[hs]"  # Alibaba, Huawei, Knownsec
    rb"|x-ms-gateway-slice|stsservicecookie|reese84|___utmvc|incap_sh_\d+|TSPD_\d+|cookiesession1"  # Entra; Imperva; F5; Fortinet
    rb"|sucuri_cloudproxy_uuid_\w+|_px(?:3|hd|vid|de)?|__ddg\w+_?|heroku-session-affinity"  # Sucuri, HUMAN, DDoS-Guard, Heroku
    rb"|visid_incap_\d+|incap_ses_\w+|nlbi_\w+|datadome|BIGipServer.*|TS01[0-9a-f]+(?:_\d+)?|INGRESSCOOKIE|SERVERID|X-Oracle-BMC-LBS-Route"
)

# Query parameters that say when and how a signature was made.
SIGNATURE_PARAMETERS = frozenset(
    prefix + name for prefix in (b"x-amz-", b"x-goog-") for name in (b"algorithm", b"date", b"expires", b"signedheaders")
)
_SIGNATURE_QUERY = (b"x-amz-signature", b"x-goog-signature")
_SIGNED_BY = (b"x-amz-credential", b"x-goog-credential")
_OF_A_SIGNATURE = frozenset({*_SIGNATURE_QUERY, b"x-amz-security-token"})

_PARAMETER = re.compile(rb'([\w-]+)=("(?:[^"\\]|\\.)*"|[^,\s"]*)(?:\s*,\s*|\s+|$)')
# Schemes of the form ``ID:signature``: Amazon (version 2), Google, Azure Storage, Alibaba, Huawei.
_ID_AND_SIGNATURE = frozenset({b"AWS", b"GOOG1", b"SharedKey", b"SharedKeyLite", b"acs", b"OSS", b"OBS"})
_PAIR = re.compile(rb"([^\s:]+):([\w+/=-]{16,})")
_SEPARATORS = {b"eg1-hmac-sha256": b";", b"sharedaccesssignature": b"&"}  # where it is not a comma
# Schemes with parameters: those that name the signer, and the one that is the signature.
_SIGNERS: dict[bytes, tuple[tuple[tuple[bytes, ...], bytes], ...]] = {
    b"sdk-hmac-sha256": (((b"access",), b"signature"),),
    b"eg1-hmac-sha256": (((b"client_token", b"access_token"), b"signature"),),
    b"oauth": (((b"oauth_consumer_key", b"oauth_token"), b"oauth_signature"),),
    b"hawk": (((b"id",), b"mac"),),
    b"hmac": (((b"username",), b"signature"),),
    b"sharedaccesssignature": (((b"skn", b"sr"), b"sig"),),
}
_PARAMETERS = re.compile(rb"(?:" + _PARAMETER.pattern + rb")+")


def credential_fingerprint(request: Request) -> bytes:
    """Return a keyed hash (HMAC-SHA256) that identifies the caller; empty if the request has no credentials.

    It reveals neither a credential nor a plain hash of one, and is only used within a key.
    """
    found = sorted([*_of_headers(request), *_of_query(request.query)])
    return keyed_hash(frame(part for pair in found for part in pair)) if found else b""


def _of_headers(request: Request) -> list[tuple[bytes, bytes]]:
    named = {name: value for name, value in request.fields.items() if is_identity(name.decode("latin-1"))}
    found, is_signed = [], False
    for name, value in named.items():
        if name == b"cookie":
            found += [(b"cookie", cookie) for cookie in _cookies(value)]
        elif name.endswith(b"authorization") and (signer := _signer(value)) is not None:
            found.append((name + b" signed", signer))
            is_signed = True
        else:
            found.append((name, value))
    return [pair for pair in found if not (is_signed and pair[0] in _OF_A_SIGNATURE)]


def _of_query(query: bytes) -> list[tuple[bytes, bytes]]:
    sent = (normalise_percent(pair).partition(b"=") for pair in query.split(b"&"))
    pairs = [(_decoded(name).strip().lower(), name, value) for name, _, value in sent]
    signed = is_signed_query(query)
    found = []
    for name, sent_name, value in pairs:
        if signed and name in _SIGNED_BY:
            found.append((b"?" + name, _decoded(value).partition(b"/")[0]))
        elif not (signed and name in _OF_A_SIGNATURE) and (is_credential(sent_name) or is_identity(name[-256:].decode("latin-1"))):
            found.append((b"?" + sent_name, value))
    return found


def is_signed_query(query: bytes) -> bool:
    """Return whether the query carries a signature with its signer (AWS Signature Version 4, Google's signed URLs)."""
    names = {_decoded(pair.partition(b"=")[0]).lower() for pair in query.split(b"&")} if b"signature" in query.lower() else set()
    return not names.isdisjoint(_SIGNATURE_QUERY) and not names.isdisjoint(_SIGNED_BY)


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _cookies(value: bytes) -> list[bytes]:
    """Return the cookies, without those of edge servers."""
    cookies = (cookie.strip() for cookie in value.split(b";"))
    return [cookie for cookie in cookies if cookie and not EDGE_COOKIES.fullmatch(cookie.partition(b"=")[0].strip())]


def _signer(value: bytes) -> bytes | None:
    """Return the signer if the value is a signature of this one request; None if it is a lasting credential.

    AWS Signature Version 4 and those made after it (Google, Alibaba, Tencent, Volcengine): ``Credential=ID/date/...``. HTTP signatures
    (Oracle): ``keyId``. Digest (RFC 7616): user and realm. Baidu: ``bce-auth-v1/ID/date/...``. Older ones: ``AWS ID:signature``. Huawei:
    ``Access=ID``. Akamai: ``client_token``. OAuth 1 (RFC 5849): consumer and token. Azure Service Bus: ``skn`` and ``sr``.
    """
    if value.startswith(b"bce-auth-v") and value.count(b"/") >= 5:
        return frame(value.split(b"/")[:2])
    scheme, _, rest = value.partition(b" ")
    if scheme in _ID_AND_SIGNATURE and (pair := _PAIR.fullmatch(rest.strip())):
        return frame((scheme, pair[1]))
    parameters = _parameters(scheme, rest.strip())
    if b"credential" in parameters and b"signature" in parameters:
        return frame((scheme, parameters[b"credential"].partition(b"/")[0]))
    if scheme.lower() == b"signature" and b"keyid" in parameters:
        return frame((scheme, parameters[b"keyid"]))
    if scheme.lower() == b"digest" and b"username" in parameters:
        return frame((scheme, parameters[b"username"], parameters.get(b"realm", b"")))
    for names, signature in _SIGNERS.get(scheme.lower(), ()):
        if signature in parameters and names[0] in parameters:
            return frame((scheme, *(parameters.get(name, b"") for name in names)))
    return None


def _parameters(scheme: bytes, text: bytes) -> dict[bytes, bytes]:
    """Return the parameters of a signature by lower-case name; empty unless it consists of parameters only."""
    separator = _SEPARATORS.get(scheme.lower(), b"") or (b"&" if b"&Signature=" in text else b"")
    if separator:
        pairs = [pair.partition(b"=") for pair in text.split(separator) if pair]
        return {name.lower(): value for name, sign, value in pairs if sign}
    if not _PARAMETERS.fullmatch(text):
        return {}
    return {name.lower(): value.strip(b'"') for name, value in _PARAMETER.findall(text)}
