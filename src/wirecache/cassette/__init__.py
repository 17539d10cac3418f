"""How is an exchange kept as a file that people read, and that replays byte for byte?"""

from __future__ import annotations

from wirecache.cassette._file import Recording, from_text, schema_text, to_text
from wirecache.cassette._file_names import SCHEMA_NAME, file_name, short_key_of
from wirecache.cassette._store import CassetteStore

__all__ = ["SCHEMA_NAME", "CassetteStore", "Recording", "file_name", "from_text", "schema_text", "short_key_of", "to_text"]
