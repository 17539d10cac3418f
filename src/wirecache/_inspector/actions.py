"""The actions on exchanges: discard, pin, edit and export. Each change asks for confirmation, and can be undone while the server runs."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from wirecache._core.messages import Entry
from wirecache._core.quantity import quantity
from wirecache._inspector.inspector import Inspector, Page, form_of
from wirecache._inspector.source import Source
from wirecache._inspector.sources import Cassettes
from wirecache.cassette import SCHEMA_NAME, file_name, from_text, schema_text, to_text
from wirecache.errors import CassetteError

__all__ = ["ROUTES", "Done", "remember"]

MOST = 500  # exchanges at once
UNDOABLE = 50  # actions

_QUESTIONS = {
    "discard": "Discard {}? The next equal call goes to the provider.",
    "pin": "Pin {}? A pinned entry is never stale, never expires, and no size limit drops it (except a Redis server's).",
    "edit": "Edit the file of {}.",
}


class Done(NamedTuple):
    """A completed action, and how to undo it."""

    text: str
    undo: Callable[[], None]


def _chosen(inspector: Inspector, names: list[str]) -> list[tuple[Source, str, Entry]]:
    """Return the exchanges of these names, or end the request with an error."""
    if not names:
        raise HTTPException(400, "Nothing was chosen. Select exchanges in the list first.")
    if len(names) > MOST:
        raise HTTPException(400, f"{len(names)} exchanges were chosen; at most {MOST} at once.")
    return [inspector.entry(*name.partition("/")[::2]) for name in names]


def _ask(inspector: Inspector, request: Request) -> Response:
    action, names = request.query_params.get("do", ""), request.query_params.getlist("x")
    if action == "compare":
        return RedirectResponse(f"/diff?{urlencode([('x', name) for name in names])}", status_code=303)
    chosen = _chosen(inspector, names)
    if action == "export":
        return _exported(chosen)
    if action not in _QUESTIONS or inspector.read_only:
        raise HTTPException(403 if inspector.read_only else 400, "These pages are read only." if inspector.read_only else "No such action.")
    text = chosen[0][0].text_of(chosen[0][1]) if action == "edit" and isinstance(chosen[0][0], Cassettes) else None
    return _question(inspector, request, action, chosen, text)


def _question(
    inspector: Inspector, request: Request, action: str, chosen: list[tuple[Source, str, Entry]], text: str | None, problem: str = ""
) -> Response:
    question = _QUESTIONS[action].format(quantity(len(chosen), "exchange"))
    return inspector.page(request, "action.html", "exchanges", action=action, question=question, chosen=chosen, text=text, problem=problem)


async def _do(inspector: Inspector, request: Request) -> Response:
    form = await form_of(request)
    action, names = dict(form).get("do", ""), [value for name, value in form if name == "x"]
    if inspector.read_only:
        raise HTTPException(403, "These pages are read only.")
    return await run_in_threadpool(_done, inspector, request, action, names, dict(form).get("text", ""))


def _done(inspector: Inspector, request: Request, action: str, names: list[str], text: str) -> Response:
    chosen = _chosen(inspector, names)
    if action == "edit":
        return _edited(inspector, request, chosen, text.replace("\r\n", "\n"))
    if action not in ("discard", "pin"):
        raise HTTPException(400, "No such action.")
    if action == "pin":
        chosen = [each for each in chosen if not each[0].is_cassette]  # recordings are never stale
    words = {"discard": "discarded", "pin": "pinned"}[action]
    remember(inspector, f"{quantity(len(chosen), 'exchange')} {words}.", chosen)
    for source, ref, entry in chosen:
        if action == "discard":
            source.drop(ref)
        else:
            source.pin(ref, entry)
        inspector.indexer.refresh(source, ref)
    return RedirectResponse("/", status_code=303)


def _edited(inspector: Inspector, request: Request, chosen: list[tuple[Source, str, Entry]], text: str) -> Response:
    source, ref, entry = chosen[0]
    if not isinstance(source, Cassettes):
        raise HTTPException(400, "Only recordings of cassettes can be edited.")
    try:
        from_text(text, ref)
    except CassetteError as error:
        return _question(inspector, request, "edit", chosen, text, str(error))
    remember(inspector, "1 recording edited.", [(source, ref, entry)])
    source.put_text(ref, text)
    inspector.indexer.refresh(source, ref)
    return RedirectResponse(f"/x/{source.id}/{ref}", status_code=303)


def _text_of(source: Source, ref: str) -> str | None:
    return source.text_of(ref) if isinstance(source, Cassettes) else None


_lock = threading.Lock()


def remember(inspector: Inspector, text: str, chosen: Sequence[tuple[Source, str, Entry]]) -> None:
    """Remember the exchanges before they are changed, so that this can be undone. ``text``: a description of the change."""
    before = [(source, ref, entry, _text_of(source, ref)) for source, ref, entry in chosen]

    def undo() -> None:
        for source, ref, entry, file in before:
            if isinstance(source, Cassettes) and file is not None:
                source.put_text(ref, file)
            else:
                source.put(ref, entry)
            inspector.indexer.refresh(source, ref)

    with _lock:
        inspector.done.append(Done(text, undo))
        del inspector.done[:-UNDOABLE]


def _undo(inspector: Inspector, request: Request) -> Response:
    if inspector.read_only:
        raise HTTPException(403, "These pages are read only.")
    with _lock:
        done = inspector.done.pop() if inspector.done else None
    if done is not None:
        done.undo()
    return RedirectResponse("/", status_code=303)


def _exported(chosen: list[tuple[Source, str, Entry]]) -> Response:
    """Return the exchanges as the files of a cassette, without their secrets, in one archive."""
    data, used = io.BytesIO(), set[str]()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for _, _, entry in chosen:
            number = 1
            while (name := file_name(entry, number)) in used:
                number += 1
            used.add(name)
            archive.writestr(f"cassette/{name}", to_text(entry))
        archive.writestr(f"cassette/{SCHEMA_NAME}", schema_text())
    headers: dict[str, Any] = {"content-disposition": 'attachment; filename="cassette.zip"'}
    return Response(data.getvalue(), media_type="application/zip", headers=headers)


ROUTES = (Page("/actions", _ask), Page("/actions", _do, ("POST",)), Page("/undo", _undo, ("POST",)))
