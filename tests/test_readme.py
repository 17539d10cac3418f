"""Each Python block of the README runs unchanged, in a new process, against a loopback provider."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.provider import Provider

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _name(block: str) -> str:
    return next((sdk for sdk in ("anthropic", "genai", "mistralai", "groq", "openai") if sdk in block), "other")


def _environment(provider: Provider, directory: Path) -> dict[str, str]:
    """Return variables that point the SDKs to the provider. Mistral's SDK has none; see ``_with_server_url``."""
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")
    return {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        **dict.fromkeys(keys, "sk-example"),
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "ANTHROPIC_BASE_URL": provider.url,
        "GROQ_BASE_URL": provider.url,
        "GOOGLE_GEMINI_BASE_URL": provider.url,
        "WIRECACHE_DIR": str(directory / "store"),
    }


def _with_server_url(block: str, provider: Provider) -> str:
    return block.replace("Mistral(\n", f"Mistral(\n    server_url={provider.url!r},\n")


@pytest.mark.parametrize("block", [pytest.param(block, id=f"{index}-{_name(block)}") for index, block in enumerate(BLOCKS)])
def test_each_python_block_runs(block: str, provider: Provider, tmp_path: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", _with_server_url(block, provider)],
        env=_environment(provider, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    posts = [request.json for request in provider.requests if request.method == "POST"]
    if "sample=" not in block:
        assert len(posts) == len({str(post) for post in posts}), "a repeated call went upstream"


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_continuous_integration_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci/run").read_text()
