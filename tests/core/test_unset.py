from __future__ import annotations

import copy
import pickle

from wirecache._core.unset import UNSET


def test_it_is_one_object_however_it_is_copied() -> None:
    assert copy.deepcopy(UNSET) is UNSET
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET  # noqa: S301


def test_it_is_not_a_value_that_means_something_else() -> None:
    assert UNSET not in (None, False, 0, 0.0, "")
    assert repr(UNSET) == "<unset>"
