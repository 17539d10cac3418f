"""The control endpoints below ``/-/wirecache/``: health, metrics, misses, and which cassette answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from wirecache._core.version import __version__
from wirecache._proxy.cassettes import Cassettes
from wirecache._proxy.clients import Clients
from wirecache._proxy.metrics import CONTENT_TYPE, Families, Metrics, text_of
from wirecache._proxy.refusals import Refused
from wirecache._proxy.worker_metrics import WorkerMetrics
from wirecache._runtime.beside_loop import run_beside_loop

__all__ = ["HEALTH", "PREFIX", "Control"]

PREFIX = "/-/wirecache"
HEALTH = frozenset({f"{PREFIX}/health", f"{PREFIX}/ready"})  # these need no token, since they reveal nothing
LONGEST_BODY = 65536  # bytes


class Control:
    """The control endpoints. ``is_stopping``: the server takes no new calls."""

    def __init__(self, cassettes: Cassettes, metrics: Metrics, clients: Clients) -> None:
        self._cassettes = cassettes
        self._metrics = metrics
        self._clients = clients
        self.is_stopping = False
        self._worker: WorkerMetrics | None = None

    def share(self, folder: Path, number: int) -> WorkerMetrics:
        """Start sharing the numbers with other workers, and return what does it. ``folder``, ``number``: see ``WorkerMetrics``."""
        self._worker = WorkerMetrics(folder, number, self._families)
        self._metrics.on_change = self._worker.changed
        return self._worker

    def _families(self) -> Families:
        """Return the metrics of this process. Waits for pending writes."""
        cache: Any = self._cassettes.root
        return self._metrics.families(cache.stats)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route(f"{PREFIX}/health", self._health),
            Route(f"{PREFIX}/ready", self._ready),
            Route(f"{PREFIX}/metrics", self._text),
            Route(f"{PREFIX}/calls", self._calls),
            Route(f"{PREFIX}/misses", self._misses),
            Route(f"{PREFIX}/cassette/start", self._start, methods=["POST"]),
            Route(f"{PREFIX}/cassette/stop", self._stop, methods=["POST"]),
        ]

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def _ready(self, request: Request) -> Response:
        return JSONResponse({"status": "stopping"}, 503) if self.is_stopping else JSONResponse({"status": "ready"})

    async def _text(self, request: Request) -> Response:
        families = await run_beside_loop(self._families if self._worker is None else self._worker.total)
        return PlainTextResponse(text_of(families), media_type=CONTENT_TYPE)

    async def _calls(self, request: Request) -> Response:
        calls = self._metrics.open_calls()
        rows = [
            {"method": call.method, "upstream": call.upstream, "status": call.status, "seconds": round(call.seconds, 3), "sent": call.sent}
            for call in calls
        ]
        return JSONResponse({"open": rows})

    async def _misses(self, request: Request) -> Response:
        return JSONResponse({"misses": [miss._asdict() for miss in self._cassettes.misses.misses()]})

    async def _start(self, request: Request) -> Response:
        name = await _name_in(request)
        if not name:
            raise Refused(400, "no_name", 'give the name of the cassette: {"name": "tests/agent"}, or ?name=tests/agent')
        cassette = await self._cassettes.start(name)
        return JSONResponse({"name": name, "record_mode": cassette.record_mode.value})

    async def _stop(self, request: Request) -> Response:
        name = await _name_in(request) or self._cassettes.current
        if not name:
            raise Refused(404, "cassette_not_open", "no cassette was started")
        cassette, report = await self._cassettes.stop(name)
        await self._clients.forget(cassette)
        counts = {"replayed": report.replayed, "recorded": report.recorded, "live": report.live}
        fork = {"child": report.child, "live_from_step": report.live_from} if report.child else {}
        return JSONResponse({"name": name, **counts, "missing": list(report.missing), "unused": list(report.unused), **fork})


async def _name_in(request: Request) -> str | None:
    """Return the name in the query, else in the JSON body, else None."""
    if name := parse_qs(request.url.query).get("name"):
        return name[0]
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise Refused(413, "body_size", "the body is too large")
    if not body:
        return None
    try:
        value = json.loads(body)
        found = value.get("name") if isinstance(value, dict) else None
    except ValueError:
        raise Refused(400, "not_json", 'the body must be JSON such as {"name": "tests/agent"}') from None
    if found is not None and not isinstance(found, str):
        raise Refused(400, "no_name", "name must be a text")
    return found
