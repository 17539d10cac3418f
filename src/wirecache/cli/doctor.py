"""``wirecache doctor``: checks the installation and says what to do about problems."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import typer

from wirecache import Cache, ConfigError, __version__
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.quantity import quantity
from wirecache._settings.files import file_settings, settings_file
from wirecache._settings.sources import source_of
from wirecache._views.formats import format_duration
from wirecache.cli._doctor_finding import Finding
from wirecache.cli._doctor_sdks import sdk_findings
from wirecache.cli._doctor_store import store_findings
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._terminal import print_json, print_text

__all__ = ["command"]

SETTINGS = ("mode", "store", "ttl", "namespace", "streams", "keep_stale", "stale_if_error")


def command(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check the installation: SDKs and their HTTP libraries, settings and where each comes from, and whether the store works.

    Prints what to do about each problem, and exits with 1 if there is one.
    """
    findings = [Finding("wirecache", "version", f"{__version__}, Python {platform.python_version()}"), *sdk_findings()]
    try:
        with Cache(store) as cache:
            findings += _settings_findings(cache, store, file_settings())
            findings += store_findings(cache.store)
    except ConfigError as error:
        findings.append(Finding("settings", "wrong", "", str(error), "correct it where it is set"))
    except ImportError as error:
        findings.append(Finding("store", "needs", "", str(error), "install it"))
    problems = sum(finding.problem is not None for finding in findings)
    if as_json:
        print_json({"ok": not problems, "findings": [finding._asdict() for finding in findings]})
    else:
        _print(findings)
        print_text(f"{quantity(problems, 'problem')}." if problems else "No problems.")
    if problems:
        raise typer.Exit(1)


def _settings_findings(cache: Cache, store: str | None, from_file: Mapping[str, Any]) -> list[Finding]:
    """Return each setting with its value and source. ``store``: that of the command line."""
    file = settings_file()
    findings = [Finding("settings", "file", str(file) if file else "none in this directory or above it")]
    values: dict[str, Any] = {name: getattr(cache.plan, name, None) for name in SETTINGS}
    values |= {"mode": cache.mode.value, "streams": cache.plan.streams.value, "store": cache.store}
    for name in SETTINGS:
        source = "--store" if name == "store" and store is not None else source_of(name, from_file)
        if name == "store" and source == "default" and os.environ.get("WIRECACHE_DIR"):
            source = "WIRECACHE_DIR"
        value = redacted_text(_value_text(values[name]))
        findings.append(Finding("settings", name, f"{value} (from {file if source == 'file' else source})"))
    return findings


def _value_text(value: Any) -> str:
    if value is None:
        return "forever"  # only durations can be None
    return format_duration(value) if isinstance(value, float) else str(value) or "none"


def _print(findings: list[Finding]) -> None:
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            print_text(topic)
        print_text(f"  {'!' if finding.problem else ' '} {finding.name:<16} {finding.value}")
        if finding.problem:
            print_text(f"      {finding.problem}")
            print_text(f"      -> {finding.advice}")
