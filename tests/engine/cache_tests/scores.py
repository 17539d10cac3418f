"""How many cases does each client pass? By kind and by suite, as the public site counts: what a case depends on has to have passed, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from tests.engine.cache_tests.cases import FOLDER, KINDS, Case, load

PASSED = FOLDER / "passed.json"  # the ids of the cases that each client has passed when the table was written
TABLE = FOLDER / "SCORES.md"
DIFFERENCES = FOLDER / "differences.json"  # by case, what we promise that makes us behave otherwise than hishel's client, which passes it
OURS, GUESSING = "wirecache", "wirecache, heuristics=True"  # the names of our clients: as it is by default, and with guessed lifetimes

Passed = Mapping[str, frozenset[str]]  # by the client's name
Rows = list[tuple[str, Callable[[Case], bool]]]  # a title, and which cases it stands for


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


def read_differences() -> dict[str, str]:
    """Return the reasons of the differences, by the case's id."""
    reasons: dict[str, str] = json.loads(DIFFERENCES.read_text("utf-8"))
    return reasons


def write(cases: list[Case], by_client: Passed) -> str:
    """Write the list and the table, and return the table."""
    PASSED.write_text(json.dumps({name: sorted(ids) for name, ids in by_client.items()}, indent=1) + "\n", "utf-8")
    text = _table(cases, by_client)
    TABLE.write_text(text, "utf-8")
    return text


def section() -> str:
    """Return what the guide says: the score by kind of case, and why hishel's client passes a case that ours does not."""
    cases, by_client = load(), read()
    lines = [
        "The public tests of HTTP caches ([http-tests/cache-tests](https://github.com/http-tests/cache-tests)), passed as a private cache:",
        "",
        *_rows(cases, by_client, [(kind, lambda case, kind=kind: case.kind == kind) for kind in KINDS]),
        "",
        "What hishel's own client, which always guesses lifetimes, passes and wirecache does not, by what wirecache promises instead:",
        "",
        f"- Without `heuristics=True`, {_guessed(by_client)} cases of guessed lifetimes: nothing is reused that its server did not allow.",
    ]
    for reason, ids in _by_reason().items():
        lines.append(f"- {reason.rstrip('.')} ({', '.join(f'`{case}`' for case in ids)}).")
    return "\n".join(lines)


def _guessed(by_client: Passed) -> int:
    """Return how many cases hishel's client and ours that guesses lifetimes pass, and ours as it is by default does not."""
    by_default, guessing, other = by_client.values()
    return len((guessing & other) - by_default)


def _by_reason() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for case, reason in read_differences().items():
        found.setdefault(reason, []).append(case)
    return found


def _rows(cases: list[Case], by_client: Passed, rows: Rows) -> list[str]:
    """Return a table: how many cases of each row each client has passed."""
    names = list(by_client)
    lines = [f"| | cases | {' | '.join(names)} |", f"|---|---:|{'---:|' * len(names)}"]
    for title, belongs in rows:
        chosen = [case.id for case in cases if belongs(case)]
        counts = [str(sum(case in by_client[name] for case in chosen)) for name in names]
        lines.append(f"| {title} | {len(chosen)} | {' | '.join(counts)} |")
    return lines


def _table(cases: list[Case], by_client: Passed) -> str:
    suites = list(dict.fromkeys(case.suite for case in cases))
    rows: Rows = [(f"**{kind}**", lambda case, kind=kind: case.kind == kind) for kind in KINDS]
    rows += [(suite, lambda case, suite=suite: case.suite == suite) for suite in suites]
    reasons = read_differences()
    lines = [
        "# Public tests of HTTP caches, passed as a private cache",
        "",
        "Written by `make cache-tests`. *Required* is what RFC 9111 asks, *optimal* what it recommends, *check* only shows behaviour.",
        "A case counts if those that it depends on are passed, too. All clients run on httpx, which shows no interim responses; what a",
        "shared cache or a CDN does (`s-maxage`, `CDN-Cache-Control`) is not for any. hishel's always guesses lifetimes.",
        "",
        *_rows(cases, by_client, rows),
        "",
        "The cases that hishel's client passes and ours with `heuristics=True` does not",
        f"(by default {_guessed(by_client)} more, since then nothing is reused that its server did not allow):",
        "",
        *(f"- {case.name.rstrip('?')} (`{case.id}`, {case.kind}). {reasons[case.id]}" for case in cases if case.id in reasons),
    ]
    return "\n".join(lines) + "\n"
