"""Are README and guide easy to read? Short sentences, no filler, no path of somebody's machine, and every room of the source explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guide.documents import DOCUMENTS
from tests.house.test_floors import FLOORS
from wirecache.guide import page

MOST_WORDS = 45  # of a sentence
FILLER = re.compile(
    r"\b(simply|easily|obviously|of course|basically|please note|in order to|utili[sz]e|leverage|seamless\w*|robust|powerful|blazing\w*)\b",
    re.I,
)
MACHINE = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/\S*")
WRITTEN = [path for path in DOCUMENTS if path.stem not in ("api", "command-line")]  # by hand, not made

each_document = pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of the prose: code and tables are left out."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(line for line in prose.splitlines() if not line.startswith("|"))
    for paragraph in re.split(r"\n\n|\n *(?:-|\d+\.) ", lines):
        yield from re.split(r"(?<=[.!?:;]) ", " ".join(paragraph.split()))


@each_document
def test_sentences_are_short(path: Path) -> None:
    assert [sentence for sentence in sentences(path.read_text("utf-8")) if len(sentence.split()) > MOST_WORDS] == []


@each_document
def test_no_filler_and_no_path_of_a_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [found[0] for pattern in (FILLER, MACHINE) for found in pattern.finditer(text)] == []


def test_every_room_of_the_source_is_explained() -> None:
    explained = page("how-it-works").text
    rooms = {room.partition(".")[0] for room in FLOORS} - {"", "__main__"}
    assert [room for room in sorted(rooms) if f"`{room}`" not in explained] == []


def test_long_sentences_and_filler_are_found() -> None:
    assert list(sentences("# A\n\nOne. Two; three\n\n```py\nFour. Five.\n```\n| six. seven |\n- eight")) == [
        "# A",
        "One.",
        "Two;",
        "three",
        "",
        "eight",
    ]
    assert FILLER.search("It simply works.")
    assert MACHINE.search("see /home/me/x")
    assert not MACHINE.search("https://example.com/home/x")
