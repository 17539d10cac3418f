"""What was measured, as JSON beside this module: rows that are measured again replace those that are there."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "add_row", "load", "save"]

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = [
    "openai", "httpx", "httpx2", "diskcache", "redis", "instructor", "langchain-core", "langchain-community", "langchain-openai", "litellm",
    "hishel", "vcrpy", "cassetter", "agentrec", "requests-cache",
]  # fmt: skip


def load(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured so far."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {"rows": {}}


def add_row(results: dict[str, Any], name: str, figures: dict[str, Any]) -> None:
    """Put a row in the place of an earlier one."""
    results["rows"][name] = {"date": datetime.now(UTC).date().isoformat(), "figures": figures}


def save(results: dict[str, Any], missing: dict[str, str], path: Path = RESULTS) -> None:
    """Write all rows, with where they were measured."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    results |= {"machine": machine(), "load": load_average(), "versions": versions, "missing": missing}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


def load_average() -> int:
    """Return how many programs have wanted a processor in the last quarter of an hour; 0 where the system does not say."""
    return round(os.getloadavg()[2]) if hasattr(os, "getloadavg") else 0


def machine() -> str:
    """Return what kind of machine this is, without its name."""
    cpus = Path("/proc/cpuinfo")
    virtual = cpus.exists() and "hypervisor" in cpus.read_text("utf-8")
    return f"{os.cpu_count()} cores{', virtual' if virtual else ''}, {platform.system()}, Python {platform.python_version()}"
