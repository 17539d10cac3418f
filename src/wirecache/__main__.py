"""The command ``wirecache``; also ``python -m wirecache``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or exit with a message if its extra is not installed."""
    try:
        from wirecache.cli import main as run_command
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "click"):
            raise
        sys.exit("wirecache: the command line needs the cli extra: pip install 'wirecache[cli]'")
    run_command()


if __name__ == "__main__":
    main()
