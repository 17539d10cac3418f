from __future__ import annotations

import pytest

from tests.core.play import entry
from wirecache._core.edits import Edit, edited
from wirecache._core.messages import Chunk, pack_chunks


def test_what_is_not_edited_stays() -> None:
    found = entry(body=b"one two three")
    assert edited(found, []) is found
    assert edited(found, [Edit(0, 3, b"1"), Edit(8, 13, b"")]).body == b"1 two "


@pytest.mark.parametrize(
    ("edits", "sizes"),
    [
        pytest.param([Edit(1, 2, b"xxx")], [6, 4, 2], id="within a chunk"),
        pytest.param([Edit(3, 6, b"x")], [3, 3, 2], id="over an end: the second has it"),
        pytest.param([Edit(3, 9, b"xyz")], [3, 0, 4], id="over two ends"),
        pytest.param([Edit(4, 8, b"")], [4, 0, 2], id="a chunk that is gone"),
        pytest.param([Edit(0, 1, b""), Edit(3, 4, b"xx"), Edit(9, 10, b"x")], [4, 4, 2], id="several"),
    ],
)
def test_chunks_are_cut_again(edits: list[Edit], sizes: list[int]) -> None:
    chunks = (Chunk(4, 0.0), Chunk(4, 1.0), Chunk(2, 2.0))
    found = edited(entry(body=b"0123456789", chunk_times=pack_chunks(chunks)), edits)
    assert [chunk.size for chunk in found.chunks] == sizes
    assert sum(sizes) == len(found.body)
    assert [chunk.seconds for chunk in found.chunks] == [0.0, 1.0, 2.0]
