"""Which secrets are still in this file? What the shapes find, and the names that stand before a value in JSON, YAML and header lines.

The counterpart of ``redaction``: what that one wrote has no leak. It reads text of any origin (cassettes of other recorders, logs),
so it goes by what a line looks like, and never parses.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from wirecache._core.privacy.redaction import Redactor, shown

__all__ = ["Leak", "leaks"]


class Leak(NamedTuple):
    """A secret in a file: on which line (from 1), of which kind, and what may be told of it."""

    line: int
    kind: str
    shown: str


class _Place(NamedTuple):
    start: int
    end: int
    kind: str
    shown: str


_QUOTED = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
# "name": "value", where the value may be the first of a list, or the realtime API's {"value": ...}
_MEMBER = re.compile(r"""(?<!\\)(["'])([\w.$-]{1,100})\1\s*:\s*(?:\[\s*|\{\s*"value"\s*:\s*)?""" + _QUOTED)
# ["name", "value"] in a list of such pairs (a pair alone is any list, as a schema's "required")
_PAIR = re.compile(r"""(?<=[\[,])\s*\[\s*(["'])([\w.$-]{1,100})\1\s*,\s*""" + _QUOTED + r"\s*\]")
# name: value, or name: and a list below it, as vcrpy writes headers
_LINE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(["']?)([\w.$-]{1,100})\1[ \t]*:(?:[ \t]+(?:\[[ \t]*)?(?=\S)|[ \t]*\r?\n[ \t]*-[ \t]+)"""
    r"""(["']?)([^\s"'{\[|>&*!#][^\r\n]*?)\3\]?[ \t\r]*$""",
    re.MULTILINE,
)
_URL = re.compile(r"""["']?\b(?:url|uri|location)["']?[ \t]*:[ \t]*["']?([A-Za-z][\w+.-]*://[^\s"'<>]+)""", re.IGNORECASE)
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)+)"')
# What people write in place of a secret, or where its value comes from.
_HARMLESS = re.compile(
    r"""(?:(?:bearer|basic|token)\s+)?(?:
        [\[<({*_]*(?:redacted|filtered|dummy|fake|placeholder|hidden|masked|removed|scrubbed|none|null|true|false|string|str|~)[\])}>*_]*
        |\$.*|<.*>|\{.*\}|%.*%|[*x.\s-]*|YOUR[A-Z_-]+)""",
    re.IGNORECASE | re.VERBOSE,
)


def leaks(text: str, redactor: Redactor, lines: bool = False) -> Iterator[Leak]:
    """The secrets of a text, in order. ``lines``: is ``name: value`` a member, as in YAML (in a program it is a type, or prose)?"""
    found = [_Place(find.start, find.end, find.kind, find.shown) for find in redactor.finds(text)]
    found += [place for place in _by_name(text, redactor, lines) if not any(_meet(place, other) for other in found)]
    found += [place for place in _escaped(text, redactor) if not any(_meet(place, other) for other in found)]
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for place in sorted(found):
        yield Leak(bisect_right(starts, place.start), place.kind, place.shown)


def _meet(one: _Place, other: _Place) -> bool:
    return one.start < other.end and other.start < one.end


def _by_name(text: str, redactor: Redactor, lines: bool) -> Iterator[_Place]:
    seen: set[tuple[int, int]] = set()
    for pattern in (_MEMBER, _PAIR, _LINE) if lines else (_MEMBER, _PAIR):
        for match in pattern.finditer(text):
            name, (start, end) = match[2], match.span(match.lastindex or 0)
            if (start, end) not in seen and redactor.is_secret(name) and not _HARMLESS.fullmatch(text[start:end]):
                seen.add((start, end))
                yield _Place(start, end, name.lower(), shown(text[start:end]))
    for match in _URL.finditer(text):
        if (told := redactor.url(match[1])) != match[1]:
            yield _Place(*match.span(1), "URL", told)


def _escaped(text: str, redactor: Redactor) -> Iterator[_Place]:
    """What JSON's escapes hide."""
    for match in _STRING.finditer(text) if "\\" in text else ():
        try:
            plain: str = json.loads(match[0], strict=False)
        except ValueError:
            continue
        for find in redactor.finds(plain):
            yield _Place(*match.span(1), find.kind, find.shown)
