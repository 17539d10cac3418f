"""Parses the files of other recorders: JSON, TOML or YAML, and never code."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from wirecache.cassette._file_text import text_in
from wirecache.cassette._git_lfs import refuse_pointer
from wirecache.errors import CassetteError, CassetteFormatError

__all__ = ["READABLE_FORMATS", "parse_file"]

READABLE_FORMATS = "cassettes of wirecache (JSON), of vcrpy and pytest-recording (YAML, JSON) and of cassetter (YAML, TOML) can be read"

# cassetter writes YAML 1.2, where a plain 12:30 is a string; vcrpy writes YAML 1.1, where a plain 5e1234 is one.
_BY_CASSETTER = re.compile(r"^  recorded_at: ", re.MULTILINE)
_SCALARS = (  # YAML 1.2, section 10.3.2: the plain scalars that are not strings, and the characters they begin with
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", "nN~"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


def parse_file(path: Path) -> Any:
    """Return the content of the file. Raises ``CassetteFormatError`` if it is in none of these formats."""
    try:
        text = text_in(path, "utf-8-sig")
        refuse_pointer(text, str(path))
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text)
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text)
        return _yaml(text)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CassetteFormatError(f"{path} cannot be read: {reason}. Only {READABLE_FORMATS}") from error


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise CassetteError("PyYAML is needed to read a cassette in YAML: pip install 'wirecache[cli]'") from None
    try:
        return yaml.load(text, _loader(yaml_1_2=_BY_CASSETTER.search(text) is not None))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


@cache
def _loader(*, yaml_1_2: bool) -> Any:
    """Return PyYAML's safe loader, in C if there is one. ``yaml_1_2``: it resolves plain scalars as YAML 1.2 does.

    vcrpy's tags for strings, tuples, buffers and iterators are read as their contents; no other objects are ever created.
    """
    import yaml

    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader_class: Any = type("Loader", (safe,), {"yaml_implicit_resolvers": {}} if yaml_1_2 else {})
    for name, pattern, first in _SCALARS if yaml_1_2 else ():
        loader_class.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"(?:{pattern})\Z"), [*first])
    if yaml_1_2:
        loader_class.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
        loader_class.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
        loader_class.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))
    for tag in ("str", "unicode"):
        loader_class.add_constructor(f"tag:yaml.org,2002:python/{tag}", lambda loader, node: loader.construct_scalar(node))
    loader_class.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node, deep=True))
    loader_class.add_constructor("tag:yaml.org,2002:python/object/new:_io.BytesIO", lambda yaml, node: _first_of(yaml, node, "state"))
    loader_class.add_constructor("tag:yaml.org,2002:python/object/apply:builtins.iter", lambda yaml, node: _first_of(yaml, node, "args"))
    return loader_class


def _first_of(loader: Any, node: Any, member: str) -> Any:
    """Return the content of a buffer or an iterator: the first item of that member in vcrpy's notation."""
    held = loader.construct_mapping(node, deep=True).get(member)
    return held[0] if held else b""
