from __future__ import annotations

import pytest

from wirecache._core.terminal_text import one_line, terminal_safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("tabs\tand\nlines\r\nstay", "tabs\tand\nlines\nstay"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\rover", "\ufffdover"),
        ("\x00\x7f\x9b", "\ufffd" * 3),
        ("a\u202eb\u2066c\u2069\u200f\u2028", "a\ufffdb\ufffdc" + "\ufffd" * 3),
        ("file\udcff", "file\ufffd"),
        ("日本 é \U0001f600", "日本 é \U0001f600"),
    ],
)
def test_control_characters_are_replaced(text: str, safe: str) -> None:
    assert terminal_safe(text) == safe


def test_a_name_stays_on_its_line() -> None:
    assert one_line("a\nok: all is well\r\n\t\u202e") == "a\ufffdok: all is well\ufffd\ufffd \ufffd"
