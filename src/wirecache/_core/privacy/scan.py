"""Search of a file for leaked secrets: by their shape, or by a secret name before them in JSON, YAML or header lines.

The counterpart of ``redaction``: redacted text has no leaks. The text may be of any origin (cassettes of other recorders, logs), so lines
are matched by patterns, and nothing is parsed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from wirecache._core.privacy.patterns import shown
from wirecache._core.privacy.redaction import Redactor

__all__ = ["Leak", "leaks"]


class Leak(NamedTuple):
    """A secret in a file: its line (from 1), its kind, and what may be shown of it."""

    line: int
    kind: str
    shown: str


class _Match(NamedTuple):
    start: int
    end: int
    kind: str
    shown: str


_QUOTED = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
# "name": "value", where the value may be the first of a list, or the realtime API's {"value": ...}
_MEMBER = re.compile(r"""(?<!\\)(["'])([\w.$-]{1,100})\1\s*:\s*(?:\[\s*|\{\s*"value"\s*:\s*)?""" + _QUOTED)
# ["name", "value"] in a list of such pairs (a pair alone may be any list, such as a schema's "required")
_PAIR = re.compile(r"""(?<=[\[,])\s*\[\s*(["'])([\w.$-]{1,100})\1\s*,\s*""" + _QUOTED + r"\s*\]")
# name: value, or name: and a list below it, as vcrpy writes headers
_LINE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(["']?)([\w.$-]{1,100})\1[ \t]*:(?:[ \t]+(?:\[[ \t]*)?(?=\S)|[ \t]*\r?\n[ \t]*-[ \t]+)"""
    r"""(["']?)([^\s"'{\[|>&*!#][^\r\n]*?)\3\]?[ \t\r]*$""",
    re.MULTILINE,
)
_URL = re.compile(r"""["']?\b(?:url|uri|location)["']?[ \t]*:[ \t]*["']?([A-Za-z][\w+.-]*://[^\s"'<>]+)""", re.IGNORECASE)
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)+)"')
# Placeholders, and references to where the value comes from.
_HARMLESS = re.compile(
    r"""(?:(?:bearer|basic|token)\s+)?(?:
        [\[<({*_]*(?:redacted|filtered|dummy|fake|placeholder|hidden|masked|removed|scrubbed|none|null|true|false|string|str|~)[\])}>*_]*
        |\$.*|<.*>|\{.*\}|%.*%|[*x.\s-]*|YOUR[A-Z_-]+)""",
    re.IGNORECASE | re.VERBOSE,
)


def leaks(text: str, redactor: Redactor, lines: bool = False) -> Iterator[Leak]:
    """Yield the secrets in a text, in order.

    ``lines``: treat a line ``name: value`` as a member, as in YAML (in source code it is a type annotation, or prose).
    """
    found = [_Match(find.start, find.end, find.kind, find.shown) for find in redactor.finds(text)]
    found += [match for match in _by_name(text, redactor, lines) if not any(_overlap(match, other) for other in found)]
    found += [match for match in _escaped(text, redactor) if not any(_overlap(match, other) for other in found)]
    starts = [0, *(line_feed.end() for line_feed in re.finditer("\n", text))]
    for match in sorted(found):
        yield Leak(bisect_right(starts, match.start), match.kind, match.shown)


def _overlap(one: _Match, other: _Match) -> bool:
    return one.start < other.end and other.start < one.end


def _by_name(text: str, redactor: Redactor, lines: bool) -> Iterator[_Match]:
    seen: set[tuple[int, int]] = set()
    for pattern in (_MEMBER, _PAIR, _LINE) if lines else (_MEMBER, _PAIR):
        for match in pattern.finditer(text):
            name, (start, end) = match[2], match.span(match.lastindex or 0)
            if (start, end) not in seen and redactor.is_secret_member(name, text[start:end]) and not _HARMLESS.fullmatch(text[start:end]):
                seen.add((start, end))
                yield _Match(start, end, name.lower(), shown(text[start:end]))
    for match in _URL.finditer(text):
        if (redacted := redactor.url(match[1])) != match[1]:
            yield _Match(*match.span(1), "URL", redacted)


def _escaped(text: str, redactor: Redactor) -> Iterator[_Match]:
    """Yield the secrets in strings that contain JSON escapes."""
    for match in _STRING.finditer(text) if "\\" in text else ():
        try:
            plain: str = json.loads(match[0], strict=False)
        except ValueError:
            continue
        for find in redactor.finds(plain):
            yield _Match(*match.span(1), find.kind, find.shown)
