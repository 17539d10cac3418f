"""The version of the cassette format, and its schema."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, TypeAlias

__all__ = ["FORMAT", "SCHEMA_NAME", "FormatVersion", "schema_text"]

FormatVersion: TypeAlias = Literal[1]
FORMAT: FormatVersion = 1

SCHEMA_NAME = "cassette.schema.json"  # beside the files, so that editors find it offline


def schema_text() -> str:
    """Return the JSON Schema of a file, to be written beside the files, where their ``$schema`` refers to."""
    return files("wirecache.cassette").joinpath(SCHEMA_NAME).read_text("utf-8")
