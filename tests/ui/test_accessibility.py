"""WCAG 2.2 AA, as far as axe can tell, of each page in both themes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui.browser import Tab
from tests.ui.server import Served
from tests.ui.test_browser import page_at

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = ["/", "/?q=umbrella", "/?q=nothing-like-it", "nearly certain", "umbrella?view=request", "haiku?view=stream", "decide whether",
         "decide whether?view=copy", "in this picture", "/sessions", "/savings", "/cassettes", "/explain",
         "/changes", "/nothing"]  # fmt: skip


ALL = {"type": "tag", "values": RULES}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@pytest.mark.parametrize(("theme", "rules"), [("light", ALL), ("dark", COLOURS)], ids=["light", "dark"])  # a theme is colours only
def test_no_page_violates_a_rule(theme: str, rules: dict[str, Any], tab: Tab, sampled: Served) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab.page.emulate_media(color_scheme=theme)
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page = tab.open(sampled, page_at(sampled, path))
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        result = Axe().run(page, options={"runOnly": rules})
        found |= {f"{path}: {rule['id']}": [node["html"][:200] for node in rule["nodes"][:3]] for rule in result.response["violations"]}
    assert found == {}
