"""How is a JSON document laid out, so that its own tokens and the name of its layout give its bytes again?

Only the white space between tokens is ever changed: number literals (``1.0E+5``), escapes (``\\/``), the order of members and
members that are named twice stay as they were written.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

__all__ = ["JSON_LAYOUTS", "Laid", "dense", "laid_out", "readable", "take_apart"]

# The names of layouts; "compact" is the one that is not named. A pattern, since it stands in the schema, too.
JSON_LAYOUTS = r"compact|spaced|spaced-colons|spaced-commas|indent-([1-9][0-9]?|tab)(-crlf)?"
DEEPEST = 100  # levels; a document that is deeper is nothing to read (and parsers give up on it)
WIDTH = 100  # columns that a line of numbers fills

# In a document that is known to be JSON.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NUMBER = r"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SOLID = re.compile(rf'{_STRING}|[^"\s]++')
_STRINGS = re.compile(f"({_STRING})")
_TOKEN = re.compile(rf'{_STRING}|\[\]|\{{\}}|[{{}}\[\],:]|[^"{{}}\[\],:]++')
_TOKEN_OR_NUMBERS = re.compile(rf"\[{_NUMBER}(?:,{_NUMBER})++\]|{_TOKEN.pattern}")
_FIRST_INDENT = re.compile(r"[\[{](\r?\n)( {1,99}|\t)[^ \t]")
_GAPS = {"compact": (",", ":"), "spaced": (", ", ": "), "spaced-colons": (",", ": "), "spaced-commas": (", ", ":")}
_SPACE = " \t\n\r"


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_json)


class Laid(NamedTuple):
    """A JSON document: its ``tokens`` without white space, the name of its ``layout``, the white space ``before`` and ``after`` it."""

    tokens: str
    layout: str
    before: str = ""
    after: str = ""


def take_apart(text: str) -> Laid | None:
    """The parts that give exactly this text again; None if it is no JSON, or laid out in no regular way."""
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    core = text.strip(_SPACE)
    tokens = dense(core)
    if _depth(tokens) > DEEPEST:
        return None
    at = text.index(core)
    for layout in _candidates(core):
        if _lay(tokens, layout) == core:
            return Laid(tokens, layout, text[:at], text[at + len(core) :])
    return None


def laid_out(document: Laid) -> str:
    """The text that was taken apart."""
    return f"{document.before}{_lay(dense(document.tokens), document.layout)}{document.after}"


def dense(text: str) -> str:
    """The tokens of a JSON document, without white space between them."""
    return "".join(_SOLID.findall(text))


def readable(tokens: str, level: int) -> str:
    """The tokens as people read them, from the second line on indented for that level; long lists of numbers fill their lines."""
    return _indented(_TOKEN_OR_NUMBERS.findall(tokens), "  ", "\n", level)


def _candidates(core: str) -> list[str]:
    found = _FIRST_INDENT.match(core)
    if found is None:
        return list(_GAPS)
    unit = "tab" if found[2] == "\t" else str(len(found[2]))
    return [f"indent-{unit}" + ("-crlf" if found[1] == "\r\n" else "")]


def _lay(tokens: str, layout: str) -> str:
    if layout == "compact":
        return tokens
    if layout in _GAPS:
        comma, colon = _GAPS[layout]
        pieces = _STRINGS.split(tokens)
        pieces[::2] = [piece.replace(",", comma).replace(":", colon) for piece in pieces[::2]]
        return "".join(pieces)
    _, unit, *crlf = layout.split("-")
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
    """A list of numbers on one line, or on as few as it needs."""
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
    level = deepest = 0
    for piece in _STRINGS.split(tokens)[::2]:
        for char in piece:
            if char in "{[":
                level += 1
                deepest = max(deepest, level)
            elif char in "}]":
                level -= 1
    return deepest
