"""Does wirecache know its version where it was never installed: on a PYTHONPATH, in a zip, in a frozen program?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import wirecache

SOURCE = Path(wirecache.__file__).parent

RECORD = """
import importlib.metadata, sys
try:
    importlib.metadata.version("wirecache")
except importlib.metadata.PackageNotFoundError:
    pass
else:
    sys.exit("there is a dist-info of wirecache")

import httpx
from wirecache import Cassette
from wirecache.httpx import cached_client
from wirecache.otel import OpenTelemetry

answer = {"choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
upstream = httpx.MockTransport(lambda request: httpx.Response(200, json=answer))
with Cassette(sys.argv[1], record_mode="once") as cassette, cached_client(cassette, transport=upstream) as client:
    url = "https://api.openai.com/v1/chat/completions"
    client.post(url, json={"model": "gpt-5", "messages": []}).raise_for_status()
OpenTelemetry()
"""


@pytest.fixture
def without_dist_info(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that finds wirecache's source and every library, and no dist-info of wirecache."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("wirecache"):
            (libraries / path.name).symlink_to(path)
    shutil.copytree(SOURCE, tmp_path / "src" / "wirecache", ignore=shutil.ignore_patterns("__pycache__"))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(libraries)])}


def test_recording_and_metrics_need_no_dist_info(without_dist_info: dict[str, str], tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    command = [sys.executable, "-S", "-c", RECORD, str(recordings)]
    subprocess.run(command, check=True, env=without_dist_info, cwd=tmp_path, timeout=200)
    (recording,) = recordings.glob("chat-*.json")
    assert f'"wirecache": "{wirecache.__version__}"' in recording.read_text("utf-8")
