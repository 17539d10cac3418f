from __future__ import annotations

from wirecache._core.short_cache import LONGEST, cached_if_short


def test_short_texts_are_computed_once_and_long_ones_each_time() -> None:
    calls: list[str] = []

    @cached_if_short(2)
    def length(text: str) -> int:
        """Return the length."""
        calls.append(text)
        return len(text)

    for text in ("a", "b" * LONGEST, "c" * (LONGEST + 1)) * 2:
        assert length(text) == len(text)
    assert [len(text) for text in calls] == [1, LONGEST, LONGEST + 1, LONGEST + 1]
    assert (length.__name__, length.__doc__) == ("length", "Return the length.")
