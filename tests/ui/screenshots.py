"""``python -m tests.ui.screenshots``: the pictures of the pages in the guide, each in both themes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.ui import sample
from tests.ui.browser import Tab, browser
from tests.ui.server import serve
from tests.ui.test_browser import page_at
from tests.ui.test_pages import path_of

FOLDER = Path(__file__).parents[2] / "src" / "wirecache" / "guide" / "ui"
SIZE = {"width": 1280, "height": 800}
PAGES = {
    "list": "/",
    "exchange": "nearly certain",
    "stream": "haiku?view=stream",
    "sessions": "/sessions",
    "savings": "/savings",
    "cassettes": "/cassettes",
}


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        now, root = time.time(), Path(folder)
        store = sample.write_store(root / "store", sample.entries(now), history=True, now=now)
        with serve([store, sample.write_cassettes(root / "cassettes", now)]) as served:
            for source, name in zip(served.app.inspector.sources, ("DiskStore('~/.cache/wirecache')", "tests/cassettes"), strict=True):
                source.name = name
            pair = [path_of(served, day).removeprefix("/x/") for day in ("2026-11-21", "2026-11-28")]
            pages = {name: page_at(served, page) for name, page in PAGES.items()}
            pages |= {"compare": f"/diff?x={pair[0]}&x={pair[1]}", "explain": f"/explain?x={pair[1]}"}
            for theme in ("light", "dark"):
                context = chromium.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce")
                tab = Tab(context)
                for name, path in pages.items():
                    tab.open(served, path).screenshot(path=FOLDER / f"{name}-{theme}.png")
                context.close()


if __name__ == "__main__":
    main()
