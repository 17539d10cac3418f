"""Rendering of the guide's pages in a terminal: prose in a readable width, and tables as lists where they do not fit."""

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

STYLES = Theme({"markdown.code": "cyan"})  # rich's own style has a black background even in a light terminal
WIDTH = 100  # maximum characters per line of prose
NARROWEST = 14  # minimum characters of a column with sentences
_PAGE_LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.md(?:#[\w-]*)?\)")
# Not shown in a terminal: comments and pictures, each on a line of its own.
_HIDDEN = re.compile(r"<!--.*?-->\n?|^!\[[^\]\n]*\]\([^)\n]*\)\n+", re.DOTALL | re.MULTILINE)


def rendered(text: str, width: int) -> Constrain:
    """Return a page to print with rich. ``width``: that of the terminal."""
    return Constrain(_Page(_PAGE_LINK.sub(_as_command, _HIDDEN.sub("", text)), code_theme="ansi_dark"), min(width, WIDTH))


def rendered_contents() -> Group:
    """Return the list of pages to print with rich."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    for topic in topics():
        rows.add_row(topic, page(topic).question)
    return Group(rows, Text("\nwirecache guide TOPIC shows a page.", style="dim"))


def _as_command(link: re.Match[str]) -> str:
    """Return the command that shows the page that a link leads to."""
    label, topic = link.groups()
    command = f"`wirecache guide {topic}`"
    return command if label.lower().strip("`") in (topic, topic.replace("-", " ")) else f"{label} ({command})"


class _Heading(Heading):
    """A left-aligned heading; the page's title is underlined."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text.assemble(self.text, style="bold underline" if self.tag == "h1" else "bold")


class _Table(TableElement):
    """A table, or a list with the lines of each row if the columns would be too narrow."""

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
    """Return the minimum readable width of the table, in characters: no word is cut, and sentences have some room."""
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
