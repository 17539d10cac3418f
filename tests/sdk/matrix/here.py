"""Which environment is this, and which rows of the matrix run in it?

SDKs that want different versions of one package cannot share an environment, so there are several; ``make matrix`` builds them.
"""

from __future__ import annotations

import importlib
import importlib.util

from tests.sdk.matrix.row import Row

__all__ = ["ENVIRONMENTS", "environment", "rows"]

# The module of rows, and a package that only its environment has.
ENVIRONMENTS = {"main": "mistralai", "frameworks": "langchain_openai", "openai2": "litellm", "instructor": "instructor"}


def environment() -> str:
    """The name of this environment."""
    return next(name for name, package in ENVIRONMENTS.items() if importlib.util.find_spec(package) is not None)


def rows() -> list[Row]:
    """Its rows."""
    return list(importlib.import_module(f"tests.sdk.matrix.rows_{environment()}").ROWS)
