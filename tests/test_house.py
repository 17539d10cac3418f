"""Is the house in order? Import floors, what the core may know, export lists, what an import costs: read off the syntax trees."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import wirecache

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "wirecache"

# The rooms, from the top of the house to its ground. Imports go down, or stay inside one room.
ROOMS = (
    "__main__", "cli", "pytest_plugin", "", "_pytest", "httpx httpx2", "_clients", "_transport", "_caches", "otel prices stats", "_engine",
    "_storage", "cassette", "stores", "_settings", "_runtime", "_core", "errors",
)  # fmt: skip
FLOORS = {room: len(ROOMS) - at for at, rooms in enumerate(ROOMS) for room in rooms.split(" ")}
# Imports that are still to be turned round.
PENDING = {
    ("_storage", "stats"), ("_engine", "stats"), ("_engine", "_caches"), ("prices", "stats"),
    ("otel", "_caches"),
}  # fmt: skip
# What the core, which decides and does nothing else, may not know: time, place, world.
OUTSIDE = {"asyncio", "anyio", "concurrent", "http", "httpx", "httpx2", "io", "logging", "multiprocessing", "os", "pathlib", "random",
           "requests", "secrets", "socket", "ssl", "subprocess", "threading", "time", "trio", "uuid", "hishel", "diskcache"}  # fmt: skip


def name_of(path: Path) -> str:
    """The module's name below wirecache; empty for the package itself."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


MODULES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


each_module = pytest.mark.parametrize("module", [pytest.param(name, id=name or "wirecache") for name in MODULES])


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


def room(module: str) -> str:
    return module.partition(".")[0]


def imported(module: str) -> list[tuple[str, str]]:
    """What it imports, anywhere in it: (module, name), the name empty for a whole module."""
    found = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module or 'wirecache'}: a relative import"
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


def own(module: str) -> list[tuple[str, str]]:
    """The same for wirecache's own modules, by their names below wirecache; ``from wirecache import _codec`` is a module too."""
    inside = [(source.partition(".")[2], name) for source, name in imported(module) if source.partition(".")[0] == "wirecache"]
    return [
        (f"{source}.{name}".lstrip("."), "") if f"{source}.{name}".lstrip(".") in MODULES else (source, name) for source, name in inside
    ]


# -- floors -----------------------------------------------------------------------------------------------------------


@each_module
def test_every_module_has_a_floor(module: str) -> None:
    assert room(module) in FLOORS, "give it a floor in tests/test_house.py: which modules may it import, and which may import it?"


@each_module
def test_imports_go_down(module: str) -> None:
    here = room(module)
    for source, _ in own(module):
        there = room(source)
        down = FLOORS[there] < FLOORS[here] or (here == there and bool(here)) or (here, there) in PENDING
        assert down, f"{module or 'wirecache'} (floor {FLOORS[here]}) imports {source} (floor {FLOORS[there]})"


def test_no_exception_is_left_over() -> None:
    used = {(room(module), room(source)) for module in MODULES for source, _ in own(module)}
    assert used >= PENDING


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "_core"])
def test_the_core_knows_nothing_of_the_world(module: str) -> None:
    assert {source.partition(".")[0] for source, _ in imported(module)} & OUTSIDE == set()


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "_core"])
def test_the_core_reads_no_clock_file_or_environment(module: str) -> None:
    called = {node.func.id for node in ast.walk(tree(module)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called & {"open", "print", "input", "exec", "eval", "__import__"} == set()
    assert not {source for source, _ in imported(module)} & {"datetime.datetime"}
    assert "datetime.now" not in ast.unparse(tree(module))


def test_neither_http_library_is_imported_but_by_its_face() -> None:
    at_run_time = {
        module for module in MODULES for source, _ in _run_time_imports(module) if source.partition(".")[0] in ("httpx", "httpx2")
    }
    assert {module for module in at_run_time if room(module) != "cli"} == {"httpx", "httpx2"}


def _run_time_imports(module: str) -> list[tuple[str, str]]:
    typed = {
        (node.names[0].name)
        for guard in ast.walk(tree(module))
        if isinstance(guard, ast.If) and ast.unparse(guard.test) == "TYPE_CHECKING"
        for node in guard.body
        if isinstance(node, ast.Import)
    }
    return [(source, name) for source, name in imported(module) if source not in typed]


# -- what each module says of itself ----------------------------------------------------------------------------------


@each_module
def test_every_module_says_what_it_is_for(module: str) -> None:
    told = ast.get_docstring(tree(module))
    assert told
    assert len(told.splitlines()[0]) > 20


@each_module
def test_every_export_list_is_complete_and_true(module: str) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = [node for node in tree(module).body if isinstance(node, kinds) and not _is_command(node)]
    public = {node.name for node in defined if not node.name.startswith("_")}
    if "__all__" not in ast.unparse(tree(module)):
        assert not public, f"it defines {public} and has no __all__"
        return
    loaded = importlib.import_module(f"wirecache.{module}".rstrip("."))
    listed = loaded.__all__
    assert len(listed) == len(set(listed))
    assert [name for name in listed if not hasattr(loaded, name)] == []
    assert public - set(listed) == set(), "what others may use is in __all__; what they may not has an underscore"


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """A function that its decorator hands to the command line is nobody else's."""
    return any(ast.unparse(decorator).startswith("app.") for decorator in node.decorator_list)


@each_module
def test_what_others_import_is_in_the_export_list(module: str) -> None:
    asked = {name for other in MODULES if room(other) != room(module) for source, name in own(other) if source == module and name}
    loaded = importlib.import_module(f"wirecache.{module}".rstrip("."))
    assert asked - set(getattr(loaded, "__all__", ())) - {"__version__"} == set()


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


# -- what an import costs, and what is shipped -------------------------------------------------------------------------

HEAVY = ["httpx", "httpx2", "httpcore", "diskcache", "pydantic", "hishel", "anyio", "jiter", "typer", "rich", "sqlite3", "asyncio"]


def loaded_by(statement: str) -> set[str]:
    """Which of the heavy modules are loaded after this statement, in a fresh interpreter?"""
    program = f"import sys; {statement}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    return set(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split())


def test_importing_wirecache_imports_nothing_heavy() -> None:
    assert loaded_by("import wirecache") == set()


@pytest.mark.parametrize(
    ("statement", "never"),
    [
        pytest.param("from wirecache import Cache, make_key", {"httpx", "httpx2", "hishel", "pydantic", "diskcache"}, id="a cache"),
        pytest.param("import wirecache.httpx", {"httpx2", "hishel", "pydantic", "diskcache"}, id="one face"),
        pytest.param("import wirecache.httpx2", {"httpx", "hishel", "pydantic", "diskcache"}, id="the other face"),
        pytest.param("import wirecache.pytest_plugin", {"httpx", "httpx2", "hishel", "pydantic", "diskcache", "anyio"}, id="the plugin"),
        pytest.param("import wirecache; wirecache.cached_client", {"httpx", "httpx2", "hishel", "diskcache"}, id="a name of the package"),
    ],
)
def test_an_import_brings_only_what_it_needs(statement: str, never: set[str]) -> None:
    assert loaded_by(statement) & never == set()


def test_the_version_is_the_newest_of_the_changelog() -> None:
    newest = re.search(r"^## \[?v?(\d+\.\d+\.\d+[^\s\]]*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == wirecache.__version__


def test_the_version_is_written_once() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'dynamic = ["version"]' in project
    assert 'path = "src/wirecache/_core/version.py"' in project
    assert not re.search(r"^version\s*=", project, re.MULTILINE)


def test_types_are_shipped() -> None:
    assert (SOURCE / "py.typed").exists()
