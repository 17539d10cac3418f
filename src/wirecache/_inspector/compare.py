"""The page that compares two exchanges: their requests, prompts, answers, bodies and events."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.llm.answers import answer_text
from wirecache._core.llm.conversation import prompt_turns
from wirecache._core.messages import Entry
from wirecache._inspector.inspector import Inspector, Page, json_response
from wirecache._inspector.text_diff import line_diff, pretty, word_diff
from wirecache._inspector.timeline import timeline_of
from wirecache._views.entry_diff import answer_differences, request_differences

__all__ = ["ROUTES", "comparison", "named"]


def named(inspector: Inspector, name: str) -> tuple[str, str, Entry]:
    """Return the exchange of a name such as ``0/KEY``, or end the request with 404."""
    source, _, ref = name.partition("/")
    return inspector.entry(source, ref)[0].id, ref, inspector.entry(source, ref)[2]


def comparison(before: Entry, after: Entry) -> dict[str, Any]:
    """Return the values that the comparison page of two exchanges shows."""
    streams = timeline_of(before), timeline_of(after)
    events = ["\n".join(f"{event.name} {event.data}".strip() for event in stream.events) if stream else "" for stream in streams]
    return {
        "differences": list(request_differences(before, after)),
        "prompts": word_diff(_prompt(before), _prompt(after)),
        "answers": word_diff(answer_text(before), answer_text(after)),
        "request_lines": line_diff(pretty(before.request_body), pretty(after.request_body)),
        "answer_lines": "" if all(streams) else line_diff(pretty(before.body), pretty(after.body)),
        "event_lines": line_diff(*events) if all(streams) else "",
        "same_prompt": before.request_body == after.request_body,
        "same_answer": (before.status, before.body) == (after.status, after.body),
    }


def _prompt(entry: Entry) -> str:
    turns = prompt_turns(entry)
    return "\n\n".join(f"{turn.role}: {turn.text}" + "".join(f" {call.name}({call.arguments})" for call in turn.calls) for turn in turns)


def _show(inspector: Inspector, request: Request) -> Response:
    names = request.query_params.getlist("x")
    if len(names) != 2:
        raise HTTPException(400, f"Two exchanges are compared; {len(names)} were chosen. Select two in the list.")
    one, other = (named(inspector, name) for name in names)
    return inspector.page(request, "compare.html", "exchanges", one=one, other=other, names=names, **comparison(one[2], other[2]))


def _as_json(inspector: Inspector, request: Request) -> Response:
    names = request.query_params.getlist("x")
    if len(names) != 2:
        raise HTTPException(400, "Give two exchanges: ?x=SOURCE/REF&x=SOURCE/REF")
    before, after = (named(inspector, name)[2] for name in names)
    found = [difference._asdict() for difference in request_differences(before, after)]
    return json_response({"keys": [before.key, after.key], "request": found, "answer": answer_differences(before, after)})


ROUTES = (Page("/diff", _show), Page("/api/v1/diff", _as_json))
