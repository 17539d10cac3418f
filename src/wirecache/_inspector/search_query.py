"""Search queries as full-text queries: words, phrases, prefixes, and exclusions."""

from __future__ import annotations

import re

__all__ = ["match_expression", "spaced", "words_of"]

# Scripts without spaces between words: each character is indexed, and searched for, as a word.
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')

MOST = 100  # the maximum of words and phrases in a query


def spaced(text: str) -> str:
    """Return the text with spaces between the characters of scripts that have none between words."""
    return _UNSPACED.sub(r" \1 ", text)


def match_expression(text: str) -> str:
    """Return the full-text query for any user input; empty if it contains no word."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in _TERM.findall(text)[:MOST]:
        body = phrase or word
        prefix = "*" if not phrase and (body.endswith("*") or not minus) else ""
        words = _words(body)
        if words:
            (unwanted if minus else wanted).append(f'"{" ".join(words)}"{prefix}')
    if not wanted:
        return ""
    return " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted)


def words_of(text: str) -> list[str]:
    """Return the words and phrases that are searched for, to be highlighted in the results."""
    return [words for minus, phrase, word in _TERM.findall(text) if not minus and (words := (phrase or word).strip("*"))]


def _words(text: str) -> list[str]:
    """Return the words in a term as the tokenizer sees them."""
    return re.findall(r"\w+", spaced(text.replace("_", " ")))
