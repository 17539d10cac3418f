"""``python -m wirecache.guide [TOPIC]``: prints a page of the guide, or the list of pages, without the ``cli`` extra."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from wirecache.guide import UnknownTopicError, contents, page

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Print the page or the list, and return the exit status: 2 if there is no such page."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # Windows uses another encoding in pipes
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("usage: python -m wirecache.guide [TOPIC]", file=sys.stderr if arguments != ["--help"] else sys.stdout)
        return 0 if arguments == ["--help"] else 2
    try:
        print(page(arguments[0]).text.rstrip() if arguments else contents(), flush=True)
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise the interpreter would try again at exit
        return 1
    except UnknownTopicError as error:
        print(f"wirecache: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
