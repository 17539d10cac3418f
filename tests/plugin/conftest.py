from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.provider import Provider

ASKS = """
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
# A source tree that was installed before it had the plugin does not name it.
PLUGIN = () if entry_points(group="pytest11", name="wirecache") else ("-p", "wirecache.pytest_plugin")

SPARED = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # the second costs a second a run


@dataclass
class Project:
    """A user's project, whose tests are run in a process of their own."""

    pytester: pytest.Pytester
    provider: Provider

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def run(self, *options: str, **expected: int) -> pytest.RunResult:
        """Run its tests; ``expected``: how many passed, failed, and so on."""
        result = self.pytester.runpytest_subprocess(*PLUGIN, *SPARED, *options)
        if expected:
            result.assert_outcomes(**expected)
        return result

    def line(self, *options: str, **expected: int) -> str:
        """The line that the run ends with, without its first word."""
        result = self.run(*options, **expected)
        found = [line for line in result.outlines if line.startswith("wirecache: ")]
        assert len(found) <= 1
        return found[0].removeprefix("wirecache: ") if found else ""

    def recordings(self) -> list[str]:
        """The directories that hold recordings, each as often as it holds one."""
        found = (path for path in self.path.rglob("*.json") if path.name != "cassette.schema.json")
        return sorted(str(path.parent.relative_to(self.path)) for path in found)


@pytest.fixture
def project(pytester: pytest.Pytester, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("URL", provider.url)
    made = Project(pytester, provider)
    made.write("asks.py", ASKS)
    return made


MakeTests = Callable[[str], None]


@pytest.fixture
def tests(project: Project) -> MakeTests:
    """Write a test module, ``test_x.py``, that has the functions of ``asks``."""
    return lambda text: project.write("test_x.py", f"import pytest\nfrom asks import *\n\n{text}")
