"""The settings file: where it is found, what wins over it, and what the message for a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores.processes import run
from wirecache import Cache, ConfigError, DiskStore, KeyOptions, Mode, Rule

FULL = """
mode = "offline"
store = "the-store"
ttl = "12h"
namespace = "team"
keep_stale = "1d"
heuristics = true
stale_if_error = 60

[key]
ignore_body = ["/user"]
ignore_query = ["trace"]
headers = ["x-a"]
credentials = true
host = false

[[rules]]
path = "*/embeddings"
ttl = "never"

[[rules]]
method = "GET"
host = "h"
path = "/x"
model = "m"
cache = false
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, the working directory being two below it."""
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return tmp_path / "project"


def test_everything_a_file_can_contain(project: Path) -> None:
    (project / "wirecache.toml").write_text(FULL)
    cache = Cache()
    plan = cache.plan
    assert (plan.mode, plan.ttl, plan.namespace, plan.stale_if_error) == (Mode.OFFLINE, 43200.0, "team", 60.0)
    assert plan.key == KeyOptions(ignore_body=("/user",), ignore_query=("trace",), headers=("x-a",), credentials=True, host=False)
    assert plan.rules == (
        Rule(path="*/embeddings", ttl=None),
        Rule(method="GET", host="h", path="/x", model="m", cache=False),
    )
    assert cache.plan.keep_stale == 86400.0
    assert cache.plan.heuristics
    assert isinstance(cache.store, DiskStore)
    assert cache.store.path == project / "the-store"


def test_pyproject_has_a_table(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.wirecache]\nttl = 7\n[tool.wirecache.key]\nhost = false\n')
    plan = Cache().plan
    assert plan.ttl == 7.0
    assert not plan.key.host


def test_the_nearest_file_counts_and_a_pyproject_without_the_table_is_skipped(project: Path) -> None:
    (project / "wirecache.toml").write_text("ttl = 1")
    (project / "a" / "pyproject.toml").write_text('[project]\nname = "tool.wirecache"\n')
    assert Cache().plan.ttl == 1.0
    (project / "a" / "wirecache.toml").write_text("ttl = 2")
    assert Cache().plan.ttl == 2.0
    assert Cache().plan.mode is Mode.AUTO  # files are not merged


def test_variables_win_over_the_file_and_arguments_over_both(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (project / "wirecache.toml").write_text(FULL)
    monkeypatch.setenv("WIRECACHE_TTL", "5s")
    monkeypatch.setenv("WIRECACHE_STORE", str(tmp_path / "by-variable"))
    cache = Cache(mode="auto", rules=(), key=KeyOptions(), keep_stale=0, stale_if_error=0)
    assert (cache.plan.mode, cache.plan.ttl, cache.plan.namespace) == (Mode.AUTO, 5.0, "team")
    assert (cache.plan.rules, cache.plan.key, cache.plan.keep_stale, cache.plan.stale_if_error) == ((), KeyOptions(), 0.0, 0.0)
    assert isinstance(cache.store, DiskStore)
    assert cache.store.path == tmp_path / "by-variable"
    assert Cache(ttl=None).plan.ttl is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('mode = "on"', ["wirecache.toml", "mode must be one of auto, offline, refresh, off, got 'on'"], id="value"),
        pytest.param("tll = 7", ["wirecache.toml", "tll is not a setting", "mode, store, ttl, namespace"], id="name"),
        pytest.param('ttl = "soon"', ["wirecache.toml: ttl must be seconds", '"90s"', "got 'soon'"], id="ttl"),
        pytest.param("namespace = 7", ["wirecache.toml: namespace must be a valid string, got 7"], id="type"),
        pytest.param("[key]\nignore = []", ["wirecache.toml", "key.ignore is not a setting", "ignore_body"], id="name in a table"),
        pytest.param('[[rules]]\nmodell = "m"', ["wirecache.toml: rules.0.modell is not a setting", "method, host, path"], id="rule"),
        pytest.param('[[rules]]\nttl = "soon"', ["wirecache.toml: rules.0.ttl must be seconds", "got 'soon'"], id="ttl of a rule"),
        pytest.param("ttl =", ["wirecache.toml", "Invalid value"], id="not TOML"),
        pytest.param("ttl = " + "9" * 5000, ["wirecache.toml", "digits"], id="a number of thousands of digits"),
        pytest.param("ttl = " + "[" * 2000, ["wirecache.toml", "recursion"], id="lists in lists"),
    ],
)
def test_the_message_for_a_wrong_file_has_file_key_and_what_is_allowed(project: Path, text: str, words: list[str]) -> None:
    (project / "wirecache.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        Cache()
    assert str(project) in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_what_is_no_table_is_named(project: Path) -> None:
    (project / "pyproject.toml").write_text('tool.wirecache = "auto"\n')
    with pytest.raises(ConfigError, match=r"pyproject\.toml: tool\.wirecache must be a table, got 'auto'"):
        Cache("memory://")
    (project / "pyproject.toml").write_text('tool = "tool.wirecache"\n')
    Cache("memory://").close()


def test_a_working_directory_that_was_removed_has_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with Cache(tmp_path / "store") as cache:
        assert cache.plan.mode is Mode.AUTO


NOT_ENTERED = """
import os, sys
from wirecache import Cache, MemoryStore

Cache(MemoryStore())  # imports what it needs while it may
os.chdir(sys.argv[1])
os.chmod(sys.argv[1], 0)
if os.getuid() == 0:  # root may enter everything
    os.setgid(65534)
    os.setuid(65534)
print(Cache(MemoryStore()).plan.mode)
"""


def test_a_working_directory_that_may_not_be_entered_has_no_settings(tmp_path: Path) -> None:
    (folder := tmp_path / "closed").mkdir()
    (folder / "wirecache.toml").write_text('mode = "offline"\n')
    try:
        assert run(NOT_ENTERED, folder).strip() == "auto"
    finally:
        folder.chmod(0o700)
