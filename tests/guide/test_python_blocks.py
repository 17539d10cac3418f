"""Each Python block of the README and of the guide runs unchanged, in a new process, against a loopback provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide.documents import Block, blocks
from tests.guide.running import run_block
from tests.provider import Provider
from tests.s3_server import S3Server


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("python")])
def test_each_python_block_runs(
    block: Block, provider: Provider, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "TEAM_REDIS" in block.text:
        monkeypatch.setenv("TEAM_REDIS", request.getfixturevalue("redis_url"))
    if "TEAM_BUCKET" in block.text:
        server: S3Server = request.getfixturevalue("s3_server")
        monkeypatch.setenv("TEAM_BUCKET", server.url("bucket/guide", timeout=30))
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
    run_block(block, provider, tmp_path)
