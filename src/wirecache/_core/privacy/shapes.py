"""The shapes of secrets, by which they are recognised in any text: one table for cassettes, logs, messages and scans.

A shape has a literal text that each secret of its kind contains (its anchor) and a pattern that is tried only there, so that a search
costs one ``str.find`` per anchor. Sources: the providers' documentation and SDKs, and the rule lists of public secret scanners. Shapes
allow for more lengths than today's keys have, and are strict about where a secret may begin: not after a letter, a digit, ``-`` or
``_``, which belong to another word (``task-``, ``week_``, base64 of either alphabet).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["ROWS", "Row", "Rows", "is_opaque"]


class Row(NamedTuple):
    """One anchor of one shape. The pattern matches from the anchor on; the pattern's group, if it has one, is the secret.

    It is compiled when its anchor is first found, since compiling all of them takes 20 ms. ``required``: characters of which the text must
    contain at least one; this rules out letters-only anchors in base64 images and audio. Empty: none is required.
    ``is_valid``: a further check of a match, or None.
    """

    anchor: str
    kind: str
    pattern: str
    required: str
    is_valid: Callable[[str], bool] | None


Rows: TypeAlias = Sequence[Row]


# The start of a word; an escape (``\n``, ``%20``) may precede it. ``\w`` is ASCII in all patterns.
_LEFT = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_LONG = r"(?=[\w-]*?[A-Za-z0-9]{16})"  # 16 letters or digits in a row somewhere, which excludes hyphenated words
_IS = r"[\"'\\]{0,3}[ \t]{0,3}[:=][ \t]{0,3}[\"'\\]{0,3}"  # between a name and its value
_VALUE = r"[^&\s\"'\\<>#]"  # of a query parameter inside a text


def _is_user_and_password(text: str) -> bool:
    """Return whether the text is a credential of ``Basic`` authentication (RFC 7617) and not an ordinary word."""
    try:
        return b":" in binascii.a2b_base64(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), strict_mode=True)
    except binascii.Error:
        return False


_RUN = re.compile(r"[A-Za-z0-9]+")
_OPAQUE = re.compile(r"[\w.~+/=-]{8,}", re.ASCII)


def is_opaque(value: str) -> bool:
    """Return whether a text looks like a secret and not like words or code: at least 8 characters in runs of letters and digits."""
    if not _OPAQUE.fullmatch(value):
        return False
    mixed = [run for run in _RUN.findall(value) if not run.isalpha() and not run.isdigit()]
    return sum(map(len, mixed)) >= 8


# kind, anchors, pattern (its group, if it has one, is the secret)
_SHAPES: tuple[tuple[str, str, str], ...] = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM, Langfuse
    ("sk- key", "sk-", _LEFT + r"sk-(?:(?:proj|svcacct|admin|ant|live|test|None|or-v1|lf|helicone)-[\w-]{8,}"
     r"|(?=[\w-]*?[A-Za-z0-9]{20})[\w-]{20,}|" + _LONG + r"(?=[\w-]*\d)[\w-]{16,})"),
    ("OpenAI session key", "sess-", _LEFT + r"sess-[A-Za-z0-9]{20,}"),
    ("OpenAI ephemeral key", "ek_", _LEFT + r"ek_[A-Za-z0-9]{16,}"),
    ("OpenAI organisation", "org-", _LEFT + r"org-[A-Za-z0-9]{20,}"),
    ("OpenAI project", "proj_", _LEFT + r"proj_[A-Za-z0-9]{20,}"),
    ("Google API key", "AIza", _LEFT + r"AIza[\w-]{30,}"),
    ("Google API key", "AQ.Ab", _LEFT + r"AQ\.Ab[\w-]{30,}"),
    ("Google access token", "ya29.", _LEFT + r"ya29\.[\w.-]{15,}[\w-]"),
    ("Google refresh token", "1//0", _LEFT + r"1//0[\w-]{30,}"),
    ("Google client secret", "GOCSPX-", _LEFT + r"GOCSPX-[\w-]{20,}"),
    ("Hugging Face token", "hf_", _LEFT + r"hf_[A-Za-z0-9]{20,}"),
    ("Hugging Face token", "api_org_", _LEFT + r"api_org_[A-Za-z0-9]{20,}"),
    ("Groq key", "gsk_", _LEFT + r"gsk_[A-Za-z0-9]{20,}"),
    ("xAI key", "xai-", _LEFT + r"xai-" + _LONG + r"[\w-]{20,}"),
    ("Replicate token", "r8_", _LEFT + r"r8_[A-Za-z0-9]{20,}"),
    ("Perplexity key", "pplx-", _LEFT + r"pplx-[A-Za-z0-9]{20,}"),
    ("Cerebras key", "csk-", _LEFT + r"csk-[A-Za-z0-9]{20,}"),
    ("Together key", "tgp_v1_", _LEFT + r"tgp_v1_[\w-]{20,}"),
    ("NVIDIA key", "nvapi-", _LEFT + r"nvapi-[\w-]{20,}"),
    ("Fireworks key", "fw_", _LEFT + r"fw_[A-Za-z0-9]{20,}"),
    ("LangSmith key", "lsv2_", _LEFT + r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("Databricks token", "dapi", _LEFT + r"dapi[0-9a-f]{32}(?:-\d)?"),
    ("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", _LEFT + r"gh[pousr]_[A-Za-z0-9]{30,}"),
    ("GitHub token", "github_pat_", _LEFT + r"github_pat_\w{22,}"),
    ("GitLab token", "glpat-", _LEFT + r"glpat-[\w-]{20,}"),
    ("Slack token", "xox", _LEFT + r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9/+%-]{10,}"),
    ("Slack token", "xapp-", _LEFT + r"xapp-\d-[A-Za-z0-9-]{10,}"),
    ("Slack webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})"),
    ("Stripe or ElevenLabs key", "sk_", _LEFT + r"sk_(?:(?:live|test|prod)_[A-Za-z0-9]{10,}|[0-9a-f]{40,})"),
    ("npm token", "npm_", _LEFT + r"npm_[A-Za-z0-9]{36,}"),
    ("PyPI token", "pypi-AgEI", _LEFT + r"pypi-AgEI[\w-]{40,}"),
    ("AWS key id", "AKIA ASIA ABIA ACCA", _LEFT + r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![\w-])"),
    ("AWS secret key", "ecret_access_key ecretAccessKey ECRET_ACCESS_KEY", r"(?i:ecret_?access_?key)[\"'\\]{0,3}\s*[:=]\s*[\"'\\]{0,3}"
     r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),
    ("AWS signature", "Credential=", r"Credential=([A-Z0-9]{16,}(?:/|%2F)[^\s,&\"'\\<>#]+)"),
    ("AWS signature", "Signature=", r"Signature=([0-9a-fA-F]{64})"),
    ("Bedrock key", "ABSK", _LEFT + r"ABSK[A-Za-z0-9+/]{60,}={0,2}"),
    ("Bedrock key", "bedrock-api-key-", _LEFT + r"bedrock-api-key-[\w+/-]{20,}={0,2}"),
    ("Azure key", "AccountKey= SharedAccessKey=", r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{30,}={0,2})"),
    ("JSON Web Token", "eyJ", _LEFT + r"eyJ[\w-]{8,}+(?:\.ey[\w-]{8,}+\.[\w-]*|(?:\.[\w-]*+){4})"),
    ("bearer token", "Bearer bearer BEARER", r"(?i:bearer)[ \t]+(?:(?=[\w.~+/=-]{0,400}\d)([\w.~+/=-]{10,})|([A-Za-z]{20,}))"),
    ("bearer token", "uthorization UTHORIZATION", r"(?i:uthorization)[\"'\\]{0,3}[ \t]*[:=][ \t]*[\"'\\]{0,3}"
     r"(?i:bearer|token|key|basic)[ \t]+(?=[\w.~+/=-]{0,400}\d)([\w.~+/=-]{6,})"),
    ("user and password", "Basic basic BASIC", r"(?i:basic)[ \t]+([A-Za-z0-9+/]{6,}={0,2})(?![\w+/=-])"),
    ("user and password", "://", r"://([^\s/?#\"'\\<>@:]*:(?![\[{$(]|%[sd(])[^\s/?#\"'\\<>@]+)@"),
    ("query parameter", "? &", r"[?&](?i:(?:[\w-]*api[_-]?key|(?:access|auth|refresh|id|session|security)[_-]?token"
     r"|(?:client[_-]?)?secret|private[_-]?key|password|passwd|pwd|jwt|auth|authorization|subscription-key|sig|signature)"
     r"=(?=" + _VALUE + r"{0,400}\d)|x-(?:amz|goog)-(?:signature|credential|security-token)=)(" + _VALUE + r"{8,})"),
    # in text: an environment file, YAML, a header in a message, JSON within a string
    ("named secret", "pi_key PI_KEY pi-key pi-Key PI-Key piKey PIKey", r"(?i:pi[_-]?key)" + _IS + r"([\w.~+/=-]{8,})"),
    ("named secret", "assword ASSWORD lient_secret LIENT_SECRET lientSecret", r"(?i:assword|lient_?secret)" + _IS + r"([\w.~+/=-]{8,})"),
    ("private key", "-----BEGIN ", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
     r"(?:[^-\"]*+(?:-(?!----)[^-\"]*+)*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
     r"|(?:(?:\s|\\{1,8}[nr])*[A-Za-z0-9+/=]{16,})+)"),
)  # fmt: skip


_SPACE = " \t\\"  # in JSON, a tab may be an escape
_REQUIRED = {
    "?": "=", "&": "=", "://": "@", "xox": "-", "bearer": _SPACE, "basic": _SPACE, "uthorization": ":=", "ecretaccesskey": ":=",
    "pikey": ":=", "assword": ":=", "lientsecret": ":=", "eyj": ".", "ya29.": ".",
}  # fmt: skip


def _rows() -> Iterable[Row]:
    for kind, anchors, pattern in _SHAPES:
        is_valid = _is_user_and_password if anchors.startswith("Basic") else is_opaque if kind == "named secret" else None
        for anchor in anchors.split(" ") if anchors != "-----BEGIN " else [anchors]:
            yield Row(anchor, kind, pattern, _REQUIRED.get(anchor.lower(), ""), is_valid)


ROWS: Rows = tuple(_rows())
