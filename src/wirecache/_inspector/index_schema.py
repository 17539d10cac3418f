"""The schema of the index's database."""

from __future__ import annotations

from typing import NamedTuple

from wirecache._core.compare.nearest import path_of

__all__ = ["COLUMNS", "CREATE", "INSERT", "IndexRow", "place_of"]

# by_time covers every column that the list is filtered and sorted by, so that the rows, twenty times as large, need not be read.
CREATE = """
PRAGMA temp_store = MEMORY;
CREATE TABLE rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT, ref TEXT, key TEXT, stored_at REAL, expires_at REAL,
  method TEXT, url TEXT, host TEXT, endpoint TEXT, model TEXT, namespace TEXT, sample INTEGER, status INTEGER,
  stream INTEGER, test TEXT, prompt TEXT, answer TEXT, input INTEGER, output INTEGER, tokens INTEGER, usage TEXT,
  cost REAL, seconds REAL, size INTEGER, hits INTEGER, chain BLOB, answer_id TEXT, previous_id TEXT,
  place TEXT, priced INTEGER DEFAULT 0, chain_end BLOB GENERATED ALWAYS AS (substr(chain, -8)) STORED
);
CREATE INDEX by_chain ON rows (chain_end);
CREATE INDEX by_model ON rows (model);
CREATE INDEX by_endpoint ON rows (endpoint);
CREATE INDEX by_host ON rows (host);
CREATE INDEX by_test ON rows (test);
CREATE INDEX by_namespace ON rows (namespace);
CREATE TABLE names (name TEXT, value TEXT);
CREATE TEMP TABLE matches (id INTEGER PRIMARY KEY);
CREATE UNIQUE INDEX by_ref ON rows (source, ref);
CREATE INDEX by_time ON rows (
  stored_at, source, model, endpoint, host, test, namespace, status, expires_at, hits, tokens, cost, seconds, size
);
CREATE INDEX by_prompt ON rows (source, place, prompt);
CREATE INDEX by_beginning ON rows (source, place, substr(chain, 1, 256));
CREATE INDEX by_priced ON rows (priced, stored_at);
CREATE VIRTUAL TABLE texts USING fts5 (prompt, answer, tools, content='', tokenize='unicode61 remove_diacritics 2', prefix='2 3');
"""


class IndexRow(NamedTuple):
    """An exchange as shown in the list. Times in seconds since the epoch, ``cost`` in dollars (None: no price is known)."""

    source: str
    ref: str
    key: str
    stored_at: float
    expires_at: float | None
    method: str
    url: str
    host: str
    endpoint: str
    model: str
    namespace: str
    sample: int
    status: int
    stream: int
    test: str
    prompt: str
    answer: str
    input: int | None
    output: int | None
    tokens: int | None
    usage: str
    cost: float | None
    seconds: float
    size: int
    hits: int
    chain: bytes
    answer_id: str
    previous_id: str


def place_of(method: str, url: str) -> str:
    """Return the method and path, which requests must have in common to be compared with each other."""
    return f"{method} {path_of(url)}"


COLUMNS = ", ".join(IndexRow._fields)
INSERT = f"INSERT INTO rows ({COLUMNS}, place) VALUES ({', '.join('?' * (len(IndexRow._fields) + 1))})"
