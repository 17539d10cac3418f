"""A real browser for the tests: the machine's Chromium, without a window."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.ui.server import Served

NO_BROWSER = "no Chromium was found: apt-get install chromium, or name one in WIRECACHE_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]


def browser_path() -> str | None:
    """Return the path of the browser, or None."""
    return os.environ.get("WIRECACHE_TEST_BROWSER") or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """Start the browser. Without one the test is skipped, and fails where ``CI`` is set."""
    path = browser_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            yield running
        finally:
            running.close()


class Tab:
    """A page of the browser. ``problems``: errors of scripts and of the policy; ``loaded``: the addresses that it requested."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.page = context.new_page()
        self.problems: list[str] = []
        self.loaded: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        self.page.on("request", lambda request: self.loaded.append(request.url))

    def open(self, served: Served, path: str = "/") -> Any:
        """Open a page of the server, logged in."""
        if not self.context.cookies():
            self.page.goto(served.app.url("127.0.0.1", served.port))
        self.page.goto(served.url + path)
        return self.page

    def foreign(self, served: Served) -> list[str]:
        """Return the addresses on other hosts that were requested."""
        return [url for url in self.loaded if not url.startswith(served.url)]


def wait_until(page: Any, expression: str) -> None:
    """Wait until the expression is true in the page. Playwright's own way to wait needs ``eval``, which the pages' policy forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)
