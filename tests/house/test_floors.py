"""Do imports go down only? One ordered list of rooms; no exceptions, no cycles, no long chains."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from tests.house.source import MODULES, SOURCE, Graph, import_graph, load_graph, loaded_with, own_imports, parse

# From the roof to the ground: a module imports from the rooms below its own, or from its own. Rooms in one row are neighbours
# that do not know each other. A name stands for all that begins with it, unless a longer name is listed.
ROOMS = (
    ("__main__",),
    ("cli",),
    ("pytest_plugin",),
    ("ui", "serve"),
    ("_inspector", "_proxy"),
    ("",),  # the package itself: the public names
    ("_pytest",),
    ("httpx", "httpx2"),
    ("_clients",),
    ("_transport",),
    ("_views",),  # how entries and figures are shown, in words and as JSON
    ("_caches",),
    ("otel", "prices", "stats"),
    ("_engine",),
    ("_storage",),
    ("cassette",),
    ("stores",),
    ("_settings",),
    ("_runtime",),
    ("_core.compare",),
    ("_core.flows",),
    ("_core.rules", "_core.llm"),
    ("_core.keys",),
    ("_core.privacy",),
    ("_core",),
    ("errors", "guide"),
)
FLOORS = {room: len(ROOMS) - row for row, rooms in enumerate(ROOMS) for room in rooms}
MOST_LOOSE_MODULES = 12  # at the top level, beside the packages
LONGEST_CHAIN_OF_ROOMS = 12  # folders and modules of the top level that import each other in a row
# Modules that do. Lower these whenever a chain gets shorter.
LONGEST_CHAIN = 22  # imports within functions and for types included
LONGEST_LOAD = 18  # imports that run when a module is loaded


def room_of(module: str) -> str | None:
    """Return the room that the module lies in, or None if no room has its name."""
    if not module:
        return ""
    parts = module.split(".")
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in FLOORS), None)


def upward_imports(graph: Graph) -> set[tuple[str, str]]:
    """Return the pairs of modules of which the first imports the second, though that lies above it or beside it."""
    found = set()
    for module, targets in graph.items():
        for target in targets:
            here, there = room_of(module), room_of(target)
            if here is None or there is None or (here != there and FLOORS[there] >= FLOORS[here]):
                found.add((module, target))
    return found


def cycles(graph: Graph) -> list[set[str]]:
    """Return the groups of modules that import each other, directly or by way of others."""
    reached = {module: _reachable(graph, module) for module in graph}
    groups = {frozenset(other for other in reached[module] if module in reached[other]) for module in graph if module in reached[module]}
    return [set(group) for group in groups]


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest list of modules of which each imports the next one; the graph has no cycle."""
    known: dict[str, list[str]] = {}

    def chain(module: str) -> list[str]:
        if module not in known:
            below = max((chain(target) for target in sorted(graph.get(module, ()))), key=len, default=[])
            known[module] = [module, *below]
        return known[module]

    return max((chain(module) for module in graph), key=len)


def test_every_module_lies_in_a_room() -> None:
    assert [module for module in MODULES if room_of(module) is None] == []
    assert [room for room in FLOORS if room not in {room_of(module) for module in MODULES}] == []


def test_imports_go_down() -> None:
    assert upward_imports(import_graph()) == set()


def test_no_cycle() -> None:
    assert cycles(import_graph()) == []


@pytest.mark.parametrize(
    ("graph", "most"),
    [pytest.param(import_graph, LONGEST_CHAIN, id="all imports"), pytest.param(load_graph, LONGEST_LOAD, id="when loaded")],
)
def test_no_long_chain_of_imports(graph: Callable[[], Graph], most: int) -> None:
    chain = longest_chain(graph())
    print(f"\n{len(chain)} modules: " + " > ".join(module or "wirecache" for module in chain))
    assert len(chain) <= most


def test_no_long_chain_of_rooms() -> None:
    rooms: dict[str, frozenset[str]] = {}
    for module, targets in import_graph().items():
        here = module.partition(".")[0]
        rooms[here] = rooms.get(here, frozenset()) | {target.partition(".")[0] for target in targets} - {here}
    chain = longest_chain(rooms)
    print(f"\n{len(chain)} rooms: " + " > ".join(room or "wirecache" for room in chain))
    assert len(chain) <= LONGEST_CHAIN_OF_ROOMS


def test_few_modules_beside_the_packages() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= MOST_LOOSE_MODULES


def test_neither_http_library_is_imported_but_by_its_face() -> None:
    found = {module for module, path in MODULES.items() if {"httpx", "httpx2"} & run_time_imports(path.read_text("utf-8"))}
    assert {module for module in found if room_of(module) != "cli"} == {"httpx", "httpx2"}


def run_time_imports(text: str) -> set[str]:
    """Return the top-level packages that the module imports when it runs, in whatever function."""
    source = parse(text)
    for node in ast.walk(source):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    names = [alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(source) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


# -- each rule fails where it should ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "text"),
    [
        pytest.param("_core.messages", "from wirecache._engine import engine", id="up"),
        pytest.param("_core.keys.keys", "from wirecache._core.rules.plan import Plan", id="up within the core"),
        pytest.param("httpx", "import wirecache.httpx2", id="sideways"),
        pytest.param("_core.llm.sse", "from wirecache._core.rules.plan import Plan", id="sideways within the core"),
        pytest.param("_storage.codec", "def f():\n    from wirecache._engine import engine", id="lazily"),
        pytest.param("_storage.codec", "if TYPE_CHECKING:\n    from wirecache._engine import engine", id="for a type"),
        pytest.param("stores._disk", "from wirecache import Cache", id="the package itself"),
        pytest.param("nowhere", "import wirecache.errors", id="no room"),
    ],
)
def test_an_import_that_goes_up_is_found(module: str, text: str) -> None:
    targets = frozenset(target for target, _ in own_imports(parse(text), {"_engine.engine"}))
    assert upward_imports({module: targets}) == {(module, target) for target in targets}
    assert targets


def test_an_import_that_goes_down_is_none() -> None:
    down = {"_engine.engine": frozenset({"_storage.codec", "_core.rules.plan", "_engine.observers", "errors"})}
    assert upward_imports(down) == set()


def test_cycles_and_chains_are_found() -> None:
    def graph(**edges: str) -> Graph:
        return {name: frozenset(targets.split()) for name, targets in edges.items()}

    assert cycles(graph(a="b", b="c", c="a", d="a")) == [{"a", "b", "c"}]
    assert cycles(graph(a="a")) == [{"a"}]
    assert cycles(graph(a="b c", b="c", c="")) == []
    assert longest_chain(graph(a="b c", b="c", c="d", d="")) == ["a", "b", "c", "d"]


def test_an_import_for_types_alone_is_none_at_run_time() -> None:
    assert run_time_imports("if TYPE_CHECKING:\n    import httpx\ndef f():\n    import httpx2.types") == {"httpx2"}


def test_what_runs_when_a_module_is_loaded() -> None:
    text = "import wirecache.errors\nif TYPE_CHECKING:\n    import wirecache.stats\ndef f():\n    import wirecache.httpx"
    assert own_imports(loaded_with(parse(text))) == [("errors", "")]
