"""``wirecache doctor``: is all as it should be here, and if not, what is to be done?"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import typer

from wirecache import Cache, ConfigError, __version__
from wirecache._core.privacy.patterns import redacted_text
from wirecache._settings.files import file_settings, settings_file
from wirecache._settings.sources import source_of
from wirecache.cli._finding import Finding
from wirecache.cli._places import store_findings
from wirecache.cli._sdks import sdk_findings
from wirecache.cli._stores import Store
from wirecache.cli._terminal import AsJson, ago, counted, print_json

__all__ = ["command"]

SETTINGS = ("mode", "store", "ttl", "namespace", "streams", "keep_stale", "stale_if_error")


def command(store: Store = None, as_json: AsJson = False) -> None:
    """Look at the installation: SDKs and their HTTP libraries, settings and where each comes from, and whether the store works.

    Says what to do for each problem, and exits with 1 if there is one.
    """
    found = [Finding("wirecache", "version", f"{__version__}, Python {platform.python_version()}"), *sdk_findings()]
    try:
        cache = Cache(store)
        found += _settings(cache, store, file_settings())
        found += store_findings(cache.store)
        cache.close()
    except ConfigError as error:
        found.append(Finding("settings", "wrong", "", str(error), "correct it there"))
    except ImportError as error:
        found.append(Finding("store", "needs", "", str(error), "install it"))
    problems = [finding for finding in found if finding.problem is not None]
    if as_json:
        print_json({"ok": not problems, "findings": [finding._asdict() for finding in found]})
    else:
        _print(found)
        typer.echo(f"{counted(len(problems), 'problem')}." if problems else "No problem.")
    if problems:
        raise typer.Exit(1)


def _settings(cache: Cache, store: str | None, file: Mapping[str, Any]) -> list[Finding]:
    """Each setting, and where it comes from."""
    where = settings_file()
    found = [Finding("settings", "file", str(where) if where else "none found from here upwards")]
    values: dict[str, Any] = {name: getattr(cache.plan, name, None) for name in SETTINGS}
    values |= {"mode": cache.mode.value, "streams": cache.plan.streams.value, "keep_stale": cache.keep_stale, "store": cache.store}
    for name in SETTINGS:
        source = "--store" if name == "store" and store is not None else source_of(name, file)
        if name == "store" and source == "default" and os.environ.get("WIRECACHE_DIR"):
            source = "WIRECACHE_DIR"
        told = str(where) if source == "file" else source
        found.append(Finding("settings", name, f"{redacted_text(_told(values[name]))} (from {told})"))
    return found


def _told(value: Any) -> str:
    if value is None:
        return "for ever"
    return ago(value) if isinstance(value, float) else str(value) or "none"


def _print(found: list[Finding]) -> None:
    topic = ""
    for finding in found:
        if finding.topic != topic:
            topic = finding.topic
            typer.echo(topic)
        typer.echo(f"  {'!' if finding.problem else ' '} {finding.name:<16} {finding.value}")
        if finding.problem:
            typer.echo(f"      {finding.problem}")
            typer.echo(f"      -> {finding.advice}")
