"""JSON values, other spellings of them, and what makes two of them the same value."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st

# Values that are easily taken for one another, alone or in a framing.
LOOKALIKES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 10, "", "0", "1", "1.0", "true", "null", "n", "t", "i1;", "s1:1", "1:a", "@0;", "{0:", "[1:",
    [], {}, [[]], [{}], {"": None}, {"a": 1}, {"a": [1]}, [1, 1], ["1", 1], [0], "é", "e\u0301",
    2**53, 2**53 + 1, 2**64, 2**64 + 1, 2**70, 2**70 + 1, -(2**53) - 1, 1e300, 1e-300, 0.1, 0.30000000000000004,
]  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["a", "b", "1", "1:a", "type"])
numbers = st.integers() | st.integers(2**53 - 3, 2**53 + 3) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.sampled_from(LOOKALIKES) | texts | numbers | st.booleans() | st.none()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12)
documents = st.lists(values, max_size=4) | st.dictionaries(texts, values, max_size=4)


def same(value: Any) -> Any:
    """Two JSON values are the same exactly where what this returns is equal."""
    if isinstance(value, bool) or value is None:
        return ("constant", repr(value))
    if isinstance(value, (int, float)):
        return ("number", int(value) if value == int(value) else value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        return ("list", tuple(map(same, value)))
    return ("object", frozenset((name, same(item)) for name, item in value.items()))


def spelled(value: Any, dice: random.Random) -> str:
    """The value as JSON text in one of its many spellings: member order, white space, escapes, 1 or 1.0 or 1e0."""
    gap = dice.choice(["", "", " ", "\n\t", "\r\n  "])
    if isinstance(value, dict):
        members = [f"{gap}{spelled(name, dice)}{gap}:{gap}{spelled(item, dice)}" for name, item in value.items()]
        dice.shuffle(members)
        return "{" + ",".join(members) + gap + "}"
    if isinstance(value, list):
        return "[" + f"{gap},".join(gap + spelled(item, dice) for item in value) + gap + "]"
    if isinstance(value, str):
        return '"' + "".join(_character(character, dice) for character in value) + '"'
    plain = json.dumps(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
        return plain + dice.choice(["", ".0", ".000", "e0", "E+0", "0e-1" if value else "e-1"])
    return plain


def _character(character: str, dice: random.Random) -> str:
    plain = json.dumps(character, ensure_ascii=False)[1:-1]
    units = character.encode("utf-16-be").hex()
    lower, upper = ("".join("\\u" + hexes[at : at + 4] for at in range(0, len(hexes), 4)) for hexes in (units, units.upper()))
    return dice.choice([plain, plain, lower, upper])


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one thing in it changed: another leaf, type, member name or order."""
    if isinstance(value, (dict, list)) and value and draw(st.integers(0, 3)):
        return draw(_changed_inside(value))
    return draw((st.sampled_from(LOOKALIKES) | values).filter(lambda other: same(other) != same(value)))


@st.composite
def _changed_inside(draw: st.DrawFn, value: Any) -> Any:
    at = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
    if isinstance(value, list):
        without = value[:at] + value[at + 1 :]
        ways = [without, [*without, value[at]], [value[at], *without], [*value, value[at]]]
        return draw(changed(value[at]).map(lambda item: [*value[:at], item, *value[at + 1 :]]) | _other_than(value, ways))
    without = {name: item for name, item in value.items() if name != at}
    renamed = texts.filter(lambda name: name not in value).map(lambda name: {**without, name: value[at]})
    return draw(changed(value[at]).map(lambda item: {**value, at: item}) | st.just(without) | renamed)


def _other_than(value: Any, ways: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([way for way in ways if same(way) != same(value)])
