"""WCAG 2.2 AA, as far as axe can tell, of each page in both themes."""

from __future__ import annotations

import pytest

from tests.ui.browser import Tab
from tests.ui.server import Served
from tests.ui.test_browser import page_at

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = ["/", "/?q=umbrella", "/?q=nothing-like-it", "nearly certain", "umbrella?view=request", "haiku?view=stream", "decide whether",
         "decide whether?view=copy", "in this picture", "/sessions", "/savings", "/cassettes", "/explain",
         "/changes", "/nothing"]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_violates_a_rule(theme: str, tab: Tab, sampled: Served) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab.page.emulate_media(color_scheme=theme)
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page = tab.open(sampled, page_at(sampled, path))
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        result = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        found |= {f"{path}: {rule['id']}": [node["html"][:200] for node in rule["nodes"][:3]] for rule in result.response["violations"]}
    assert found == {}
