"""What a Python that ``wirecache run`` started, or a child of it, does first: see to it that the cache is installed when it is needed.

Python imports ``sitecustomize`` at its start from wherever ``PYTHONPATH`` leads. This one goes out of the way again: the path is as
it would be without it, and the ``sitecustomize`` that would have been imported is.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import sys
from typing import Any

__all__: list[str] = []

HERE = os.path.dirname(os.path.abspath(__file__))


class _WhenNeeded:
    """Installs the cache when the program imports an HTTP library: Pythons that never do (compilers, linters) pay nothing."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in ("httpx", "httpx2"):
            return None
        sys.meta_path.remove(self)
        try:
            from wirecache import Cassette, install
        except ImportError:
            print("wirecache: not installed for this Python, so the calls of this process are not cached:", sys.executable, file=sys.stderr)
        else:
            install(_opened(Cassette) if os.environ.get("WIRECACHE_CASSETTE") else None)
        return importlib.util.find_spec(fullname)


def _opened(cassette: Any) -> Any:
    """The cassette that is asked for; it is closed when the program ends."""
    opened = cassette(os.environ["WIRECACHE_CASSETTE"])
    atexit.register(opened.close)
    return opened


def _go_on() -> None:
    """Import the next ``sitecustomize``, if there is one."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
    this = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", this)


if __name__ == "sitecustomize":
    if os.environ.get("WIRECACHE_INSTALL", "") not in ("", "0"):
        sys.meta_path.insert(0, _WhenNeeded())
    _go_on()
