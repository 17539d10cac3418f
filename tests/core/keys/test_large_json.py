"""JSON with long strings is parsed as jiter parses it, whatever is in it."""

from __future__ import annotations

import json
from typing import Any

import jiter
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecache import make_key
from wirecache._core.keys.large_json import LONG, MOST_OF_THE_REST, STRICT_JSON, parse_large

IMAGE = "QUJD" * (LONG // 2)
MARK = "\x7f0"


def parsed(parse: Any, content: bytes) -> Any:
    """Return the value, or that there is none."""
    try:
        return parse(content)
    except ValueError:
        return "no JSON"


def by_jiter(content: bytes) -> Any:
    return parsed(lambda content: jiter.from_json(content, **STRICT_JSON), content)


LONG_STRINGS = {
    "<image>": IMAGE, "<another>": IMAGE[:-3], "<URL>": f"data:image/png;base64,{IMAGE}", "<two lines>": f"{IMAGE}\n", "<mark>": MARK,
    "<not ASCII>": f"ü{IMAGE}", "<quoted>": f'"{IMAGE}', "<just long enough>": IMAGE[: LONG + 1], "<too short>": IMAGE[:LONG],
}  # fmt: skip
STRINGS = st.text(max_size=8) | st.sampled_from(list(LONG_STRINGS))
VALUES = st.recursive(
    STRINGS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)


def with_long_strings(value: Any) -> Any:
    """Return the value with the long strings that names stand for."""
    if isinstance(value, dict):
        return {with_long_strings(name): with_long_strings(item) for name, item in value.items()}
    if isinstance(value, list):
        return list(map(with_long_strings, value))
    return LONG_STRINGS.get(value, value) if isinstance(value, str) else value


@given(value=VALUES, is_ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_values(value: Any, is_ascii: bool, indent: int | None) -> None:
    content = json.dumps(with_long_strings(value), ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")
    assert (parsed(parse_large, content) == by_jiter(content)) is True  # the values are too long to be shown


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f'{{"a": "{IMAGE}", "a": 1}}', id="a member twice"),
        pytest.param(f'{{"a": "{IMAGE}", "b": NaN}}', id="a number that is none"),
        pytest.param(f'{{"a": "{IMAGE}"', id="cut off"),
        pytest.param(f'{{"a": "{IMAGE}', id="cut off within"),
        pytest.param(f'{{"a": "x"{IMAGE}"y"}}', id="between two strings"),
        pytest.param(f'["a",{"1," * LONG}"b"]', id="numbers between two strings"),
        pytest.param(f'["{IMAGE}""{IMAGE}"]', id="no comma"),
        pytest.param(f'["\\"{IMAGE}"]', id="an escaped quote before"),
        pytest.param(f'["{IMAGE}\\""]', id="an escaped quote after"),
        pytest.param(f'["\\\\","{IMAGE}"]', id="an escape that is none"),
        pytest.param(f'{{"{IMAGE}": 1}}', id="the name of a member"),
        pytest.param(f'["{IMAGE}", "{MARK}"]', id="the mark"),
        pytest.param(f'["{IMAGE}", "{MARK}9"]', id="a longer mark"),
        pytest.param(f'["{IMAGE}", "\\u007f{MARK[1:]}"]', id="the mark, escaped"),
        pytest.param(f'["\\u007f{MARK[1:]}", "{IMAGE}"]', id="the mark, escaped, before"),
        pytest.param(f'{{"\\u007f{MARK[1:]}": "{IMAGE}"}}', id="the mark, escaped, as a name"),
        pytest.param(f'{{"{IMAGE}": "\\u007F{MARK[1:]}"}}', id="the mark, escaped, and a long name"),
        pytest.param(f'["{IMAGE}", "{IMAGE}", {{"b": ["{IMAGE}é", "x"]}}]', id="not all in ASCII"),
        pytest.param(json.dumps([IMAGE, ["text"] * MOST_OF_THE_REST]), id="much beside"),
        pytest.param(json.dumps([IMAGE, [[[f"{number}:{IMAGE}"]] for number in range(12)]]), id="twelve"),
        pytest.param("1" * 3 * LONG, id="a number"),
        pytest.param(f"{IMAGE}", id="no quotes"),
    ],
)
def test_what_may_go_wrong(content: str) -> None:
    assert parsed(parse_large, content.encode()) == by_jiter(content.encode())


def test_a_key_is_the_same_however_its_string_is_written() -> None:
    plain, escaped = (f'{{"model": "m", "input": "{text}"}}' for text in (IMAGE, f"\\u0051{IMAGE[1:]}"))
    keys = {make_key("POST", "https://api.openai.com/v1/responses", {}, content) for content in (plain, escaped, f"{plain} ")}
    assert len(keys) == 1


# What is in a long string is not looked at, which shows whether it was cut out: jiter would refuse a line end in it.


def cut_out(value: Any) -> bool:
    """Return whether the long strings of the value, which have line ends in them, are cut out; if so, they must come back as they were."""
    content = json.dumps(value).replace("\\n", "\n").encode()
    assert by_jiter(content) == "no JSON"
    found = parsed(parse_large, content)
    assert (found == value) is (found != "no JSON")
    return found != "no JSON"


@pytest.mark.parametrize(
    ("length", "is_cut"), [pytest.param(LONG, True, id="just long enough"), pytest.param(LONG - 1, False, id="one byte too short")]
)
def test_which_strings_are_cut_out(length: int, is_cut: bool) -> None:
    assert cut_out([f"{IMAGE[: length - 4]}abc\n"]) is is_cut
    assert cut_out(["x", {"a": f"\nab{IMAGE[: length - 3]}"}]) is is_cut


def test_escapes_before_and_after_make_no_difference() -> None:
    assert cut_out(['a "b"', f"{IMAGE}\n", 'c "d"', {"e": f"{IMAGE}\n"}, "\\"])


def test_several_are_cut_out_of_one_body() -> None:
    image = f"{IMAGE}ab\n"
    assert cut_out([image, {"b": [f"1{image}", "c", f"2{image}"], "d": {"e": f"3{image}"}, "f": [1, None, 2.5, True]}, f"4{image}"])


@pytest.mark.parametrize(("more", "is_cut"), [(0, True), (1, False)], ids=["as much as allowed", "a byte more"])
def test_how_much_may_be_beside(more: int, is_cut: bool) -> None:
    frame = len('["\x7f0", ""]')
    halves = (MOST_OF_THE_REST - frame) // 2
    beside = ["y" * halves, "z" * (MOST_OF_THE_REST - frame - halves - len(', ""') + more)]
    assert cut_out([f"{IMAGE}\n", *beside]) is is_cut
