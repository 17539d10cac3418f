"""The benchmark of embeddings by item measures what it says; no figure is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.items import timed


@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_only_what_is_new_is_sent(encoding: str, tmp_path: Path) -> None:
    (partial, result), (whole, again) = timed(tmp_path, 12, 10, encoding)
    assert (partial, whole) == (f"12 texts ({encoding}), 10 known", f"12 texts ({encoding}), 12 known")
    assert result.startswith("1 calls for 2 texts, ")
    assert again.startswith("0 calls for 0 texts, ")
