"""Is the README short, are its make targets there, and is its picture what the demo prints today?"""

from __future__ import annotations

import re

from tests.guide.documents import README, ROOT, links_of
from tests.guide.generated import contents
from tests.guide.picture import PICTURE, run_demo, svg_of, words_of
from wirecache.guide import page

MOST_BYTES = 12_000


def test_it_is_short() -> None:
    assert len(README.read_bytes()) <= MOST_BYTES


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^make (\w+)", README.read_text("utf-8"), re.MULTILINE)
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_guide_names_every_make_target() -> None:
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    development = page("development").text
    assert [target for target in targets if f"make {target}" not in development] == []


def test_continuous_integration_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci/run").read_text("utf-8")


def test_it_lists_every_page_of_the_guide() -> None:
    assert contents() in README.read_text("utf-8")


def test_its_picture_shows_what_the_demo_prints() -> None:
    assert PICTURE.relative_to(ROOT).as_posix() in links_of(README)
    shown = words_of(PICTURE.read_text("utf-8"))
    assert "refused" in shown
    assert shown == words_of(svg_of(run_demo())), "run make picture"
