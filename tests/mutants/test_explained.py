from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.mutants.__main__ import EXPLAINED, MODULES, ROOT, settings, without_caches
from tests.mutants.explained import Explained, Mutant
from tests.mutants.survivors import function_of

LIST = Explained.read(EXPLAINED)
ONE = Mutant("a/b", "f", 'return x.decode("utf-8") or 1', 'return x.decode("utf-8") or 2')


@pytest.mark.parametrize("mutant", sorted(LIST.mutants, key=str), ids=lambda mutant: f"{mutant.module}:{mutant.function}")
def test_what_is_explained_is_in_the_source(mutant: Mutant) -> None:
    source = (ROOT / "src" / "wirecache" / "_core" / f"{mutant.module}.py").read_text("utf-8")
    lines = {line.strip() for line in source.splitlines()}
    assert set(mutant.was.splitlines()) <= lines
    assert mutant.module in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_test_file_and_settings(module: str) -> None:
    table = tomllib.loads(settings(module))["tool"]["mutmut"]
    for path in (*table["only_mutate"], *table["pytest_add_cli_args_test_selection"]):
        assert (ROOT / path).exists()


@pytest.mark.parametrize("was", ["plain", "with 'quotes'", "two\nlines", "two\nlines, and a 'quote'", "'''"])
def test_a_survivor_is_written_as_the_list_has_it(was: str, tmp_path: Path) -> None:
    mutant = Mutant("a/b", "Class.method", was, "now")
    path = tmp_path / "explained.toml"
    path.write_text(f"{mutant}\nreason = 'none'\n", "utf-8")
    assert Explained.read(path).judge("a/b", [mutant]) == ([], [])
    path.write_text(str(mutant), "utf-8")
    with pytest.raises(SystemExit, match="each entry must have a reason"):
        Explained.read(path)


def test_what_is_not_explained_and_what_is_explained_for_nothing() -> None:
    other = Mutant("a/b", "f", "x", "y")
    assert Explained().judge("a/b", [ONE]) == ([ONE], [])
    assert Explained(frozenset({ONE})).judge("a/b", [ONE, ONE]) == ([], [])
    assert Explained(frozenset({ONE, other})).judge("a/b", [ONE]) == ([], [other])
    assert Explained(frozenset({other})).judge("a/c", []) == ([], [])


def test_a_kind_makes_no_difference_wherever_it_stands() -> None:
    kinds = Explained(kinds=[('"utf-8"', '"UTF-8"')])
    upper = Mutant("a/b", "f", 'f("utf-8", "utf-8")', 'f("utf-8", "UTF-8")')
    assert kinds.judge("a/b", [upper, ONE]) == ([ONE], [])


def test_the_caches_of_functions_are_left_out() -> None:
    assert without_caches("@lru_cache(maxsize=1)\ndef f(): ...\n@cache\ndef g(): ...\n") == "def f(): ...\ndef g(): ...\n"
    kept = "@property\ndef f(): ...\n@cache\ndef g(): ...\ng.cache_clear()\n"
    assert without_caches(kept) == kept
    assert without_caches("@cache\ndef h(): ...\n" + kept) == "def h(): ...\n" + kept


def test_the_function_of_a_mutants_name() -> None:
    assert function_of("wirecache._core.keys.keys.x_make_key__mutmut_3") == "make_key"
    assert function_of("wirecache._core.keys.keys.xǁKeyOptionsǁnormalized__mutmut_3") == "KeyOptions.normalized"
