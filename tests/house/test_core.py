"""Does the core decide and do nothing else? No clock, environment, logger, input or output; and each module has its own tests."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import MODULES, SOURCE, TESTS, imports, parse, tree

# Modules by which one reads the clock, waits, draws lots, or reaches the world: other threads, processes, files, sockets.
WORLD = {
    "aiohttp", "anyio", "asyncio", "builtins", "concurrent", "ctypes", "diskcache", "fcntl", "fileinput", "getpass", "glob", "hishel",
    "http", "httpcore", "httpx", "httpx2", "importlib", "inspect", "io", "locale", "logging", "mmap", "multiprocessing", "os", "pathlib",
    "pickle", "platform", "platformdirs", "queue", "random", "redis", "requests", "runpy", "sched", "secrets", "select", "selectors",
    "shelve", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "syslog", "tempfile", "threading", "time", "tomllib",
    "trio", "urllib3", "obstore", "uuid", "warnings", "zoneinfo",
}  # fmt: skip
# Clocks that hide in modules which are otherwise pure.
CLOCKS = {
    "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today",
    "email.utils.localtime", "email.utils.formatdate", "email.utils.make_msgid", "urllib.request.urlopen",
}  # fmt: skip
BUILTINS = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "rglob", "mkdir", "unlink"}
CORE = [module for module in MODULES if module == "_core" or module.startswith("_core.")]


def impurities(text: str) -> list[str]:
    """Return what in this source text reaches the world, in the order of its lines.

    Names are resolved through the imports: ``from datetime import datetime as d`` makes ``d.now`` a clock.
    """
    source = parse(text)
    names, bound = _imported_names(source), _bound_names(source)
    found = [module for module, _ in imports(source) if module.partition(".")[0] in WORLD]
    for node in ast.walk(source):
        if isinstance(node, ast.Name) and node.id in BUILTINS - bound:
            found.append(node.id)
        elif isinstance(node, ast.Attribute | ast.Name) and (name := _resolved(node, names)) in CLOCKS:
            found.append(name)
        elif isinstance(node, ast.Attribute) and node.attr in FILE_METHODS:
            found.append(node.attr)
    return found


def _imported_names(source: ast.AST) -> dict[str, str]:
    """Return what each imported name stands for: ``{"d": "datetime.datetime"}``."""
    names = {}
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = alias.name if alias.asname else alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _bound_names(source: ast.AST) -> set[str]:
    """Return the names of parameters, variables and fields: such an ``input`` is not the built-in one."""
    variables = {node.id for node in ast.walk(source) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return variables | {node.arg for node in ast.walk(source) if isinstance(node, ast.arg)}


def _resolved(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full name of ``d.now``, or an empty text if the node is not a dotted name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_resolved(node.value, names)}.{node.attr}"
    return ""


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_nothing_of_the_world(module: str) -> None:
    assert impurities(MODULES[module].read_text("utf-8")) == []


def test_the_core_has_a_test_file_for_each_module() -> None:
    assert _modules() - _test_files() == set()


def test_no_other_tests_lie_with_those_of_the_core() -> None:
    assert _test_files() - _modules() == set()


def _modules() -> set[str]:
    """Return the modules of the core that hold code, as ``rules/plan``."""
    paths = [MODULES[module] for module in CORE if _holds_code(tree(module))]
    return {path.relative_to(SOURCE / "_core").with_suffix("").as_posix() for path in paths}


def _holds_code(source: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in source.body)


def _test_files() -> set[str]:
    """Return the modules whose tests lie in ``tests/core``, as ``rules/plan``."""
    core = TESTS / "core"
    paths = core.rglob("test_*.py")
    return {path.with_name(path.name.removeprefix("test_")).relative_to(core).with_suffix("").as_posix() for path in paths}


# -- each rule fails where it should ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import perf_counter as p",
        "def f():\n    import time",
        "import os.path",
        "import os\nhome = os.environ['HOME']",
        "import logging",
        "from logging import getLogger",
        "from pathlib import Path\nPath('a').read_text()",
        "def f(path):\n    return path.read_text()",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime\ndatetime.today()",
        "from datetime import datetime\ndatetime.utcnow()",
        "from datetime import datetime as d\nclock = d.now",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "import datetime as d\nd.date.today()",
        "from email.utils import formatdate\nformatdate()",
        "open('a')",
        "print('a')",
        "show = print",
        "eval('1')",
        "__import__('time')",
        "from importlib import import_module",
        "import random",
        "from uuid import uuid4",
        "import asyncio",
        "import socket",
        "import httpx",
    ],
)
def test_what_reaches_the_world_is_found(text: str) -> None:
    assert impurities(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)",
        "from email.utils import parsedate_to_datetime",
        "from urllib.parse import quote",
        "def f(now):\n    return now",
        "self.opened = reader.open",
        "class Usage:\n    input: int\ntotal = lambda input: input + 1",
    ],
)
def test_what_only_computes_is_pure(text: str) -> None:
    assert impurities(text) == []
