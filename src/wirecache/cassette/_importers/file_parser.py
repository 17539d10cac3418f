"""What does the file of another recorder say: JSON, TOML or YAML, and never code?"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from wirecache.errors import CassetteError, CassetteFormatError

__all__ = ["FORMATS", "loaded"]

FORMATS = "cassettes of wirecache (JSON), of vcrpy and pytest-recording (YAML, JSON) and of cassetter (YAML, TOML) are read"

# cassetter writes YAML 1.2, where a plain 12:30 is a text; vcrpy writes YAML 1.1, where a plain 5e1234 is one.
_BY_CASSETTER = re.compile(r"^  recorded_at: ", re.MULTILINE)
_SCALARS = (  # YAML 1.2, section 10.3.2: the plain scalars that are no text, and the characters they begin with
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", "nN~"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


def loaded(path: Path) -> Any:
    """What the file says; ``CassetteFormatError`` if it is none of these formats."""
    try:
        text = path.read_text("utf-8-sig")
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text)
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text)
        return _yaml(text)
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise CassetteFormatError(f"{path} cannot be read: {why}. Only {FORMATS}") from error


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise CassetteError("PyYAML is needed to read a cassette in YAML: pip install 'wirecache[cli]'") from None
    try:
        return yaml.load(text, _loader(core=_BY_CASSETTER.search(text) is not None))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


@cache
def _loader(*, core: bool) -> Any:
    """PyYAML's safe loader, in C if there is one. ``core``: it takes plain scalars as YAML 1.2 does.

    vcrpy's own tags for texts, tuples, buffers and iterators are read as what they hold; no other object is ever made.
    """
    import yaml

    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("Loader", (safe,), {"yaml_implicit_resolvers": {}} if core else {})
    for name, pattern, first in _SCALARS if core else ():
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"(?:{pattern})\Z"), [*first])
    if core:
        loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
        loader.add_constructor("tag:yaml.org,2002:int", lambda made, node: int(made.construct_scalar(node)))
        loader.add_constructor("tag:yaml.org,2002:float", lambda made, node: float(made.construct_scalar(node)))
    for tag in ("str", "unicode"):
        loader.add_constructor(f"tag:yaml.org,2002:python/{tag}", lambda made, node: made.construct_scalar(node))
    loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda made, node: made.construct_sequence(node, deep=True))
    loader.add_constructor("tag:yaml.org,2002:python/object/new:_io.BytesIO", lambda made, node: _first_of(made, node, "state"))
    loader.add_constructor("tag:yaml.org,2002:python/object/apply:builtins.iter", lambda made, node: _first_of(made, node, "args"))
    return loader


def _first_of(loader: Any, node: Any, member: str) -> Any:
    """What a buffer or an iterator held: the first item of that member of what vcrpy wrote."""
    held = loader.construct_mapping(node, deep=True).get(member)
    return held[0] if held else b""
