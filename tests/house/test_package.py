"""What does an import cost, and what is shipped?"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import wirecache
from tests.house.source import ROOT, SOURCE

HEAVY = ["httpx", "httpx2", "httpcore", "diskcache", "pydantic", "hishel", "anyio", "jiter", "typer", "rich", "sqlite3", "asyncio"]


def loaded_by(statement: str) -> set[str]:
    """Return which of the heavy modules are loaded after this statement, in a fresh interpreter."""
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
        pytest.param("import wirecache._proxy.programs", {"httpx", "httpx2", "hishel", "diskcache", "pydantic"}, id="a proxy's table"),
        pytest.param("import wirecache; wirecache.cached_client", {"httpx", "httpx2", "hishel", "diskcache"}, id="a name of the package"),
    ],
)
def test_an_import_brings_only_what_it_needs(statement: str, never: set[str]) -> None:
    assert loaded_by(statement) & never == set()


def test_the_first_call_of_a_process_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    program = """
import sys
import wirecache
with wirecache.Cache(sys.argv[1], mode="offline") as cache, wirecache.cached_client(cache, library="httpx") as http:
    assert http.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": []}).status_code == 424
    print(*(name for name in sys.modules if name.startswith(("wirecache", "tomllib"))))
"""
    loaded = subprocess.run([sys.executable, "-c", program, tmp_path / "store"], cwd=tmp_path, capture_output=True, text=True, check=True)
    of_others = {"ledger", "shared_counters", "runs", "prices", "normalizers", "http_date", "terminal_text", "_object_url", "tomllib"}
    assert {name.rpartition(".")[2] for name in loaded.stdout.split()} & of_others == set()


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
