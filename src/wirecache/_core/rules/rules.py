"""The user's rules: which requests are included or excluded, and how long their answers are fresh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import translate
from functools import lru_cache

from wirecache._core.messages import Request
from wirecache._core.rules.freshness import parse_ttl
from wirecache._core.unset import UNSET, Ttl, Unset

__all__ = ["Rule", "rule_for_model", "rules_for"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting for the requests that match. The first matching rule applies.

    ``method``, ``host``, ``path``, ``model``: globs (``*`` matches anything). ``cache``: False excludes an endpoint; True includes one that
    the built-in table lacks, if the rule gives its path. ``ttl``: how long answers are fresh (default: the cache's ttl).
    """

    method: str = "POST"
    host: str = "*"
    path: str = "*"
    model: str = "*"
    cache: bool = True
    ttl: float | str | timedelta | Unset | None = UNSET

    def __post_init__(self) -> None:
        """Convert the ttl to seconds. Raises ``ValueError`` if it is not a duration."""
        if self.ttl is not UNSET:
            object.__setattr__(self, "ttl", parse_ttl(self.ttl))

    @property
    def ttl_seconds(self) -> Ttl:
        """Return the ttl in seconds, None for ever, ``UNSET`` if the rule has none."""
        return self.ttl if not isinstance(self.ttl, (str, timedelta)) else parse_ttl(self.ttl)

    @property
    def opens(self) -> bool:
        """Whether it includes an endpoint that the built-in table lacks."""
        return self.cache and self.path != "*"


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))


def _matches(glob: str, text: str) -> bool:
    return glob == "*" or _pattern(glob).match(text) is not None


def rules_for(rules: Sequence[Rule], request: Request) -> list[Rule]:
    """Return the rules that match method, host and path; which of them applies may depend on the model."""
    path = request.path.decode("latin-1")
    return [
        rule
        for rule in rules
        if _matches(rule.method.upper(), request.method) and _matches(rule.host.lower(), request.host.lower()) and _matches(rule.path, path)
    ]


def rule_for_model(rules: Sequence[Rule], model: str | None) -> Rule | None:
    """Return the first of the rules that matches the model, or None."""
    return next((rule for rule in rules if _matches(rule.model, model or "")), None)
