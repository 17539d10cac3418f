"""Do the links inside the repository lead somewhere, and does each page say what it is for?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guide.documents import DOCUMENTS, GUIDE, PAGES, ROOT, anchors_of, links_of
from wirecache.guide import ORDER, page, topics

LINKING = [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "fixtures" / "README.md", *sorted((ROOT / ".github").rglob("*.md"))]


def problem_of(link: str, document: Path) -> str | None:
    """Return what is wrong with a link, or None. Addresses on the web are not asked for."""
    if re.match(r"(https?|mailto):", link):
        return None
    name, _, anchor = link.partition("#")
    target = (document.parent / name).resolve() if name else document
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in anchors_of(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("document", LINKING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_inside_the_repository_resolves(document: Path) -> None:
    assert [problem for link in links_of(document) if (problem := problem_of(link, document))] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_links_to_pages_and_pictures_of_the_guide_only(path: Path) -> None:
    """They are read where the repository is not, from an installed wheel."""
    shipped = [*PAGES, *GUIDE.rglob("*.png")]
    inside = [link.partition("#")[0] for link in links_of(path) if not link.startswith("http")]
    assert [link for link in inside if link and (GUIDE / link) not in shipped] == []


@pytest.mark.parametrize("topic", topics())
def test_each_page_opens_with_the_question_that_it_answers(topic: str) -> None:
    shown = page(topic)
    assert re.match(r"# .+\n\n\*[^*]+\?\*\n\n", shown.text)
    assert shown.question.endswith("?")
    assert "#" not in shown.title


def test_each_page_has_a_place_in_the_order() -> None:
    assert {path.stem for path in PAGES} == set(topics())
    assert len(set(ORDER)) == len(ORDER)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# A title: `x`\n[a](#a-title-x) [b](b.md) [c](#c) [d](https://example.com/) `[e](e.md)`\n")
    assert [problem_of(link, document) for link in links_of(document)] == [
        None,
        "b.md: there is no such file",
        "#c: there is no such heading",
        None,
    ]
