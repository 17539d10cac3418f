"""The blocks of the guide that need frameworks run in the environment that has them: ``make recipes``."""

from __future__ import annotations

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.guide.documents import Block, blocks
from tests.guide.running import environment, run_block
from tests.provider import Provider


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("python", place="recipes")])
def test_each_block_runs(block: Block, provider: Provider, tmp_path: Path) -> None:
    run_block(block, provider, tmp_path)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("python", place="notebook")])
def test_each_cell_runs(block: Block, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(provider, tmp_path).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(block.text)])
    nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": os.fspath(tmp_path)}}).execute()
    assert provider.calls == 1
