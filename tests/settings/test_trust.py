"""A settings file decides where prompts go: one that somebody else could have written is not obeyed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from wirecache import Cache, ConfigError
from wirecache._settings.trust import distrust_reason

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
SETTINGS = 'namespace = "elsewhere"\nstore = "memory://"\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file above the working directory, which nobody else could have written."""
    below = tmp_path / "project" / "below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("WIRECACHE_CONFIG", raising=False)
    file = tmp_path / "project" / "wirecache.toml"
    file.write_text(SETTINGS)
    file.chmod(0o644)
    file.parent.chmod(0o755)
    return file


def namespace() -> str:
    with Cache("memory://") as cache:
        return cache.plan.namespace


def test_the_file_of_this_user_is_obeyed(file: Path) -> None:
    assert namespace() == "elsewhere"


@pytest.mark.parametrize(("mode", "folder"), [(0o664, 0o775), (0o600, 0o700), (0o644, 0o1777)], ids=["own group", "private", "sticky"])
def test_what_nobody_else_can_write_is_obeyed(file: Path, mode: int, folder: int) -> None:
    file.chmod(mode)
    file.parent.chmod(folder)
    assert namespace() == "elsewhere"


@pytest.mark.parametrize(("mode", "folder"), [(0o666, 0o755), (0o644, 0o777), (0o646, 0o1777)])
def test_what_everybody_can_write_is_not(file: Path, mode: int, folder: int, caplog: pytest.LogCaptureFixture) -> None:
    file.chmod(mode)
    file.parent.chmod(folder)
    with caplog.at_level(logging.WARNING, "wirecache"):
        assert [namespace(), namespace()] == ["", ""]
    (record,) = caplog.records
    assert f"WIRECACHE_CONFIG={file}" in record.getMessage()
    assert "can be written by everybody" in record.getMessage()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a file away")
def test_the_file_or_directory_or_link_of_another_user_is_not_obeyed(file: Path, tmp_path: Path) -> None:
    os.chown(file, 12345, 12345)
    assert namespace() == ""
    os.chown(file, 0, 0)
    os.chown(file.parent, 12345, 12345)
    assert namespace() == ""
    os.chown(file.parent, 0, 0)
    os.chown(file, 0, 12345)
    file.chmod(0o664)
    assert "by a group" in (distrust_reason(file) or "")
    file.rename(tmp_path / "other.toml")
    os.chown(tmp_path / "other.toml", 12345, 12345)
    file.symlink_to(tmp_path / "other.toml")
    assert namespace() == ""


def test_the_same_of_pyproject_and_the_next_one_counts(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.rename(tmp_path / "wirecache.toml")
    project = file.parent / "pyproject.toml"
    project.write_text("[project]\n")
    project.chmod(0o666)
    assert namespace() == "elsewhere"
    assert not caplog.records  # it has no settings, so nothing is said of it
    project.write_text("[tool.wirecache]\nnamespace = 'p'\nbroken")
    assert namespace() == "elsewhere"
    assert [str(project) in record.getMessage() for record in caplog.records] == [True]


def test_a_named_file_is_trusted(file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    file.chmod(0o666)
    monkeypatch.setenv("WIRECACHE_CONFIG", str(file))
    assert namespace() == "elsewhere"
    assert not caplog.records
    other = file.with_name("other.toml")
    other.write_text("namespace = 'named'\n")
    monkeypatch.setenv("WIRECACHE_CONFIG", str(other))
    assert namespace() == "named"


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_named_file_that_is_not_there_is_an_error(file: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_CONFIG", str(file.parent / name))
    with pytest.raises(ConfigError, match="WIRECACHE_CONFIG must be the path of a settings file"):
        Cache("memory://")


def test_a_pipe_of_that_name_is_no_file(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    assert namespace() == ""
