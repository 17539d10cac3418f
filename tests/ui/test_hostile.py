"""Exchanges that attack the page which shows them: scripts, controls, sizes, shapes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import unescape

import pytest

from tests.ui.browser import Tab
from tests.ui.server import Served
from wirecache._inspector.templating import address

PathOf = Callable[[str], str]


def paths(served: Served) -> list[str]:
    rows = served.client.get("/api/v1/exchanges", params={"limit": 50}).json()["exchanges"]
    assert len(rows) == 8
    return [address("x", row["source"], row["ref"]) for row in rows]


@pytest.fixture(scope="module")
def path_of(hostile: Served) -> PathOf:
    """A function from a text to the path of the exchange whose page has it. Each page is made once for all tests: some take long."""
    pages = {path: hostile.page(path) for path in paths(hostile)}
    return lambda text: next(path for path, page in pages.items() if text in page)


def test_each_view_of_each_is_shown_soon_and_is_not_large(hostile: Served) -> None:
    for path in ["/", "/sessions", "/savings", *paths(hostile)]:
        for view in ("conversation", "request", "answer", "stream", "copy") if path.startswith("/x/") else ("",):
            started = time.process_time()
            page = hostile.page(f"{path}?view={view}" if view else path)
            assert time.process_time() - started < 8, (path, view)
            assert len(page) < 2_000_000, (path, view, len(page))
            assert not re.search(r"<script(?! src=\"/static/)|<img src=x|<svg onload|href=\"javascript", page), (path, view)
            assert "\x1b" not in page
            assert "\u202e" not in page


def test_nothing_runs_and_nothing_is_loaded_from_elsewhere(tab: Tab, hostile: Served) -> None:
    for path in ["/", *paths(hostile)]:
        page = tab.open(hostile, path)
        assert page.title().endswith("wirecache")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert tab.problems == []
    assert tab.foreign(hostile) == []


def test_a_svg_is_never_shown_as_an_image(hostile: Served, path_of: PathOf) -> None:
    path = path_of("evil.example/track.png")
    page = hostile.page(path)
    assert "<img" not in page
    found = re.search(r'href="(/media/[^"]+)"', page)
    assert found
    answer = hostile.client.get(unescape(found[1]))
    assert (answer.headers["content-type"], answer.headers["content-disposition"]) == ("application/octet-stream", "attachment")


def test_the_whole_of_a_long_text_is_behind_a_link(hostile: Served, path_of: PathOf) -> None:
    path = path_of("A large answer")
    found = re.search(r'href="(/text/[^"]+)"', hostile.page(path))
    assert found
    answer = hostile.client.get(unescape(found[1]))
    assert len(answer.text) == 5_000_000
    assert answer.headers["content-type"].startswith("text/plain")


def test_ten_thousand_events_come_in_pages(hostile: Served, path_of: PathOf) -> None:
    path = path_of("Ten thousand events")
    for page in ("1", "50", "999", "x", "-1"):
        shown = hostile.page(f"{path}?view=stream&page={page}")
        assert shown.count("<tr><td") <= 200, page
        assert "10,002" in shown, page
