"""Where no home directory can be found, a cache goes on in memory, with one warning."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import ran
from wirecache import Cache, Cassette, ConfigError, DiskStore, MemoryStore, TieredStore
from wirecache.stores import _url

NOBODY = "~no-such-user-of-this-machine/x"


@pytest.fixture(autouse=True)
def _no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the user of this process without a home, as that of a container is."""

    def no_entry(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME", "WIRECACHE_DIR", "WIRECACHE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    monkeypatch.setattr(_url, "_warn_once", type(_url._warn_once)())
    monkeypatch.chdir(tmp_path)


def by_variable(name: str) -> Callable[[str, pytest.MonkeyPatch], Cache]:
    def cache(path: str, monkeypatch: pytest.MonkeyPatch) -> Cache:
        monkeypatch.setenv(name, path)
        return Cache()

    return cache


def by_file(path: str, monkeypatch: pytest.MonkeyPatch) -> Cache:
    Path("wirecache.toml").write_text(f'store = "{path}"\n')
    return Cache()


@pytest.mark.parametrize("path", ["~/x", NOBODY])
@pytest.mark.parametrize(
    "cache_of",
    [
        lambda path, _: Cache(path),
        lambda path, _: Cache(Path(path)),
        lambda path, _: Cache(f"disk://{path}?size_limit=1MB"),
        by_variable("WIRECACHE_STORE"),
        by_variable("WIRECACHE_DIR"),
        by_file,
    ],
)
def test_a_path_in_a_home(
    path: str, cache_of: Callable[[str, pytest.MonkeyPatch], Cache], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stores = [cache_of(path, monkeypatch).store for _ in range(3)]
    assert [type(store) for store in stores] == [MemoryStore] * 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"wirecache: entries are kept in memory only: {path} is in a home directory")


def test_the_default_store(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(Cache().store, MemoryStore)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "WIRECACHE_DIR" in caplog.text
    assert not list(Path.cwd().iterdir())  # no directory that is called ~


def test_a_tier_is_in_memory() -> None:
    store = Cache(["memory://", "~/x"]).store
    assert isinstance(store, TieredStore)
    assert [type(tier) for tier in store.tiers] == [MemoryStore, MemoryStore]


def test_no_home_is_needed_where_the_directory_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = Cache().store
    assert isinstance(store, DiskStore)
    assert tmp_path in store.path.parents


@pytest.mark.parametrize("make", [DiskStore, Cassette])
def test_what_cannot_be_in_memory_says_so(make: Callable[[str], object]) -> None:
    with pytest.raises(ConfigError, match=r"~/x is in a home directory, and none can be found.*give the whole path"):
        make("~/x")


def test_a_settings_file_in_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_CONFIG", "~/wirecache.toml")
    with pytest.raises(ConfigError, match="WIRECACHE_CONFIG"):
        Cache()


@pytest.mark.parametrize(("command", "exit_status"), [(["ls"], 0), (["stats"], 0), (["doctor"], None), (["ls", "--store", NOBODY], 2)])
def test_commands_do_not_fail_with_a_traceback(command: list[str], exit_status: int | None) -> None:
    program = "import pwd; pwd.getpwuid = {}.__getitem__; from wirecache.__main__ import main; main()"
    done = ran("-c", program, *command, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert "Traceback" not in done.stderr
    assert "a home directory" in done.stderr
    if exit_status is not None:
        assert done.returncode == exit_status
