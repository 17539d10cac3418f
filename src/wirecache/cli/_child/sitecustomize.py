"""Installs the cache in a Python process that ``wirecache run`` started, and in its Python child processes.

Python imports ``sitecustomize`` at startup, from the first entry of ``sys.path`` that has one. This one removes its own entry from the
path and imports the ``sitecustomize`` that would have been imported without it.
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


class _InstallOnImport:
    """Installs the cache when the program imports an HTTP library: processes that never do (compilers, linters) pay nothing."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in ("httpx", "httpx2"):
            return None
        sys.meta_path.remove(self)
        try:
            from wirecache import Cassette, CassetteError, install, samples
        except ImportError:
            print("wirecache: not installed for this Python, so the calls of this process are not cached:", sys.executable, file=sys.stderr)
        else:
            install(_open_cassette(Cassette, CassetteError) if os.environ.get("WIRECACHE_CASSETTE") else None)
            if os.environ.get("WIRECACHE_SAMPLES", "") not in ("", "0"):
                block = samples()
                block.__enter__()
                atexit.register(block.__exit__, None, None, None)  # also keeps a reference, since this module is dropped
        return importlib.util.find_spec(fullname)


def _open_cassette(cassette_type: Any, error_type: Any) -> Any:
    """Return the cassette that the environment names; it is closed when the program ends."""
    cassette = cassette_type(os.environ["WIRECACHE_CASSETTE"])

    def close() -> None:
        try:
            cassette.close()
        except error_type as error:
            from wirecache._core.terminal_text import one_line

            print(one_line(f"wirecache: {error}"), file=sys.stderr)

    atexit.register(close)
    return cassette


def _import_next_sitecustomize() -> None:
    """Import the ``sitecustomize`` that this one shadows, if there is one."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != HERE]
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
        sys.meta_path.insert(0, _InstallOnImport())
    _import_next_sitecustomize()
