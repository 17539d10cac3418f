"""``wirecache doctor``: its findings, the sources of settings that it names, and its advice."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import entry, fill, wirecache
from tests.s3_server import S3Server
from wirecache.cli._doctor_store import file_system


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def findings(*arguments: str | Path, code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    done = wirecache("doctor", "--json", *arguments)
    report = done.json
    assert (done.code, list(report), report["ok"]) == (code, ["ok", "findings"], code == 0), done.out
    assert {tuple(finding) for finding in report["findings"]} == {("topic", "name", "value", "problem", "advice")}
    assert all((finding["problem"] is None) == (finding["advice"] is None) for finding in report["findings"])
    return {(finding["topic"], finding["name"]): finding for finding in report["findings"]}


def test_a_machine_where_all_is_well(tmp_path: Path) -> None:
    found = findings()
    for sdk, library in (("openai", "httpx2"), ("anthropic", "httpx2"), ("google-genai", "httpx2"), ("groq", "httpx")):
        assert found["sdk", sdk]["value"] == f"{metadata.version(sdk)}, on {library}"
    assert found["library", "httpx2"]["value"] == metadata.version("httpx2")
    assert found["store", "path"]["value"] == f"{tmp_path / 'default-store'} (created on first use)"
    assert found["store", "WAL"]["value"] == "works"
    assert "free space" in wirecache("doctor").out
    assert wirecache("doctor").out.endswith("No problems.\n")
    assert not (tmp_path / "default-store").exists()


def test_a_store_with_entries(tmp_path: Path) -> None:
    fill(tmp_path / "store", [entry("hi", "ho"), entry("one", "two")])
    found = findings("--store", tmp_path / "store")
    assert found["store", "database"]["value"] == "2 entries"
    assert found["store", "permissions"]["value"] == "0700"
    assert found["settings", "store"]["value"].endswith("(from --store)")


def test_where_each_setting_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "here" / "wirecache.toml"
    file.write_text('ttl = "2d"\nnamespace = "mine"\n')
    monkeypatch.setenv("WIRECACHE_NAMESPACE", "yours")
    found = findings()
    values = {name: finding["value"] for (topic, name), finding in found.items() if topic == "settings"}
    assert values["file"] == str(file)
    assert values["ttl"] == f"2 d (from {file})"
    assert values["namespace"] == "yours (from WIRECACHE_NAMESPACE)"
    assert values["mode"] == "auto (from default)"
    assert values["store"].endswith("(from WIRECACHE_DIR)")
    monkeypatch.setenv("WIRECACHE_STORE", "memory://")
    assert findings()["settings", "store"]["value"].endswith("(from WIRECACHE_STORE)")


def test_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_MODE", "sometimes")
    assert "WIRECACHE_MODE must be one of auto, offline, refresh, off, got 'sometimes'" in findings(code=1)["settings", "wrong"]["problem"]


def test_a_store_that_others_can_read(tmp_path: Path) -> None:
    fill(tmp_path / "store", [])
    (tmp_path / "store").chmod(0o755)
    finding = findings("--store", tmp_path / "store", code=1)["store", "permissions"]
    assert (finding["value"], finding["advice"]) == ("0755", f"chmod 700 {tmp_path / 'store'}")


def test_a_store_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = findings("--store", tmp_path / "file", code=1)["store", "writing"]
    assert "is not a directory" in finding["problem"]


def test_a_damaged_database_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "cache.db").write_bytes(b"no database" * 1000)
    assert "it cannot be read" in findings("--store", tmp_path / "store", code=1)["store", "database"]["problem"]
    assert os.listdir(tmp_path / "store") == ["cache.db"]


def test_redis_there_and_not_there(redis_url: str) -> None:
    assert findings("--store", redis_url)["redis", "reachable"]["problem"] is None
    done = wirecache("doctor", "--store", "redis://:geheim@127.0.0.1:1/0")
    assert done.code == 1
    assert "Connection refused" in done.out
    assert "geheim" not in done.out + done.error
    assert "-> start it" in done.out


def test_a_bucket_there_and_not_there(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    assert findings("--store", s3_server.url("bucket/doctor", timeout=30))["bucket", "reachable"]["problem"] is None
    found = findings("--store", s3_server.url("absent", timeout=30), code=1)["bucket", "reachable"]
    assert "404 Not Found, NoSuchBucket" in found["problem"]


def test_each_tier_is_looked_at(tmp_path: Path) -> None:
    found = findings("--store", f"memory://,{tmp_path / 'store'},redis://127.0.0.1:1", code=1)
    assert {("store", "reachable"), ("store", "path"), ("redis", "reachable")} <= found.keys()


def _installed(folder: Path, name: str, *needs: str) -> None:
    """A package of that name, as far as its metadata tell."""
    info = folder / f"{name.replace('-', '_')}-1.2.3.dist-info"
    info.mkdir(parents=True)
    text = "".join(f"Requires-Dist: {need}\n" for need in needs)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n{text}")


def test_the_traps_of_aiohttp(tmp_path: Path) -> None:
    _installed(tmp_path / "site", "aiohttp")
    _installed(tmp_path / "site", "litellm", "httpx>=0.23", "aiohttp>=3")
    _installed(tmp_path / "site", "huggingface_hub", "requests")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])}
    line = [sys.executable, "-m", "wirecache", "doctor"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 1
    assert "google-genai sends its async calls through it" in done.stdout
    assert "DISABLE_AIOHTTP_TRANSPORT=True" in done.stdout
    assert "1.2.3, on requests" in done.stdout
    assert done.stdout.endswith("3 problems.\n")


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:30 / /home rw - nfs4 server:/home rw
31 30 0:31 / /home/me/with\\040space rw shared:1 - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var/cache", "ext4"), ("/home", "nfs4"), ("/home/me/.cache", "nfs4"), ("/homes", "ext4"), ("/home/me/with space/x", "tmpfs")],
)
def test_the_file_system_of_a_path(tmp_path: Path, path: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system(Path(path), tmp_path / "mounts") == kind
    assert file_system(Path(path), tmp_path / "none") is None
