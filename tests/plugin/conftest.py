from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.programs import PYTEST, ran
from tests.provider import Provider

CHAT_MODULE = """
import json, os
import httpx

URL = os.environ["URL"] + "/v1/chat/completions"
client = httpx.Client(verify=False)  # made at import time, as many programs do

def body(text="hi"):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}

def ask(text="hi"):
    return client.post(URL, json=body(text)).raise_for_status().json()["choices"][0]["message"]["content"]

async def ask_async(text="hi"):
    async with httpx.AsyncClient(verify=False) as client:
        return (await client.post(URL, json=body(text))).raise_for_status().json()["choices"][0]["message"]["content"]
"""
# Without an installed distribution, pytest does not find the plugin by its entry point.
PLUGIN = () if entry_points(group="pytest11", name="wirecache") else ("-p", "wirecache.pytest_plugin")

UNUSED_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # the second takes a second in each run
AS_IF_NEW = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")


@dataclass
class Project:
    """A user's project; its tests run in a process of their own."""

    pytester: pytest.Pytester
    provider: Provider

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def run(self, *options: str, new: bool = False, **expected: int) -> pytest.RunResult:
        """Run its tests. ``expected``: the numbers of tests that passed, failed, and so on. ``new``: nothing is imported before."""
        options = (*PLUGIN, *UNUSED_PLUGINS, *options)
        result = self.pytester.runpytest_subprocess(*options) if new else self._fork(*options)
        if expected:
            result.assert_outcomes(**expected)
        return result

    def _fork(self, *options: str) -> pytest.RunResult:
        done = ran("-m", "pytest", f"--basetemp={self.path / 'own'}", *options, *AS_IF_NEW, cwd=self.path, imports=PYTEST)
        return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0.0)

    def line(self, *options: str, **expected: int) -> str:
        """Run its tests. Return the last line of the summary, without its first word."""
        result = self.run(*options, new=False, **expected)
        found = [line for line in result.outlines if line.startswith("wirecache: ")]
        assert len(found) <= 1
        return found[0].removeprefix("wirecache: ") if found else ""

    def recordings(self) -> list[str]:
        """Return the directory of each recording."""
        found = (path for path in self.path.rglob("*.json") if path.name != "cassette.schema.json")
        return sorted(str(path.parent.relative_to(self.path)) for path in found)


@pytest.fixture
def project(pytester: pytest.Pytester, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("URL", provider.url)
    project = Project(pytester, provider)
    project.write("chat.py", CHAT_MODULE)
    return project


MakeTests = Callable[[str], None]


@pytest.fixture
def tests(project: Project) -> MakeTests:
    """Return a function that writes a test module, ``test_x.py``, with the functions of ``chat``."""
    return lambda text: project.write("test_x.py", f"import pytest\nfrom chat import *\n\n{text}")
