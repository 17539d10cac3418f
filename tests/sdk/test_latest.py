"""What ``make matrix LATEST=1`` says of what came out."""

from __future__ import annotations

import json

from tests.sdk.matrix.latest import EXTRAS, HERE, INPUTS, ROOT, compared

PINNED = {
    "openai 3": {"environment": "main", "package": "openai", "version": "3.1.0", "cells": {"sync": True, "async": True, "audio": False}},
    "groq": {"environment": "main", "package": "groq", "version": "1.0.0", "cells": {"sync": True}},
    "cohere": {"environment": "frameworks", "package": "cohere", "version": "7.0.0", "cells": {"sync": True}},
}


def test_what_broke_and_what_was_mended_is_listed() -> None:
    rows = {
        "openai 3": {"version": "4.0.0", "cells": {"sync": True, "async": False, "audio": True}},
        "groq": {"version": "1.0.0", "cells": {"sync": True}},
    }
    lines, has_broken = compared("main", PINNED, {"rows": rows, "messages": {"openai 3/async": "AssertionError: 2 calls"}})
    assert has_broken
    assert lines == [
        "main:",
        "  groq (groq 1.0.0): 1 cells pass",
        "  openai 3 (openai 3.1.0 -> 4.0.0): BROKE: async; works now: audio",
        "    async: AssertionError: 2 calls",
    ]


def test_an_sdk_that_is_gone_has_broken() -> None:
    lines, has_broken = compared("frameworks", PINNED, {"rows": {}, "messages": {}})
    assert has_broken
    assert lines[1:] == ["  cohere (cohere 7.0.0 -> none): BROKE: sync"]


def test_an_environment_that_cannot_be_had_is_an_error() -> None:
    assert compared("main", PINNED, {"error": "conflict"}) == (["main: conflict"], True)


def test_each_environment_of_the_matrix_has_its_inputs() -> None:
    pinned = json.loads((HERE / "matrix.json").read_text("utf-8"))
    assert {row["environment"] for row in pinned.values()} == set(EXTRAS)
    assert all((ROOT / ".ci" / f"{INPUTS.get(name, name)}.in").is_file() for name in EXTRAS)
