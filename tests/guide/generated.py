"""Which parts of README and guide are made, and from what? ``python -m tests.guide.generated`` (``make guide``) writes them.

A part stands between two comments: ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.benchmarks.peers.costs import costs
from tests.cli import help_texts
from tests.engine.cache_tests import scores
from tests.guide import api, settings_table
from tests.guide.documents import DOCUMENTS
from tests.sdk.matrix import table
from wirecache.guide import page, topics

PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def contents() -> str:
    """Return the list of the guide's pages, with links for the README."""
    return "\n".join(f"- [{topic}](src/wirecache/guide/{topic}.md): {page(topic).question}" for topic in topics())


PARTS: Mapping[str, Callable[[], str]] = {
    "api": api.section,
    "cache-tests": scores.section,
    "commands": help_texts.section,
    "contents": contents,
    "costs": costs,
    "sdks": table.section,
    "sdks-short": table.short_section,
    "settings": settings_table.section,
}


def with_parts(text: str) -> str:
    """Return the document with each of its parts made anew."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[3]}", text)


if __name__ == "__main__":
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        if (made := with_parts(text)) != text:
            path.write_text(made, "utf-8")
            print(f"{path.name} is written anew")
