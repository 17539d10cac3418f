"""What does a secret look like, wherever it stands? One table of shapes for cassette, log, message and scan.

A shape has a literal text that is in each secret of its kind (its anchor) and a pattern that is tried only there: a search costs
one ``str.find`` an anchor, whatever the length. Sources: the providers' documents and SDKs, and the rule lists of
public secret scanners. Shapes allow more lengths than today's keys have, and are strict about where a secret may begin: not after
a letter, a digit, ``-`` or ``_``, which belong to another word (``task-``, ``week_``, base64 of either alphabet).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple, Protocol, TypeAlias

from wirecache.errors import ConfigError

__all__ = [
    "REDACTED",
    "ROWS",
    "Pattern",
    "Row",
    "Span",
    "compiled_by_user",
    "is_opaque",
    "present",
    "redacted_text",
    "replaced",
    "search",
    "shown",
]

REDACTED = "REDACTED"


class Span(NamedTuple):
    """A secret in a text: from ``start`` to ``end``, and its kind."""

    start: int
    end: int
    kind: str


class Row(NamedTuple):
    """One anchor of one shape. The pattern matches from the anchor on; the pattern's group, if it has one, is the secret.

    It is compiled when its anchor is first met: compiling all of them would cost an import 20 ms. ``required``: what must be in the
    text too, where the anchor is common. ``is_valid``: a check of what matched, or None.
    """

    anchor: str
    kind: str
    pattern: str
    required: str
    is_valid: Callable[[str], bool] | None


Rows: TypeAlias = Sequence[Row]


class _Match(Protocol):
    def span(self, group: int | str = 0, /) -> tuple[int, int]: ...


class Pattern(Protocol):
    """What else is secret: an ``re.Pattern``, or what finds as one does."""

    @property
    def groupindex(self) -> Mapping[str, int]: ...

    def finditer(self, text: str, /) -> Iterable[_Match]: ...


# The start of a word; an escape (``\n``, ``%20``) may stand in front. ``\w`` is ASCII in all patterns.
_LEFT = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_LONG = r"(?=[\w-]*?[A-Za-z0-9]{16})"  # somewhere 16 letters or digits in a row: no words with hyphens
_IS = r"[\"'\\]{0,3}[ \t]{0,3}[:=][ \t]{0,3}[\"'\\]{0,3}"  # between a name and its value
_VALUE = r"[^&\s\"'\\<>#]"  # of a query parameter inside a text


def _is_user_and_password(text: str) -> bool:
    """Return whether the text is what ``Basic`` carries (RFC 7617), rather than an ordinary word."""
    try:
        return b":" in binascii.a2b_base64(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), strict_mode=True)
    except binascii.Error:
        return False


_RUN = re.compile(r"[A-Za-z0-9]+")
_OPAQUE = re.compile(r"[\w.~+/=-]{8,}", re.ASCII)


def is_opaque(value: str) -> bool:
    """Return whether a text looks like a secret and not like words or a program: at least 8 characters in runs of letters and digits."""
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


_REQUIRED = {"?": "=", "&": "=", "://": "@"}


def _rows() -> Iterable[Row]:
    for kind, anchors, pattern in _SHAPES:
        is_valid = _is_user_and_password if anchors.startswith("Basic") else is_opaque if kind == "named secret" else None
        for anchor in anchors.split(" ") if anchors != "-----BEGIN " else [anchors]:
            yield Row(anchor, kind, pattern, _REQUIRED.get(anchor, anchor), is_valid)


ROWS: Rows = tuple(_rows())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


class _AnchorGroup(NamedTuple):
    """Rows whose anchors share a character; ``pattern`` begins with it and finds any of the anchors (empty for a single row)."""

    character: str
    pattern: str
    rows: Rows


@cache
def _anchor_groups() -> list[_AnchorGroup]:
    """Return the rows grouped by a rare character of their anchors.

    Finding one character costs a fiftieth of finding three: an ordinary text of 100 KB is searched in 0.5 ms instead of 3.
    """
    groups: dict[str, list[Row]] = {}
    for row in ROWS:
        groups.setdefault(next((letter for letter in "_-=/?&JAB" if letter in row.anchor), row.anchor), []).append(row)
    found: list[_AnchorGroup] = []
    for character, rows in groups.items():
        sides = [row.anchor.partition(character) for row in rows]
        around = "|".join(f"(?<={re.escape(left + character)})(?={re.escape(right)})" for left, _, right in sides)
        found.append(_AnchorGroup(character, f"{re.escape(character)}(?:{around})" if len(rows) > 1 else "", rows))
    return found


def present(text: str) -> Rows:
    """Return the rows whose anchor is in the text: only those can find something."""
    found: list[Row] = []
    for character, pattern, rows in _anchor_groups():
        if character in text and (not pattern or _compiled(pattern).search(text)):
            found += [row for row in rows if row.anchor in text and row.required in text]
    return found


def search(text: str, rows: Rows | None = None, patterns: Iterable[Pattern] = ()) -> list[Span]:
    """Return the secrets of the text, in order, without overlaps.

    ``rows``: those ``present`` in the text, if known. ``patterns``: the user's own; their group ``secret``, or the whole match, counts.
    What is ``REDACTED`` already is no secret, and a secret that touches it includes it.
    """
    found: list[Span] = []
    for row in present(text) if rows is None else rows:
        found += _matches(text, row)
    for pattern in patterns:
        group = "secret" if "secret" in pattern.groupindex else 0
        spans = (match.span(group) if match.span(group)[0] >= 0 else match.span() for match in pattern.finditer(text))
        found += [Span(start, end, "pattern") for start, end in spans if end > start]
    return _merged(text, found) if found else found


def _matches(text: str, row: Row) -> Iterator[Span]:
    at = text.find(row.anchor)
    while at >= 0:
        match = _compiled(row.pattern).match(text, at)
        if match is None:
            at = text.find(row.anchor, at + 1)
            continue
        start, end = match.span(match.lastindex or 0)
        if row.is_valid is None or row.is_valid(text[start:end]):
            yield Span(start, end, row.kind)
        at = text.find(row.anchor, max(match.end(), at + 1))


def _merged(text: str, found: list[Span]) -> list[Span]:
    """Return the spans in order, overlapping ones as one, without those that are ``REDACTED`` already."""
    redacted = [match.span() for match in re.finditer(REDACTED, text)]
    merged: list[Span] = []
    for start, end, kind in sorted(found):
        for first, last in redacted:
            if first < end and start < last:
                start, end = min(start, first), max(end, last)
        if not text[start:end].replace(REDACTED, ""):
            continue
        if merged and start <= merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(end, merged[-1].end))
        else:
            merged.append(Span(start, end, kind))
    return merged


def replaced(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with ``REDACTED`` in place of these spans (start, end), which are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += (text[at:start], REDACTED)
        at = end
    return "".join([*parts, text[at:]])


def redacted_text(text: str, rows: Rows | None = None, patterns: Sequence[Pattern] = ()) -> str:
    """Return the text with each secret replaced; the text itself if there are none.

    Repeated until nothing is found: what stands beside a secret may be one once that is gone. Each round shortens the text, so it ends.
    """
    while spans := search(text, rows, patterns):
        text = replaced(text, [(span.start, span.end) for span in spans])
    return text


def compiled_by_user(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Return a pattern of the user's, compiled. Raises ``ConfigError`` if it is none, or would match everything."""
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(f"redact: the pattern {pattern!r} does not compile: {error}") from None
    if not isinstance(compiled.pattern, str):
        raise ConfigError(f"redact: patterns must be text, got the bytes pattern {compiled.pattern!r}")
    if compiled.search(""):
        raise ConfigError(f"redact: the pattern {compiled.pattern!r} matches the empty text, and so everything; narrow it to the secret")
    return compiled


def shown(secret: str) -> str:
    """Return what may be shown of a secret: its first four characters, if they are a small part of it, and its length."""
    head = "".join(letter if letter.isprintable() else "?" for letter in secret[:4]) if len(secret) >= 12 else ""
    return f"{head}... ({len(secret)} characters)"
