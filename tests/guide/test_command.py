"""``wirecache guide`` in a terminal, narrow and wide, and in a pipe; and ``python -m wirecache.guide`` without any extra."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from tests.cli.command import wirecache
from wirecache.cli._markdown import rendered, rendered_contents
from wirecache.guide import contents, page, topics

TABLE = "| name | meaning |\n|---|---|\n| `one` | a long sentence about the first of them |\n| `two` | the other |\n"


def shown(text: str, width: int) -> str:
    """Return a page as a terminal of this width shows it, without its colours."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    console.print(rendered(text, width))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("topic", topics())
def test_each_page_fits_the_terminal_and_loses_no_word_of_its_tables(topic: str, width: int) -> None:
    text = shown(page(topic).text, width)
    assert max(map(len, text.splitlines())) <= min(width, 100)
    assert "<!--" not in text
    assert ".md)" not in text


def test_a_table_that_fits_is_a_table_and_one_that_does_not_is_a_list() -> None:
    assert "name  meaning" in shown(TABLE, 80)
    assert [line.strip() for line in shown(TABLE, 20).splitlines() if line.strip()] == [
        "one",
        "meaning: a long",
        "sentence about the",
        "first of them",
        "two",
        "meaning: the other",
    ]


def test_a_link_to_a_page_is_the_command_that_shows_it() -> None:
    text = shown("See [streams](streams.md), [what counts](keys.md#headers) and [httpx](https://www.python-httpx.org).", 100)
    assert "See wirecache guide streams, what counts (wirecache guide keys) and httpx." in text


def test_in_a_terminal_a_page_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    for arguments, words in ((["guide", "streams"], "Are streams cached?"), (["guide"], "wirecache guide TOPIC shows a page.")):
        done = wirecache(*arguments)
        assert "\x1b[" in done.out
        lines = re.sub(r"\x1b\[[\d;]*m", "", done.out).splitlines()
        assert words in map(str.strip, lines)
        assert max(map(len, lines)) <= 40


def test_in_a_pipe_a_page_is_its_markdown() -> None:
    done = wirecache("guide", "how-it-works")
    assert (done.code, done.out.strip()) == (0, page("how-it-works").text.strip())


def test_without_a_topic_the_pages_are_listed() -> None:
    assert wirecache("guide").out.strip() == contents()
    assert [line.split()[0] for line in contents().splitlines()] == list(topics())
    console = Console(file=io.StringIO(), width=40)
    console.print(rendered_contents())
    assert all(topic in console.file.getvalue() for topic in topics())  # type: ignore[attr-defined]


@pytest.mark.parametrize("topic", ["nothing", "../guide/keys", "How-It-Work"])
def test_an_unknown_topic_is_a_usage_error_that_names_others(topic: str) -> None:
    done = wirecache("guide", topic)
    assert done.code == 2
    assert "how-it-works" in done.error


def module(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m wirecache.guide`` where no other package can be imported."""
    program = "import runpy, sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]; sys.path.insert(0, sys.argv.pop(1)); "
    program += "runpy.run_module('wirecache.guide', run_name='__main__', alter_sys=True)"
    source = str(__import__("wirecache").__path__[0]).removesuffix("wirecache")
    return subprocess.run(
        [sys.executable, "-S", "-c", program, source, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=99, check=False
    )


def test_without_extras_the_module_prints_a_page_and_the_list() -> None:
    assert module("how-it-works").stdout.strip() == page("how-it-works").text.strip()
    assert module().stdout.strip() == contents()
    assert module("--help").stdout.startswith("usage: ")


@pytest.mark.skipif(sys.platform == "win32", reason="there a pipe that nobody reads is another error")
def test_a_reader_who_has_seen_enough() -> None:
    program = [sys.executable, "-m", "wirecache.guide", "keys"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(program, stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=99, check=False)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("arguments", [["nothing"], ["keys", "streams"], ["--nothing"]])
def test_wrong_usage_of_the_module_is_2(arguments: list[str]) -> None:
    done = module(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
