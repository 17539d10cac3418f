"""The pages in a real browser: the token, the keys, the themes, the widths, and what is done without a script."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provider import Provider
from tests.ui.browser import Tab, wait_until
from tests.ui.server import TOKEN, Served, serve
from tests.ui.test_pages import path_of
from wirecache import Cache, MemoryStore
from wirecache.httpx import cached_client

PAGES = ["/", "/?q=umbrella", "/?q=nothing-like-it", "umbrella", "umbrella?view=request", "umbrella?view=answer", "haiku?view=stream",
         "decide whether?view=copy", "/sessions", "/savings", "/cassettes", "/explain", "/changes", "/nothing"]  # fmt: skip


def page_at(served: Served, page: str) -> str:
    """Return the address of a page; one that is no path is that of the exchange with these words."""
    words, mark, query = page.partition("?")
    return page if page.startswith("/") else path_of(served, words) + mark + query


@pytest.fixture
def page(tab: Tab, sampled: Served) -> Any:
    return tab.open(sampled)


def test_the_token_leaves_the_address(tab: Tab, sampled: Served) -> None:
    tab.page.goto(f"{sampled.url}/?token={TOKEN}")
    assert tab.page.url == f"{sampled.url}/"
    assert tab.page.evaluate("document.cookie") == ""  # no script reads it
    assert "18 exchanges" in tab.page.inner_text("main")
    tab.page.goto(f"{sampled.url}/api/v1/sources")
    assert "cassettes" in tab.page.inner_text("body")


def test_without_it_the_page_is_locked(tab: Tab, sampled: Served) -> None:
    tab.page.goto(sampled.url)
    assert "This page is locked" in tab.page.inner_text("body")
    tab.page.fill("input[name=token]", TOKEN)
    tab.page.press("input[name=token]", "Enter")
    tab.page.wait_for_selector(".list")
    assert "token" not in tab.page.url


@pytest.mark.parametrize(("theme", "width"), [("light", 360), ("light", 1280), ("light", 2560), ("dark", 1280)])  # a theme is colours only
def test_no_page_is_wider_than_the_window_or_has_an_error(theme: str, width: int, tab: Tab, sampled: Served) -> None:
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.page.emulate_media(color_scheme=theme)
    for path in PAGES:
        shown = tab.open(sampled, page_at(sampled, path))
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert [problem for problem in tab.problems if "404" not in problem] == []
    assert tab.foreign(sampled) == []


def test_what_was_saved_is_seen_in_a_narrow_window(tab: Tab, sampled: Served) -> None:
    """The money is in the last columns: no table has to be scrolled for it."""
    tab.page.set_viewport_size({"width": 360, "height": 900})
    page = tab.open(sampled, "/savings")
    assert page.locator(".scroll").count() == 2
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((part) => part.scrollWidth <= part.clientWidth)")
    swatches = page.evaluate("[...document.querySelectorAll('.key-bar')].map((each) => getComputedStyle(each).backgroundColor)")
    bars = page.evaluate("['.plot .bar', '.plot .bar.low'].map((each) => getComputedStyle(document.querySelector(each)).fill)")
    assert swatches == bars


def test_the_latest_misses_fit_a_narrow_window(tab: Tab, provider: Provider) -> None:
    cache = Cache(MemoryStore())
    tab.page.set_viewport_size({"width": 360, "height": 900})
    with serve(cache) as served, cached_client(cache) as client:
        body = {"model": "a-model-with-a-rather-long-name-2026-11-28", "messages": [{"role": "user", "content": "hi"}]}
        client.post(f"{provider.url}/a/gateway/with/a/long/path/v1/chat/completions", json=body)
        page = tab.open(served, "/explain")
        assert page.locator(".told tbody tr").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys(page: Any, sampled: Served) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 2
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("input[name=x]:checked").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/x/0/**")
    page.keyboard.press("u")
    page.wait_for_url(f"{sampled.url}/")
    page.keyboard.press("/")
    page.keyboard.type("haiku")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=haiku")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog[open]").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url(f"{sampled.url}/")


def test_the_theme_is_chosen_and_kept(page: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != light
    page.reload()
    assert page.evaluate(background) != light
    page.keyboard.press("t")
    assert page.evaluate(background) == light


def test_a_filter_applies_at_once_and_is_in_the_address(page: Any, sampled: Served) -> None:
    page.select_option("select[name=endpoint]", "messages")
    page.wait_for_url(f"{sampled.url}/?endpoint=messages&sort=newest")
    assert page.locator(".list tbody tr").count() == 6


def test_a_row_opens_where_it_is_clicked(page: Any) -> None:
    page.locator(".list tbody tr").nth(1).locator(".took").click(force=True)
    page.wait_for_selector(".exchange")


def test_a_stream_is_played_at_its_pace(tab: Tab, sampled: Served) -> None:
    page = tab.open(sampled, page_at(sampled, "haiku?view=stream"))
    page.click(".play")
    wait_until(page, "document.querySelector('.player pre').textContent.startsWith('Packets')")
    wait_until(page, "document.querySelector('.player pre').textContent.endsWith('returns.')")
    wait_until(page, "document.querySelector('.player output').textContent.endsWith('event 15 of 15')")


def test_pages_work_without_a_script(chromium: Any, sampled: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = Tab(context).open(sampled)
    page.select_option("select[name=endpoint]", "messages")
    page.click("button.apply")
    assert page.locator(".list tbody tr").count() == 6
    page.locator(".open").first.click()
    assert page.locator(".message").count() > 0
    context.close()


def test_nothing_moves_while_a_page_loads(tab: Tab, sampled: Served) -> None:
    tab.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    for path in ("/", "in this picture", "umbrella"):
        page = tab.open(sampled, page_at(sampled, path))
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.shift") < 0.01, path
