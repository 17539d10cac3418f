"""``wirecache guide``: the pages of the manual, rendered in a terminal, as Markdown in a pipe."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache.cli._terminal import console, print_text, usage_error
from wirecache.guide import UnknownTopicError, contents, page, topics

__all__ = ["command"]


def command(
    topic: Annotated[
        str | None, typer.Argument(help="The page to show; without it, the list of the pages.", metavar="[TOPIC]", autocompletion=topics)
    ] = None,
) -> None:
    """Show a page of the guide, or the list of its pages.

    Rendered in a terminal; as plain Markdown in a pipe. Without the cli extra: python -m wirecache.guide [TOPIC].
    """
    try:
        text = page(topic).text if topic else None
    except UnknownTopicError as error:
        raise usage_error(str(error)) from None
    out = console()
    if not out.is_terminal:
        print_text(text.rstrip() if text else contents())
        return
    from wirecache.cli._markdown import STYLES, rendered, rendered_contents

    with out.use_theme(STYLES):
        out.print(rendered(text, out.width) if text else rendered_contents())
