from __future__ import annotations

import time

import pytest

from wirecache._core.privacy.known_values import FEW, MOST, KnownValues


def known(*values: str, others: int = 0) -> KnownValues:
    found = KnownValues()
    for value in (*(f"other{number}" for number in range(others)), *values):
        found.add(value)
    return found


def places(values: KnownValues, text: str) -> list[str]:
    return [text[found.start : found.end] for found in values.finditer(text)]


@pytest.mark.parametrize("others", [0, FEW + 1])
@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("hunter2", "hunter2", 1),
        ("hunter2", "it is hunter2, hunter2.", 2),
        ("hunter2", "hunter22 xhunter2 2hunter2x", 0),
        ("hunter2", r"first\nhunter2 \thunter2 \u00e4hunter2 a%20hunter2", 4),
        ("hunter2", "密码hunter2是 pass_hunter2_x", 2),
        ("$ecret!", "x$ecret!x", 1),
        ("correct horse", "a correct horse's", 1),
        ("пароль", "мой пароль", 1),
        ("!!!???", "so!!!???", 1),
        ('pa"ss\\1', r'{"p": "pa\"ss\\1"}', 1),
        ("pä s/1", "/p%C3%A4%20s%2F1?q=p%C3%A4+s%2F1", 2),
        ("päss1", r"p\u00e4ss1", 1),
        ("a\ud800b123", "x", 0),
        ("hunter2", r"\nhunter2", 1),
        ("hunter2", r"first\nhunter2", 1),
        ("hunter2", "%20hunter2", 1),
        ("hunter2", "a%20hunter2", 1),
        ('é"hunter2', 'say é\\"hunter2', 1),
        ("##", "###", 2),
    ],
)
def test_a_value_is_found_as_a_word(value: str, text: str, found: int, others: int) -> None:
    assert len(places(known(value, others=others), text)) == found


def test_until_and_copy_are_not_changed_by_what_is_added_later() -> None:
    values = known("alpha1")
    first, copied = values.until(1), values.copy()
    values.add("beta22")
    copied.add("gamma3")
    text = "alpha1 beta22 gamma3"
    assert (places(values, text), places(first, text), places(copied, text)) == (["alpha1", "beta22"], ["alpha1"], ["alpha1", "gamma3"])
    assert (len(values), len(first), len(copied)) == (2, 1, 2)
    assert ("beta22" in values, "beta22" in first) == (True, False)


def test_there_are_not_more_than_most() -> None:
    values = known(others=MOST + 5)
    assert len(values) == MOST
    assert f"other{MOST}" not in values
    assert len(values._numbers) == MOST  # nor are more kept


def test_thousands_of_values_cost_little_more_than_one() -> None:
    values, text = known("hunter2", others=MOST - 1), "Some words of a text, and numbers like 12345. " * 20_000
    started = time.thread_time()
    assert places(values, text + "hunter2") == ["hunter2"]
    assert time.thread_time() - started < 2.0  # of the processor: 0.05 s for the megabyte; a search for each value takes 20 s


def test_a_find_has_a_span_as_a_match_has() -> None:
    (found,) = known("hunter2").finditer("it is hunter2")
    assert found.span() == (found.start, found.end) == (6, 13)
