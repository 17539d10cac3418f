from __future__ import annotations

import pytest

from wirecache import ConfigError
from wirecache._settings.sizes import parse_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1, 1),
        (10**12, 10**12),
        ("500", 500),
        ("500b", 500),
        ("4GB", 4 * 10**9),
        (" 1.5 kb ", 1500),
        ("64 MiB", 64 * 2**20),
        ("1TB", 10**12),
        ("1MB", 10**6),
        ("2KiB", 2048),
        ("3GiB", 3 * 2**30),
    ],
)
def test_size(value: int | str, size: int) -> None:
    assert parse_size(value, "size_limit") == size


@pytest.mark.parametrize("value", [0, -1, "", "GB", "4 XB", "4GBB", "x", True, "inf", "nan", "-4GB"])
def test_a_wrong_size_says_what_is_allowed(value: int | str) -> None:
    with pytest.raises(ConfigError, match=r'^size_limit must be a number of bytes, or a text such as "500MB" or "4GB", got '):
        parse_size(value, "size_limit")
