"""What does the source say about itself? Modules and their imports, read off the syntax trees; nothing is imported or run."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "wirecache"
TESTS = ROOT / "tests"

Graph = Mapping[str, frozenset[str]]


def module_name(path: Path) -> str:
    """Return the module's dotted name below wirecache; empty for the package itself."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a text.

    No finaliser may run meanwhile: in CPython 3.11 it changes the recursion depth that the parser counts, a ``SystemError``
    (https://github.com/python/cpython/issues/106905).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if was_enabled:
            gc.enable()


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return parse(MODULES[module].read_text("utf-8"))


def imports(source: ast.AST) -> list[tuple[str, str]]:
    """Return every import as (module, name), the name empty for a whole module.

    Imports within functions and under ``TYPE_CHECKING`` count like those at the top: each is a thing to know about.
    """
    found = []
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


def own_imports(source: ast.AST, modules: Iterable[str] = MODULES) -> list[tuple[str, str]]:
    """Return the imports of wirecache's own modules; in ``from wirecache.cli import ls`` the module is ``cli.ls``."""
    found = []
    for module, name in imports(source):
        if module.partition(".")[0] == "wirecache":
            below = module.partition(".")[2]
            whole = f"{below}.{name}".lstrip(".")
            found.append((whole, "") if name and whole in modules else (below, name))
    return found


@cache
def imports_of(module: str) -> tuple[tuple[str, str], ...]:
    """Return the ``own_imports`` of a module."""
    return tuple(own_imports(tree(module)))


def import_graph() -> Graph:
    """Return which of wirecache's modules each of them imports."""
    return {module: frozenset(target for target, _ in imports_of(module)) for module in MODULES}


def loaded_with(source: ast.Module) -> ast.Module:
    """Return the module without what does not run when it is loaded: bodies of functions, and imports for types alone."""
    kept = [node for node in source.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")]
    return ast.Module([node for node in kept if isinstance(node, ast.Import | ast.ImportFrom | ast.If | ast.Try)], [])


def load_graph() -> Graph:
    """Return which of wirecache's modules are loaded at once with each of them."""
    return {module: frozenset(target for target, _ in own_imports(loaded_with(tree(module)))) for module in MODULES}


def functions(source: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method, nested ones too."""
    return (node for node in ast.walk(source) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
