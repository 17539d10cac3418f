"""Sends a stored request again, compares the answer with the stored one, and keeps it on request."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from wirecache._caches.cache import Cache
from wirecache._clients.select import cached_client
from wirecache._core.messages import Entry
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.rules.rules import Rule
from wirecache._inspector.actions import remember
from wirecache._inspector.compare import comparison
from wirecache._inspector.copy_as import headers_with_key
from wirecache._inspector.inspector import Inspector, Page, form_of
from wirecache._inspector.source import Source
from wirecache.stores import MemoryStore

__all__ = ["ROUTES", "key_variable", "sent_again"]

TIMEOUT = 600.0  # seconds, as in the SDKs
KEPT = 20  # latest answers that can still be kept

# The variable with the key for a host. The key is sent to that host only, by HTTPS, since somebody else's file may name any URL.
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "api.openai.com": ("OPENAI_API_KEY",),
    "api.anthropic.com": ("ANTHROPIC_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "api.groq.com": ("GROQ_API_KEY",),
    "api.mistral.ai": ("MISTRAL_API_KEY",),
    "api.cohere.com": ("CO_API_KEY",),
    "api.together.ai": ("TOGETHER_API_KEY",),
    "api.cerebras.ai": ("CEREBRAS_API_KEY",),
}


class _Candidate(NamedTuple):
    """An answer that can be kept in place of the stored one."""

    source: Source
    ref: str
    stored: Entry
    live: Entry


def key_variable(url: str) -> str | None:
    """Return the environment variable with the key for the URL's host, or None."""
    split = urlsplit(url)
    names = _VARIABLES.get(split.netloc.lower(), ()) if split.scheme == "https" else ()
    return next((name for name in names if os.environ.get(name)), None)


def sent_again(entry: Entry, key: str) -> Entry:
    """Send the request with this key, and return the exchange as it would be stored. Raises ``ValueError`` if it would not be."""
    request = entry.request
    rule = Rule(method=request.method, path=urlsplit(request.url).path or "/")
    cache = Cache(MemoryStore(), mode="refresh", ttl=None, streams="record", rules=[rule], header_options=False, namespace="")
    with cache, cached_client(cache, timeout=TIMEOUT, follow_redirects=False) as client:
        content = bytes(entry.request_body) or None
        try:
            response = client.request(request.method, request.url, headers=headers_with_key(entry, key), content=content)
        except Exception as error:
            raise ValueError(f"There was no answer: {redacted_text(f'{type(error).__name__}: {error}')}") from error
        cache.flush()
        live = next(iter(cache.entries()), None)
        if live is None:
            status = response.extensions.get("wirecache")
            text = redacted_text(response.text[:500])
            raise ValueError(f"The answer has status {response.status_code} and would not be stored ({status and status.detail}): {text}")
    return live._replace(key=entry.key, summary=entry.summary, request_body=entry.request_body, ttl=entry.ttl)


def _ask(inspector: Inspector, request: Request) -> Response:
    source, ref, entry = _chosen(inspector, request.query_params.get("x", ""))
    return _page(inspector, request, source, ref, entry)


def _page(inspector: Inspector, request: Request, source: Source, ref: str, entry: Entry, **values: Any) -> Response:
    shown = {"problem": "", "token": "", **values}
    variable = key_variable(entry.request.url)
    return inspector.page(request, "again.html", "exchanges", source=source, ref=ref, entry=entry, variable=variable, **shown)


async def _send(inspector: Inspector, request: Request) -> Response:
    form = dict(await form_of(request))
    return await run_in_threadpool(_sent, inspector, request, form.get("x", ""), form.get("key", "").strip())


def _sent(inspector: Inspector, request: Request, name: str, key: str) -> Response:
    source, ref, entry = _chosen(inspector, name)
    variable = key_variable(entry.request.url)
    try:
        live = sent_again(entry, key or (os.environ[variable] if variable else ""))
    except ValueError as error:
        return _page(inspector, request, source, ref, entry, problem=str(error))
    candidates: dict[str, _Candidate] = inspector.kept.setdefault("again", {})
    token = secrets.token_urlsafe(12)
    candidates[token] = _Candidate(source, ref, entry, live)
    while len(candidates) > KEPT:
        del candidates[next(iter(candidates))]
    return _page(inspector, request, source, ref, entry, token=token, live=live, **comparison(entry, live))


async def _keep(inspector: Inspector, request: Request) -> Response:
    form = dict(await form_of(request))
    return await run_in_threadpool(_kept, inspector, form.get("token", ""))


def _kept(inspector: Inspector, token: str) -> Response:
    _check_writable(inspector)
    candidate: _Candidate | None = inspector.kept.get("again", {}).pop(token, None)
    if candidate is None:
        raise HTTPException(404, "This answer is no longer there; send the request again.")
    source, ref, stored, live = candidate
    remember(inspector, "1 exchange recorded again.", [(source, ref, stored)])
    source.put(ref, live)
    inspector.indexer.refresh(source, ref)
    return RedirectResponse(f"/x/{source.id}/{ref}", status_code=303)


def _chosen(inspector: Inspector, name: str) -> tuple[Source, str, Entry]:
    _check_writable(inspector)
    return inspector.entry(*name.partition("/")[::2])


def _check_writable(inspector: Inspector) -> None:
    if inspector.read_only:
        raise HTTPException(403, "These pages are read only.")


ROUTES = (Page("/again", _ask), Page("/again", _send, ("POST",)), Page("/again/keep", _keep, ("POST",)))
