from __future__ import annotations

from wirecache._core.short_cache import LONGEST, cached_if_short


def test_short_texts_are_computed_once_and_long_ones_each_time() -> None:
    calls: list[str] = []

    @cached_if_short(2)
    def length(text: str) -> int:
        calls.append(text)
        return len(text)

    for text in ("a", "b" * LONGEST, "c" * (LONGEST + 1)) * 2:
        assert length(text) == len(text)
    assert [len(text) for text in calls] == [1, LONGEST, LONGEST + 1, LONGEST + 1]


def test_no_more_than_that_many_are_kept() -> None:
    calls: list[int] = []

    @cached_if_short(10, size=lambda number: 1)
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert [double(number) for number in range(1000)] == list(range(0, 2000, 2))
    calls.clear()
    assert [double(number) for number in range(1000)] == list(range(0, 2000, 2))
    assert len(calls) >= 990


def test_a_tuple_is_as_long_as_its_function_says() -> None:
    calls: list[tuple[str, str]] = []

    @cached_if_short(10, size=lambda pair: len(pair[0]) + len(pair[1]), longest=4)
    def joined(pair: tuple[str, str]) -> str:
        calls.append(pair)
        return "".join(pair)

    for pair in [("a", "b"), ("abc", "de")] * 2:
        assert joined(pair) == "".join(pair)
    assert calls == [("a", "b"), ("abc", "de"), ("abc", "de")]
