"""Does each module say what it is for, and what others may use of it?"""

from __future__ import annotations

import ast
import importlib
import re

import pytest

import wirecache
from tests.house.source import MODULES, imports_of, tree
from tests.house.test_floors import room_of


def test_every_module_says_what_it_is_for() -> None:
    first_lines = {module: (ast.get_docstring(tree(module)) or "").partition("\n")[0] for module in MODULES}
    assert [module for module, line in first_lines.items() if len(line) <= 20] == []


def test_every_export_list_is_complete_and_true() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for module in MODULES:
        defined = [node for node in tree(module).body if isinstance(node, kinds) and not _is_command(node)]
        public = {node.name for node in defined if not node.name.startswith("_")}
        if "__all__" not in MODULES[module].read_text("utf-8"):
            assert not public, f"{module} defines {public} and has no __all__"
            continue
        loaded = importlib.import_module(f"wirecache.{module}".rstrip("."))
        listed = loaded.__all__
        assert len(listed) == len(set(listed)), module
        assert [name for name in listed if not hasattr(loaded, name)] == [], module
        assert public - set(listed) == set(), f"{module}: what others may use is in __all__; what they may not has an underscore"


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Return whether a decorator hands the function to the command line: nothing else calls it."""
    return any(ast.unparse(decorator).startswith("app.") for decorator in node.decorator_list)


def test_what_others_import_is_in_the_export_list() -> None:
    imported: dict[str, set[str]] = {module: set() for module in MODULES}
    for other in MODULES:
        for source, name in imports_of(other):
            if name and source in MODULES and room_of(other) != room_of(source):
                imported[source].add(name)
    for module, names in imported.items():
        loaded = importlib.import_module(f"wirecache.{module}".rstrip("."))
        assert names - set(getattr(loaded, "__all__", ())) - {"__version__"} == set(), module


def test_the_package_exports_what_it_says_and_where_it_is() -> None:
    where = wirecache._WHERE
    assert {*where, "__version__"} == set(wirecache.__all__)
    for name, module in where.items():
        home = importlib.import_module(f"wirecache.{module}")
        assert getattr(wirecache, name) is getattr(home, name)
        assert name in home.__all__
    typed = [node for node in ast.walk(tree("")) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wirecache.")]
    assert {alias.name: (node.module or "").removeprefix("wirecache.") for node in typed for alias in node.names} == {
        **where,
        "__version__": "_core.version",
    }
    assert set(dir(wirecache)) == set(wirecache.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        wirecache.nothing  # noqa: B018


def test_nothing_is_left_to_do() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [module for module, path in MODULES.items() if left.search(path.read_text("utf-8"))] == []
