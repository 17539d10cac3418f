"""The white space of a JSON document as a named layout: the tokens and the layout reproduce its bytes.

Only white space between tokens is ever changed: number literals (``1.0E+5``), escapes (``\\/``), the order of members and duplicate
members are kept as written.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wirecache.cassette._json_reader import STRICT_DECODER

__all__ = ["JSON_LAYOUTS", "JsonLayout", "compact", "layout_of", "readable"]

# The names of layouts; the unnamed one is "compact". A pattern, since the schema uses it, too.
JSON_LAYOUTS = r"compact|spaced|spaced-colons|spaced-commas|indent-([1-9][0-9]?|tab)(-crlf)?"
MAX_DEPTH = 100  # levels; deeper documents are not readable (and parsers give up on them)
WIDTH = 100  # columns that a line of numbers fills

# Patterns for text that is known to be JSON.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NUMBER = r"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SOLID = re.compile(rf'{_STRING}|[^"\s]++')
_STRINGS = re.compile(f"({_STRING})")
_TOKEN = re.compile(rf'{_STRING}|\[\]|\{{\}}|[{{}}\[\],:]|[^"{{}}\[\],:]++')
_TOKEN_OR_NUMBERS = re.compile(rf"\[{_NUMBER}(?:,{_NUMBER})++\]|{_TOKEN.pattern}")
_FIRST_INDENT = re.compile(r"[\[{](\r?\n)( {1,99}|\t)[^ \t]")
_GAPS = {"compact": (",", ":"), "spaced": (", ", ": "), "spaced-colons": (",", ": "), "spaced-commas": (", ", ":")}
_SPACE = " \t\n\r"


class JsonLayout(NamedTuple):
    """A JSON document: its ``tokens``, the ``name`` of its layout, and the white space ``before`` and ``after`` it."""

    tokens: str
    name: str
    before: str = ""
    after: str = ""

    def text(self) -> str:
        """Return the text of the document."""
        return f"{self.before}{_spaced(compact(self.tokens), self.name)}{self.after}"


def layout_of(text: str) -> JsonLayout | None:
    """Return the parts that reproduce exactly this text; None if it is not JSON or its white space follows no known layout."""
    try:
        STRICT_DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    core = text.strip(_SPACE)
    tokens = compact(core)
    if _depth(tokens) > MAX_DEPTH:
        return None
    at = text.index(core)
    for name in _candidates(core):
        if _spaced(tokens, name) == core:
            return JsonLayout(tokens, name, text[:at], text[at + len(core) :])
    return None


def compact(text: str) -> str:
    """Return the tokens of a JSON document, without white space between them."""
    return "".join(_SOLID.findall(text))


def readable(tokens: str, level: int) -> str:
    """Return the tokens formatted for people, indented to that level from the second line on; long lists of numbers fill their lines."""
    return _indented(_TOKEN_OR_NUMBERS.findall(tokens), "  ", "\n", level)


def _candidates(core: str) -> list[str]:
    """Return the layouts that the document may have, judging by its first line."""
    found = _FIRST_INDENT.match(core)
    if found is None:
        return list(_GAPS)
    unit = "tab" if found[2] == "\t" else str(len(found[2]))
    return [f"indent-{unit}" + ("-crlf" if found[1] == "\r\n" else "")]


def _spaced(tokens: str, name: str) -> str:
    """Return the tokens with the white space of the named layout."""
    if name == "compact":
        return tokens
    if name in _GAPS:
        comma, colon = _GAPS[name]
        pieces = _STRINGS.split(tokens)
        pieces[::2] = [piece.replace(",", comma).replace(":", colon) for piece in pieces[::2]]
        return "".join(pieces)
    _, unit, *crlf = name.split("-")
    return _indented(_TOKEN.findall(tokens), "\t" if unit == "tab" else " " * int(unit), "\r\n" if crlf else "\n", 0)


def _indented(tokens: list[str], unit: str, end: str, level: int) -> str:
    out: list[str] = []
    for token in tokens:
        if token in ("{", "["):
            level += 1
            out += (token, end, unit * level)
        elif token in ("}", "]"):
            level -= 1
            out += (end, unit * level, token)
        elif token == ",":
            out += (token, end, unit * level)
        elif token == ":":
            out.append(": ")
        elif token[0] == "[" and len(token) > 2:
            out.append(_filled(token, unit * level))
        else:
            out.append(token)
    return "".join(out)


def _filled(numbers: str, indent: str) -> str:
    """Return the list of numbers on one line, or on as few as it needs."""
    lines = [""]
    for number in numbers[1:-1].split(","):
        if len(lines[-1]) + len(number) > WIDTH:
            lines.append("")
        lines[-1] += f"{number}, "
    if len(lines) == 1:
        return f"[{lines[0][:-2]}]"
    within = f"\n{indent}  "
    return f"[{within}{within.join(line[:-1] for line in lines)[:-1]}\n{indent}]"


def _depth(tokens: str) -> int:
    """Return how deeply the brackets are nested."""
    level = deepest = 0
    for piece in _STRINGS.split(tokens)[::2]:
        for char in piece:
            if char in "{[":
                level += 1
                deepest = max(deepest, level)
            elif char in "}]":
                level -= 1
    return deepest
