"""Cassettes: exchanges kept as files that people can read, and that replay byte for byte."""

from __future__ import annotations

from wirecache.cassette._file_format import SCHEMA_NAME, schema_text
from wirecache.cassette._file_names import file_name, short_key_of
from wirecache.cassette._file_reader import Recording, from_text
from wirecache.cassette._file_writer import to_text
from wirecache.cassette._store import CassetteStore

__all__ = ["SCHEMA_NAME", "CassetteStore", "Recording", "file_name", "from_text", "schema_text", "short_key_of", "to_text"]
