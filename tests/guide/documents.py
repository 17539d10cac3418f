"""Which documents are there, and which code blocks and links do they have?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "src" / "wirecache" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
DOCUMENTS = [README, *PAGES]  # those whose code blocks are tested

_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced code block. ``language``: the first word of its fence. ``place``: the second, the environment that it runs in."""

    path: Path
    line: int
    language: str
    place: str
    text: str

    @property
    def id(self) -> str:
        """Its name in a list of tests."""
        return f"{self.path.stem}-{self.line}"


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the code blocks of a document, in order."""
    text = path.read_text("utf-8")
    for found in _FENCE.finditer(text):
        indent, words = len(found[1]), [*found[2].split(), "", ""]
        code = "".join(line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in found[3].splitlines(keepends=True))
        yield Block(path, text.count("\n", 0, found.start()) + 1, words[0], words[1] or "main", code)


def blocks(*languages: str, place: str = "main", paths: list[Path] = DOCUMENTS) -> list[Block]:
    """Return the blocks of all documents that are written in one of these languages, for one environment."""
    return [block for path in paths for block in blocks_of(path) if block.language in languages and block.place == place]


def links_of(path: Path) -> list[str]:
    """Return the targets of the links and pictures of a document, those in code left out."""
    return [target or picture for target, picture in _LINK.findall(_CODE.sub("", path.read_text("utf-8")))]


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub(_without_fences, path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_fences(code: re.Match[str]) -> str:
    return "" if "```" in code[0] else code[0]
