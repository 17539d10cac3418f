"""Does the source speak standard English? Names without private words, docstrings that say what a thing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import ROOT, SOURCE, TESTS, parse

PRIVATE_WORDS = {"told", "said", "asked", "led"}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names(source: ast.AST) -> Iterator[str]:
    """Yield every name that the source defines: functions, classes, parameters, variables, attributes, import aliases.

    The tests' own names (``test_...``) are sentences, and may use any word.
    """
    for node in ast.walk(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield "" if node.name.startswith("test_") else node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.asname or ""
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield node.name or ""
        elif isinstance(node, ast.keyword):
            yield node.arg or ""


def private_words(text: str) -> set[str]:
    """Return the names in this source text in which a private word occurs."""
    return {name for name in names(parse(text)) if PRIVATE_WORDS & {word.lower() for word in WORD.findall(name)}}


def same_docstrings(text: str) -> list[str]:
    """Return the docstrings that begin with "The same": they say what a thing is like, not what it is."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    documented = [ast.get_docstring(node) or "" for node in ast.walk(parse(text)) if isinstance(node, kinds)]
    return [docstring for docstring in documented if re.match(r"the same\b", docstring, re.IGNORECASE)]


def _files(folder: Path) -> dict[str, str]:
    """Return the source texts of a folder by their paths below the project's root."""
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.py")}


@pytest.mark.parametrize("folder", [pytest.param(SOURCE, id="src"), pytest.param(TESTS, id="tests")])
def test_no_name_has_a_private_word(folder: Path) -> None:
    assert {path: words for path, text in _files(folder).items() if (words := private_words(text))} == {}


def test_no_docstring_begins_with_the_same() -> None:
    assert [path for path, text in (_files(SOURCE) | _files(TESTS)).items() if same_docstrings(text)] == []


# -- each rule fails where it should ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("told = 1", "told"),
        ("def what_he_said(): ...", "what_he_said"),
        ("async def asked(): ...", "asked"),
        ("class WhoLed: ...", "WhoLed"),
        ("class HTTPAsked: ...", "HTTPAsked"),
        ("def f(*, told): ...", "told"),
        ("lambda asked: 1", "asked"),
        ("import events as told", "told"),
        ("from a import b as said", "said"),
        ("x.asked = 1", "asked"),
        ("for told in (): ...", "told"),
        ("f(asked=1)", "asked"),
        ("with f() as said: ...", "said"),
        ("TOLD: int = 1", "TOLD"),
        ("try: ...\nexcept E as told: ...", "told"),
        ("match x:\n    case said: ...", "said"),
    ],
)
def test_a_private_word_in_a_name_is_found(text: str, name: str) -> None:
    assert private_words(text) == {name}


@pytest.mark.parametrize("text", ["called = handled = ledger = toldo = 1", "def test_it_is_told_once(): ...", "x = 'told'  # said"])
def test_other_words_are_not(text: str) -> None:
    assert private_words(text) == set()


@pytest.mark.parametrize("text", ["'''The same again.'''", "def f():\n    '''The same\n    for types.'''", "class A:\n    '''the same'''"])
def test_a_docstring_that_begins_with_the_same_is_found(text: str) -> None:
    assert len(same_docstrings(text)) == 1


def test_other_docstrings_are_not() -> None:
    assert same_docstrings("'''Return the same entry.'''\nx = '''The same'''") == []
