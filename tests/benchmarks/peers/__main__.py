"""Measure all contestants: ``python -m tests.benchmarks.peers`` (``make bench-peers``)."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.peers import plots, results
from tests.benchmarks.peers.contestant import Contestant, Place
from tests.benchmarks.peers.measure import measure
from tests.benchmarks.peers.rows import ROWS, Row
from tests.benchmarks.peers.table import print_table
from tests.redis_server import RedisServer, find_redis_server

# In this order; those that patch what is there come last.
MODULES = [
    "floor", "wirecache", "instructor", "langchain", "litellm", "agentrec", "decorators", "hishel", "requests_cache", "vcrpy", "cassetter",
]  # fmt: skip


def contestants_of(place: Place, chosen: list[str]) -> tuple[list[Contestant], dict[str, str]]:
    """Return the contestants, and those that are not there, with the reason."""
    found: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in MODULES:
        if chosen and name not in ("floor", *chosen):
            continue
        try:
            found += importlib.import_module(f"tests.benchmarks.peers.{name}").contestants(place)
        except ImportError as error:
            missing[name] = f"not installed ({error})"
    return found, missing


def redis_urls(place: Place) -> dict[str, str]:
    """Start a Redis, and return its URLs; none where there is no server."""
    if find_redis_server() is None:
        return {}
    socket = place.folder / "redis.sock"
    server = place.exits.enter_context(RedisServer(place.folder / "redis", unixsocket=str(socket)))
    return {"socket": f"unix://{socket}", "TCP": server.url}


def rows_of(names: list[str], quick: bool) -> Iterator[Row]:
    """Yield the rows of these names, or that begin so; with ``quick``, without the largest stores."""
    for row in ROWS:
        if not (quick and row.kind == "size" and row.amount > 10_000) and (not names or any(row.name.startswith(name) for name in names)):
            yield row


def main() -> None:
    """Measure, print the table, write JSON and plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", action="append", default=[], help="a row, or how its name begins; may be given again (default: all)")
    parser.add_argument("--peers", nargs="*", default=[], choices=MODULES, help="these alone, beside the floor")
    parser.add_argument("--rounds", type=int, default=400, help="calls of each contestant; fewer where a call is long")
    parser.add_argument("--quick", action="store_true", help="no stores of more than 10,000 entries")
    parser.add_argument("--out", type=Path, default=results.RESULTS, help="the JSON; plots are written beside it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    measured = results.load(options.out)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as exits, asyncio.Runner() as runner:
        place = Place(Path(folder), exits)
        place.redis.update(redis_urls(place))
        contestants, missing = contestants_of(place, options.peers)
        for row in rows_of(options.rows, options.quick):
            figures = measure(row, contestants, options.rounds, runner.get_loop())
            print_table(row.name, figures, contestants, missing)
            results.add_row(measured, row.name, figures)
            results.save(measured, missing, options.out)
    for path in plots.write_plots(measured, options.out.parent):
        print(path)
    if options.out == results.RESULTS:
        plots.write_picture(measured)


if __name__ == "__main__":
    main()
