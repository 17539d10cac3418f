"""``make cache-tests``: play the public cache tests against our client and hishel's, and write the table of scores."""

from __future__ import annotations

import sys
from importlib.metadata import version

from tests.engine.cache_tests.cases import load
from tests.engine.cache_tests.clients import of_hishel, ours, results, with_heuristics
from tests.engine.cache_tests.scores import GUESSING, OURS, passed, write

if __name__ == "__main__":
    cases = load()
    clients = {OURS: ours, GUESSING: with_heuristics, f"hishel {version('hishel')}": of_hishel}
    sys.stdout.write(write(cases, {name: passed(cases, results(cases, make)) for name, make in clients.items()}))
