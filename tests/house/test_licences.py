"""Whoever installs wirecache, with all extras, gets packages under permissive licences only."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement

# What a licence is called: in an expression (PEP 639), in a classifier, or in the field that came before both.
PERMISSIVE = re.compile(
    "0BSD|Apache|BSD|ISC|MIT( License)?$|MIT-0|MIT No Attribution|PSF-2|Python Software Foundation License|Unlicense|ZPL"
)
WEAK = {"certifi": "Mozilla Public License 2.0 (MPL 2.0)"}  # a copyleft of its own files, which nobody changes


def licence_of(package: metadata.Distribution) -> str:
    """Return what a package says that its licence is, as an expression; of several classifiers one can be chosen."""
    fields = package.metadata
    classifiers = [value.rpartition(" :: ")[2] for value in fields.get_all("Classifier") or () if value.startswith("License :: ")]
    return fields.get("License-Expression") or " OR ".join(classifiers) or fields.get("License") or "none"


def is_permissive(expression: str) -> bool:
    """Return whether all that must be obeyed together is permissive."""
    parts = expression.replace("(", "").replace(")", "").split(" AND ")
    return all(any(PERMISSIVE.match(choice) for choice in part.split(" OR ")) for part in parts)


def installed_with(name: str, extras: frozenset[str]) -> dict[str, metadata.Distribution]:
    """Return the package and all that it needs, as far as it is installed here."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system or version of Python
            continue
        if name in found and not extras:
            continue
        found[name] = package
        for requirement in map(Requirement, package.requires or ()):
            applies = requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""})
            if applies and requirement.name.lower() not in found:
                waiting.append((requirement.name.lower(), frozenset(requirement.extras)))
    return found


def test_all_licences_are_permissive() -> None:
    packages = installed_with("wirecache", frozenset({"httpx2", "redis", "cli", "prices", "otel", "encryption", "serve", "ui"}))
    assert {"httpx", "hishel", "pydantic", "diskcache", "redis", "cryptography", "starlette"} <= packages.keys()
    licences = {name: licence_of(package) for name, package in packages.items()}
    assert {name: licence for name, licence in licences.items() if not is_permissive(licence) and licence != WEAK.get(name)} == {}


def test_what_must_be_obeyed_together_is_looked_at_together() -> None:
    assert is_permissive("MIT AND (Apache-2.0 OR GPL-3.0-only)")
    assert not is_permissive("MIT AND GPL-3.0-only")
