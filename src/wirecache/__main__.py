"""The command ``wirecache``; also ``python -m wirecache``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from wirecache.cli import main as run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "click"):
            raise
        sys.exit("wirecache: the command line needs its extra: pip install 'wirecache[cli]'")
    run()


if __name__ == "__main__":
    main()
