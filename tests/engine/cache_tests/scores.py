"""How many cases does each client pass? By kind and by suite, as the public site counts: what a case depends on has to have passed, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from tests.engine.cache_tests.cases import FOLDER, KINDS, Case

PASSED = FOLDER / "passed.json"  # the ids of the cases that each client has passed when the table was written
TABLE = FOLDER / "SCORES.md"

Passed = Mapping[str, frozenset[str]]  # by the client's name


def passed(cases: Iterable[Case], results: Mapping[str, str | None]) -> frozenset[str]:
    """Return the ids of the cases that count as passed."""
    needed = {case.id: case.depends_on for case in cases}

    def counts(case: str) -> bool:
        return results[case] is None and all(counts(other) for other in needed[case])

    return frozenset(case for case in needed if counts(case))


def of_kind(cases: Iterable[Case], ids: frozenset[str], kind: str) -> int:
    """Return how many cases of this kind are among the passed ones."""
    return sum(case.kind == kind and case.id in ids for case in cases)


def read() -> Passed:
    """Return what was passed when the table was written."""
    return {name: frozenset(ids) for name, ids in json.loads(PASSED.read_text("utf-8")).items()}


def write(cases: list[Case], by_client: Passed) -> str:
    """Write the list and the table, and return the table."""
    PASSED.write_text(json.dumps({name: sorted(ids) for name, ids in by_client.items()}, indent=1) + "\n", "utf-8")
    text = _table(cases, by_client)
    TABLE.write_text(text, "utf-8")
    return text


def _table(cases: list[Case], by_client: Passed) -> str:
    suites = list(dict.fromkeys(case.suite for case in cases))
    names = list(by_client)
    lines = [
        "# Public tests of HTTP caches, passed as a private cache",
        "",
        "Written by `make cache-tests`. *Required* is what RFC 9111 asks, *optimal* what it recommends, *check* only shows behaviour.",
        "A case counts if those that it depends on are passed, too. Both clients run on httpx, which shows no interim responses; what a",
        "shared cache or a CDN does (`s-maxage`, `CDN-Cache-Control`) is not for either.",
        "",
        f"| | cases | {' | '.join(names)} |",
        f"|---|---:|{'---:|' * len(names)}",
    ]
    rows: list[tuple[str, Callable[[Case], bool]]] = [(f"**{kind}**", lambda case, kind=kind: case.kind == kind) for kind in KINDS]
    rows += [(suite, lambda case, suite=suite: case.suite == suite) for suite in suites]
    for title, belongs in rows:
        chosen = [case.id for case in cases if belongs(case)]
        counts = [str(sum(case in by_client[name] for case in chosen)) for name in names]
        lines.append(f"| {title} | {len(chosen)} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"
