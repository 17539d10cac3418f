"""Which environment is this, and which rows of the matrix run in it?

SDKs that want different versions of one package cannot share an environment, so there are several; ``make matrix`` builds them.
"""

from __future__ import annotations

import importlib
import importlib.util

from tests.sdk.matrix.row import Row

__all__ = ["ENVIRONMENTS", "environment", "rows"]

# By the name of the module of rows: a package that this environment has, and none before it in this list.
ENVIRONMENTS = {
    "main": "mistralai",
    "frameworks": "langchain_openai",
    "instructor": "instructor",
    "litellm": "mcp_types",
    "openai2": "openai",
}


def environment() -> str:
    """The name of this environment."""
    return next(name for name, package in ENVIRONMENTS.items() if importlib.util.find_spec(package) is not None)


def rows() -> list[Row]:
    """Its rows."""
    return list(importlib.import_module(f"tests.sdk.matrix.rows_{environment()}").ROWS)
