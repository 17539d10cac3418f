"""The effects and outcomes: values that are compared, matched by position, and never changed."""

from __future__ import annotations

import typing

import pytest

from wirecache._core.flows import effects
from wirecache._core.flows.effects import READ_BODY, Effect, Forward, Lookup, Outcome, ReadBody


def test_every_effect_and_outcome_is_exported() -> None:
    kinds = {*typing.get_args(Effect), *typing.get_args(Outcome)}
    assert {kind.__name__ for kind in kinds} <= set(effects.__all__)
    assert all(issubclass(kind, tuple) for kind in kinds)


def test_they_are_values() -> None:
    assert Lookup("a") == Lookup("a") != Lookup("b")
    assert ReadBody() == READ_BODY
    assert Forward().changes == {}
    with pytest.raises(TypeError):
        Forward().changes[b"a"] = b"b"  # type: ignore[index]
