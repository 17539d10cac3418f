"""How does a page of the guide look in a terminal? Prose of a readable width, and tables that are lists where they would not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.constrain import Constrain
from rich.markdown import Heading, Markdown, MarkdownElement, TableDataElement, TableElement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from wirecache.guide import page, topics

__all__ = ["STYLES", "rendered", "rendered_contents"]

STYLES = Theme({"markdown.code": "cyan"})  # rich's own has a black background, on a light terminal too
WIDTH = 100  # characters of a line of prose, in a terminal that has more
NARROWEST = 14  # characters of a column in which sentences can be read
_PAGE_LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.md(?:#[\w-]*)?\)")
# What a terminal does not show: comments, and pictures, each on a line of its own.
_HIDDEN = re.compile(r"<!--.*?-->\n?|^!\[[^\]\n]*\]\([^)\n]*\)\n+", re.DOTALL | re.MULTILINE)


def rendered(text: str, width: int) -> Constrain:
    """Return a page as rich prints it. ``width``: of the terminal."""
    return Constrain(_Page(_PAGE_LINK.sub(_as_command, _HIDDEN.sub("", text)), code_theme="ansi_dark"), min(width, WIDTH))


def rendered_contents() -> Group:
    """Return the list of the pages as rich prints it."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    for topic in topics():
        rows.add_row(topic, page(topic).question)
    return Group(rows, Text("\nwirecache guide TOPIC shows a page.", style="dim"))


def _as_command(link: re.Match[str]) -> str:
    """Return what stands for a link to another page: the command that shows it."""
    label, topic = link.groups()
    command = f"`wirecache guide {topic}`"
    return command if label.lower().strip("`") in (topic, topic.replace("-", " ")) else f"{label} ({command})"


class _Heading(Heading):
    """A heading at the left, the title of the page underlined."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text.assemble(self.text, style="bold underline" if self.tag == "h1" else "bold")


class _Table(TableElement):
    """A table; where its columns would be too narrow to be read, a list with the lines of each row."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.header is None or self.header.row is None or self.body is None:
            return
        headings = [_text(cell) for cell in self.header.row.cells]
        rows = [[_text(cell) for cell in row.cells] for row in self.body.rows]
        if _width_needed([headings, *rows]) <= options.max_width:
            yield from super().__rich_console__(console, options)
        else:
            yield from _as_list(headings, rows)


def _text(cell: TableDataElement) -> Text:
    """Return the content of a cell."""
    return cell.content if isinstance(cell.content, Text) else Text(cell.content)


def _width_needed(rows: list[list[Text]]) -> int:
    """Return in how many characters the table can be read: no word is cut, and sentences have some room."""
    columns = zip(*rows, strict=True)
    return sum(max(_column_width(cell.plain) for cell in column) + 2 for column in columns)


def _column_width(cell: str) -> int:
    longest_word = max(map(len, cell.split()), default=0)
    return max(longest_word, min(len(cell), NARROWEST))


def _as_list(headings: list[Text], rows: list[list[Text]]) -> Iterator[Padding | Text]:
    for first, *others in rows:
        yield Text.assemble("\n", first, style="bold")
        for heading, cell in zip(headings[1:], others, strict=True):
            if cell.plain:
                yield Padding(Text.assemble(heading, ": " if heading.plain else "", cell), (0, 0, 0, 2))


class _Page(Markdown):
    """Markdown with these headings and tables."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _Heading, "table_open": _Table}
