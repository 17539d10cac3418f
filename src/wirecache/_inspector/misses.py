"""The page that explains why a call missed, for a pasted or a stored request, and what other key options would merge."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.compare.nearest import Nearest
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, make_key, request_from
from wirecache._core.messages import Entry
from wirecache._core.rules.plan import Plan
from wirecache._inspector.curl import request_of_curl
from wirecache._inspector.inspector import Inspector, Page, form_of
from wirecache._inspector.nearest import nearest_stored
from wirecache._inspector.source import Source
from wirecache._inspector.templating import address
from wirecache._inspector.text_diff import line_diff, pretty
from wirecache._views.explanation_json import check_request
from wirecache.errors import ConfigError

__all__ = ["ROUTES", "parsed_request"]


def parsed_request(text: str) -> dict[str, Any]:
    """Return the pasted request, a curl command or JSON. Raises ``ValueError`` if it is invalid."""
    if text.lstrip().startswith("curl"):
        request = request_of_curl(text.strip())
    else:
        try:
            request = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"neither a curl command nor JSON: {error}") from None
    check_request(request)
    return request


def _nearest_other(inspector: Inspector, source: Source, entry: Entry) -> Nearest | None:
    """Return the stored request that is most like this one, other than itself."""
    summary = entry.request
    request = request_from(summary.method, summary.url, summary.fields)
    body = parse_body(bytes(entry.request_body), summary.content_type.encode("latin-1", "replace"))
    plan = Plan(namespace=summary.namespace, sample=summary.sample)
    return nearest_stored(inspector, source, request, body, plan, other_than=entry.key)


def _key_of(request: dict[str, Any], options: KeyOptions) -> str:
    body = request.get("body", "")
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return make_key(request.get("method", "POST"), request["url"], request.get("headers") or {}, content, options=options)


def _line(options: KeyOptions) -> str:
    changed = [f"{name}={value!r}" for name, value in _given(options).items()]
    return f"KeyOptions({', '.join(changed)})"


def _given(options: KeyOptions) -> dict[str, Any]:
    names = ("ignore_body", "ignore_query", "headers", "host")
    return {name: getattr(options, name) for name in names if getattr(options, name) != getattr(DEFAULT_KEY, name)}


def _options(form: dict[str, str]) -> KeyOptions:
    """Return the options of the form. Raises ``ConfigError`` if they are invalid."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(form.get(name, "").replace(",", " ").split())

    return replace(DEFAULT_KEY, ignore_body=words("ignore_body"), ignore_query=words("ignore_query"), host=not form.get("any_host"))


async def _show(inspector: Inspector, request: Request) -> Response:
    form = dict(request.query_params) | dict(await form_of(request))
    if number := form.get("trial"):
        if (trial := inspector.trials.get(number)) is None:
            raise HTTPException(404, "This trial of key options is no longer kept: try them again.")
        form = {**trial.form, "trial": number}
    return await run_in_threadpool(_page, inspector, request, form)


def _page(inspector: Inspector, request: Request, form: dict[str, str]) -> Response:
    values: dict[str, Any] = {
        "form": form,
        "problem": "",
        "explanation": None,
        "nearest": None,
        "trial": None,
        "number": "",
        "line": "",
        "lines": "",
        "about": None,
        "nearest_address": "",
    }
    try:
        values |= _explained(inspector, form)
    except (ValueError, ConfigError) as error:
        values["problem"] = str(error)
    return inspector.page(request, "explain.html", "explain", recent=inspector.misses.latest(), **values)


def _explained(inspector: Inspector, form: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    source = inspector.source(form.get("source") or (form.get("x", "").partition("/")[0] or inspector.sources[0].id))
    pasted: dict[str, Any] | None = None
    if text := form.get("request", "").strip():
        pasted = parsed_request(text)
        values["explanation"] = explanation = source.explain(pasted, partial(nearest_stored, inspector, source))
        values["nearest"] = explanation.nearest
        body = pasted.get("body", "")
        after = body if isinstance(body, str) else json.dumps(body)
        if explanation.nearest:
            values["lines"] = line_diff(pretty(explanation.nearest.entry.request_body), pretty(after.encode("utf-8", "replace")))
    elif name := form.get("x"):
        _, ref, entry = inspector.entry(*name.partition("/")[::2])
        values |= {"about": (source, ref, entry), "nearest": _nearest_other(inspector, source, entry)}
        if values["nearest"]:
            values["lines"] = line_diff(pretty(values["nearest"].entry.request_body), pretty(entry.request_body))
    if form.get("ignore_body") or form.get("ignore_query") or form.get("any_host"):
        values |= _tried(inspector, source, form, pasted)
    if found := values.get("nearest"):
        values["nearest_address"] = _address(inspector, source, found.entry)
    return {**values, "chosen": source}


def _tried(inspector: Inspector, source: Source, form: dict[str, str], pasted: dict[str, Any] | None) -> dict[str, Any]:
    """Return the progress of the trial of the form's options, starting it unless the form names a running one."""
    options = _options(form)
    number = form.pop("trial", "") or inspector.trials.begin(source, options, _key_of(pasted, options) if pasted else "", dict(form))
    return {"trial": inspector.trials.get(number), "number": number, "line": _line(options)}


def _address(inspector: Inspector, source: Source, entry: Entry) -> str:
    """Return the address of a stored exchange; empty if the index does not know it yet."""
    rows = inspector.index.query(
        "SELECT ref FROM rows WHERE source = ? AND key = ? AND stored_at = ? LIMIT 1", (source.id, entry.key, entry.stored_at)
    )
    return address("x", source.id, rows[0][0]) if rows else ""


ROUTES = (Page("/explain", _show, ("GET", "POST")),)
