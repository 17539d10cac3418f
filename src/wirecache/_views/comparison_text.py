"""The comparison of two runs as lines for a terminal and as Markdown for a pull request."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from wirecache._core.compare.steps import Severity
from wirecache._core.quantity import quantity
from wirecache._views.comparison import ComparisonJson, RunJson, SideJson, StepJson

__all__ = ["comparison_lines", "comparison_markdown"]

LONGEST = 60_000  # characters of a report; a comment on GitHub has at most 65,536
LONGEST_DETAILS = 6_000  # characters of one step
MARKS = {Severity.SAME.value: "=", Severity.MISSING.value: "-", Severity.ADDED.value: "+", Severity.FAILED.value: "!"}


def comparison_lines(found: ComparisonJson) -> Iterator[str]:
    """Yield the lines for a terminal."""
    yield f"A: {_totals(found['before'])}"
    yield f"B: {_totals(found['after'])}"
    yield ""
    width = max((len(step["severity"]) for step in found["steps"]), default=0)
    for step in found["steps"]:
        change = ", ".join(_changes(step))
        line = f"{_numbers(step)}  {step['severity']:<{width}}  {step['call']}"
        yield f"{line}  ({change})" if change else line
        if step["severity"] != Severity.SAME:
            yield from (f"         {detail}" for detail in _details(step))
    yield ""
    yield _counts(found)


def comparison_markdown(found: ComparisonJson) -> str:
    """Return the report for a pull request: totals, a table of the steps, and what differs in each, folded."""
    before, after = found["before"], found["after"]
    lines = [
        f"### {_code(before['name'])} and {_code(after['name'])}: {_counts(found)}",
        "",
        *([_fork(after), ""] if after["parent"] else []),
        "| | A | B |",
        "|---|---|---|",
        f"| run | {_code(before['name'])} | {_code(after['name'])} |",
        f"| steps | {before['steps']} | {after['steps']} |",
        f"| input + output tokens | {_run_tokens(before)} | {_run_tokens(after)} |",
        f"| cost | {_money(before['dollars'], before['unpriced'])} | {_money(after['dollars'], after['unpriced'])} |",
        f"| time of the provider | {before['seconds']:.2f} s | {after['seconds']:.2f} s |",
        "",
        "| A | B | difference | call | tokens, cost, time |",
        "|---|---|---|---|---|",
    ]
    size = sum(map(len, lines))
    rows = [_row(step) for step in found["steps"]]
    details = [_folded(step) for step in found["steps"] if step["severity"] != Severity.SAME]
    shown_rows = _fitting(rows, LONGEST - size)
    shown = _fitting(details, LONGEST - size - sum(map(len, shown_rows)))
    left_out = len(rows) - len(shown_rows), len(details) - len(shown)
    note = [f"Left out for their length: {left_out[0]} of the steps, and the details of {left_out[1]}."] if any(left_out) else []
    return "\n".join([*lines, *shown_rows, "", *shown, *note]).rstrip() + "\n"


def _fitting(texts: list[str], room: int) -> list[str]:
    """Return as many of the first texts as fit into ``room`` characters."""
    shown = []
    for text in texts:
        room -= len(text) + 1
        if room < 0:
            break
        shown.append(text)
    return shown


# -- parts of both ----------------------------------------------------------------------------------------------------


def _totals(run: RunJson) -> str:
    parts = [quantity(run["steps"], "step"), f"{_run_tokens(run)} tokens"]
    parts += [_money(run["dollars"], run["unpriced"])] if run["unpriced"] is not None else []
    line = f"{run['name']}: {', '.join(parts)}, {run['seconds']:.2f} s"
    return f"{line}; {_fork(run)}" if run["parent"] else line


def _fork(run: RunJson) -> str:
    since = f"live from step {run['live_from_step']}" if run["live_from_step"] is not None else "all of it replayed"
    return f"a fork of {run['parent']}, {since}"


def _run_tokens(run: RunJson) -> str:
    return f"{run['input_tokens']:,} + {run['output_tokens']:,}"


def _money(dollars: float | None, unpriced: int | None) -> str:
    if dollars is None:
        return "no known price"
    return f"${dollars:.4f}" + (f" without {quantity(unpriced, 'call')} of unknown price" if unpriced else "")


def _counts(found: ComparisonJson) -> str:
    counts = [f"{found['counts'][severity]} {severity}" for severity in Severity if severity in found["counts"]]
    return ", ".join(counts) or "no steps"


def _numbers(step: StepJson) -> str:
    before, after = (str(side["number"]) if side else "" for side in (step["before"], step["after"]))
    return f"{before:>3} {MARKS.get(step['severity'], '~')} {after:<3}"


def _changes(step: StepJson) -> Iterator[str]:
    """Yield the differences in tokens, cost and time; for a step of only one run, its values."""
    before, after = step["before"], step["after"]
    if before == after or (before and after and step["severity"] == Severity.SAME and before["seconds"] == after["seconds"]):
        return
    yield from _change([_tokens(side) for side in (before, after)], "{} tokens")
    yield from _change([f"${side['dollars']:.4f}" if side and side["dollars"] is not None else "" for side in (before, after)], "{}")
    yield from _change([f"{side['seconds']:.2f}" if side else "" for side in (before, after)], "{} s")


def _tokens(side: SideJson | None) -> str:
    return "" if side is None or side["input_tokens"] is None else f"{side['input_tokens']}+{side['output_tokens']}"


def _change(values: list[str], unit: str) -> Iterator[str]:
    before, after = values
    if before or after:
        yield unit.format(f"{before} -> {after}" if before and after and before != after else after or before)


def _details(step: StepJson) -> list[str]:
    """Return the differences as lines: a diff of the answers, then the places in the requests."""
    lines = list(difflib.unified_diff(_answer(step["before"]), _answer(step["after"]), lineterm="", n=1))[2:]
    lines = [line for line in lines if not line.startswith("@@")]
    lines += [f"request {_place(difference)}" for difference in step["request"]]
    more = step["differences"] - len(step["request"])
    return [*lines, *([f"request: {quantity(more, 'more difference')}"] if more > 0 else [])]


def _place(difference: dict[str, str | None]) -> str:
    line = f"{difference['pointer']}: {difference['stored']} -> {difference['requested']}"
    return f"{line} ({difference['hint']})" if difference["hint"] else line


def _answer(side: SideJson | None) -> list[str]:
    if side is None:
        return []
    failure = [f"failed: {side['failure']}"] if side["failure"] else []
    return [
        *failure,
        *(line.rstrip() for line in side["text"].splitlines()),
        *(f"{call['name']}({call['arguments']})" for call in side["tool_calls"]),
    ]


# -- Markdown ---------------------------------------------------------------------------------------------------------


def _row(step: StepJson) -> str:
    before, after = (str(side["number"]) if side else "" for side in (step["before"], step["after"]))
    severity = step["severity"] if step["severity"] == Severity.SAME else f"**{step['severity']}**"
    return f"| {before} | {after} | {severity} | {_code(step['call'])} | {', '.join(_changes(step)).replace('$', chr(92) + '$')} |"


def _folded(step: StepJson) -> str:
    text = "\n".join(_details(step))
    text = text if len(text) <= LONGEST_DETAILS else text[:LONGEST_DETAILS] + "\n..."
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    numbers = " / ".join(str(side["number"]) for side in (step["before"], step["after"]) if side)
    return f"<details><summary>Step {numbers}: {step['severity']}</summary>\n\n{fence}diff\n{text}\n{fence}\n</details>\n"


def _code(text: str) -> str:
    """Return the text as code on one line, safe in a table: without mentions, links or emphasis."""
    plain = " ".join(text.split()).replace("|", "\\|") or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"
