"""``wirecache scan``, as a person, pre-commit or CI runs it: a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.programs import ran

KEY = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"
CASSETTE = f"""interactions:
- request:
    body: '{{"messages": [{{"content": "my key is {KEY}"}}]}}'
    headers:
      authorization:
      - secret-of-mine
    uri: https://api.example/v1/chat
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / ".git").mkdir(parents=True)
    (tmp_path / "deep" / "old.yaml").write_text(CASSETTE, "utf-8")
    (tmp_path / "deep" / ".git" / "config").write_text(KEY, "utf-8")
    (tmp_path / "clean.json").write_text('{"x-api-key": "REDACTED", "a": [1]}', "utf-8")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0" + KEY.encode())
    (tmp_path / "latin.txt").write_bytes(b"\xe9" + KEY.encode())
    return tmp_path


def scan(*arguments: str | Path, at: Path) -> subprocess.CompletedProcess[str]:
    return ran("-m", "wirecache", "scan", *arguments, cwd=at)


def test_it_lists_what_it_finds_and_shows_no_secret(folder: Path) -> None:
    done = scan(".", at=folder)
    old = Path("deep", "old.yaml")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        f"{old}:3: Groq key: gsk_... ({len(KEY)} characters)",
        f"{old}:6: authorization: secr... (14 characters)",
        "2 secrets in 1 of 2 text files. Revoke what was shared, then record again.",
    ]


def test_a_clean_folder(folder: Path) -> None:
    done = scan("clean.json", "image.png", at=folder)
    assert (done.returncode, done.stdout) == (0, "No secrets in 1 text file.\n")


def test_json(folder: Path) -> None:
    done = scan("--json", folder / "deep" / "old.yaml", folder / "clean.json", at=folder)
    path = str(folder / "deep" / "old.yaml")
    assert done.returncode == 1
    assert json.loads(done.stdout) == [
        {"path": path, "line": 3, "kind": "Groq key", "shown": f"gsk_... ({len(KEY)} characters)"},
        {"path": path, "line": 6, "kind": "authorization", "shown": "secr... (14 characters)"},
    ]
    assert json.loads(scan("--json", "clean.json", at=folder).stdout) == []


def test_a_file_is_read_once(folder: Path) -> None:
    assert scan("deep/old.yaml", "deep", "deep/old.yaml", at=folder).stdout.count("Groq key") == 1


def test_patterns_and_names_of_a_user(folder: Path) -> None:
    (folder / "more.yaml").write_text("x-tenant: acme-industries\nby: EMP-123456, BADGE-99\n", "utf-8")
    done = scan("--pattern", r"EMP-\d+", "--pattern", r"BADGE-\d+", "--name", "X-Tenant", "more.yaml", at=folder)
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()[:-1]] == ["x-tenant", "pattern", "pattern"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nowhere"], "does not exist", id="no such path"),
        pytest.param([], "Missing argument", id="no path"),
        pytest.param(["--pattern", "(", "."], "does not compile", id="a broken pattern"),
        pytest.param(["--pattern", "x*", "."], "empty text", id="a pattern that matches everything"),
    ],
)
def test_usage(folder: Path, arguments: list[str], message: str) -> None:
    done = scan(*arguments, at=folder)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_a_file_that_is_too_large_is_named_and_no_success(folder: Path) -> None:
    (folder / "large.txt").write_text("x" * 1_100_000, "utf-8")
    done = scan("--max-size", "1", "clean.json", "large.txt", at=folder)
    assert done.returncode == 2
    assert "large.txt: not read" in done.stderr
    assert "--max-size" in done.stderr
