"""The guide: the manual of the installed version, as Markdown files in this folder."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from typing import NamedTuple

__all__ = ["ORDER", "Page", "UnknownTopicError", "contents", "page", "topics"]

# The reading order of the pages; related ones are together.
ORDER = (
    "quickstart", "sdks", "streams", "keys", "misses", "stores", "tenants", "statistics-and-prices", "budgets",
    "cassettes", "pytest", "moving-from-vcrpy", "secrets", "recipes", "serve", "ui",
    "configuration", "command-line", "api", "how-it-works", "development",
)  # fmt: skip


class Page(NamedTuple):
    """A page: its topic, its title, the question that it answers, and its whole text in Markdown."""

    topic: str
    title: str
    question: str
    text: str


class UnknownTopicError(LookupError):
    """The guide has no page about a topic. The message lists similar topics, or all."""

    def __init__(self, topic: str) -> None:
        near = get_close_matches(topic.lower(), topics(), n=3) or topics()
        super().__init__(f"the guide has no page {topic!r}; there is {', '.join(near)}")


def topics() -> tuple[str, ...]:
    """Return the topics of all pages, in reading order."""
    there = {file.name.removesuffix(".md") for file in files(__name__).iterdir() if file.name.endswith(".md")}
    return tuple(topic for topic in ORDER if topic in there)


def page(topic: str) -> Page:
    """Return the page about a topic. Raises ``UnknownTopicError`` if there is none."""
    if topic not in topics():
        raise UnknownTopicError(topic)
    text = files(__name__).joinpath(f"{topic}.md").read_text("utf-8")
    heading, question = (paragraph for paragraph in text.split("\n\n", 2)[:2])
    return Page(topic, heading.removeprefix("# "), question.strip("*"), text)


def contents() -> str:
    """Return the list of pages as plain text: a line for each, with the question that it answers."""
    width = max(map(len, topics()))
    return "\n".join(f"{topic:{width}}  {page(topic).question}" for topic in topics())
