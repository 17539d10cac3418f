"""All targets, by name."""

from __future__ import annotations

from tests.fuzz import cassettes, events, frames, http_fields, keys, setting_texts
from tests.fuzz.target import Target
from tests.models import budgets, collapsing, recording

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (keys, frames, cassettes, events, http_fields, setting_texts, budgets, collapsing, recording)
    for target in module.TARGETS
}
