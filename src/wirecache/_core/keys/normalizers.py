"""What do coding agents change in every call, though they ask for the same thing? A named normaliser leaves it out of the key.

Each row of the tables says where it was seen; only these are left out, and only if the user asks for it: what is left out here would
otherwise be a needless miss, and what is left out wrongly a wrong answer. The request that is sent is not changed.

Directories and ids are left out wherever they stand, and ``left_out`` says where that is: an answer that quotes them is replayed with
those of the request at hand, and the next request, which quotes that answer, is found, too. Dates are left out of the agent's own block
alone. They stay as they were recorded: in the next request they would count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

__all__ = ["BEFORE", "NORMALIZERS", "coding_agent", "left_out"]

# Members at the top of a body that name a session, an installation or a turn.
MEMBERS: Mapping[str, str] = {
    "metadata": "Claude Code 2.1.197: user_id with device_id and session_id (docs.anthropic.com: an opaque id of the user)",
    "client_metadata": "Codex 0.171.0: session, thread, turn and installation ids",
    "prompt_cache_key": "Codex 0.171.0: the session id (it chooses where the provider caches, not what it answers)",
}
# Members of the items of `input`.
ITEM_MEMBERS: Mapping[str, str] = {
    "internal_chat_message_metadata_passthrough": "Codex 0.171.0: the turn and when the message was made",
}
# Ids of items that the client made up: a UUID. Those of the provider have no hyphens, and `call_id` links items: both count.
CLIENT_ITEM_ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")  # Codex 0.171.0
# A part of the system prompt: `x-anthropic-billing-header: cc_version=...; cch=<nonce>;` (anthropics/claude-code#68900).
BILLING_LINE = "x-anthropic-billing-header:"
# Dates of the agent's own environment block, and what stands for them.
DATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(Today's date is )\d{4}-\d{2}-\d{2}"), r"\1<date>"),  # Claude Code 2.1.197, a reminder in the first message
    (re.compile(r"(The current month is )[A-Z][a-z]+ \d{4}"), r"\1<month>"),  # Claude Code 2.1.197, the tool WebSearch
    (re.compile(r"(<current_date>)[^<]*(</current_date>)"), r"\1<date>\2"),  # Codex 0.171.0, <environment_context>
    (re.compile(r"(Today's date(?: is|:) )[A-Z][a-z]{2,8},? [A-Z][a-z]{2,8} \d{1,2},? \d{4}"), r"\1<date>"),  # Gemini CLI, opencode
)
# What may stand before a directory: not the rest of a longer path (/home/me/tmp/x), but the end of a line in a JSON text within a text
# (\n/tmp/x), an option of a compiler (-I/tmp/x), and Gemini CLI's folder, in which a project's directory has the project's name.
BEFORE = r"(?:(?<![\w.~}-])|(?<=\\[nrt])|(?<=\s-[A-Z])|(?<=/\.gemini))"
# Directories that are made for one run. They count by order of appearance: which of them is meant still makes a difference.
_NAME = r"[\w.+-]*[\w+-]"  # the full stop of a sentence is none of it
TEMPORARY = re.compile(
    rf"{BEFORE}(?:/private)?/tmp/pytest-of-{_NAME}/pytest-\d+"  # pytest's, which are numbered
    rf"|{BEFORE}(?:/private)?/tmp/{_NAME}"  # Linux, macOS
    rf"|{BEFORE}(?:/private)?/var/folders/[\w+-]+/[\w+-]+/T/{_NAME}"  # macOS
    rf"|{BEFORE}[A-Za-z]:\\+(?:[^\\\s\"'`<>|]+\\+)*Temp\\+{_NAME}"  # Windows; in a JSON text within a text with more of them
)
FLATTENED = re.compile(r"(?<=/)-(?:private-)?tmp-[A-Za-z0-9-]+")  # Claude Code's name of a project: its path with hyphens
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")  # of a session, a turn


def coding_agent(value: Any) -> Any:
    """Return the body of a call without what Claude Code, Codex, Gemini CLI and opencode make up anew for each one."""
    return _Normalization().body(value) if isinstance(value, dict) else value


def left_out(value: Any) -> dict[str, str]:
    """Return the directories and ids that ``coding_agent`` leaves out of the body, each by its place (a JSON pointer and a number)."""
    normalization = _Normalization()
    if isinstance(value, dict):
        normalization.body(value)
    return normalization.places


class _Normalization:
    """The normalisation of one body. ``places``: what was left out where."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self._directories: dict[str, str] = {}  # what stands for each
        self._ids: dict[str, str] = {}

    def body(self, value: dict[str, Any]) -> Any:
        """Return the body without what is new in it each time."""
        for name in sorted(MEMBERS.keys() & value):
            self._note_ids(value[name], f"/{name}")
        kept = {name: member for name, member in value.items() if name not in MEMBERS}
        if isinstance(kept.get("system"), list):
            kept["system"] = [part for part in kept["system"] if not _is_billing(part)]
        if isinstance(kept.get("input"), list):
            kept["input"] = [_item(item) for item in kept["input"]]
        return self._texts(kept, "")

    def _note_ids(self, value: Any, place: str) -> None:
        """Note the ids in the value, which are left out of all texts."""
        if isinstance(value, str):
            for number, found in enumerate(UUID.findall(value)):
                self.places[f"{place}#{number}"] = found
                self._ids.setdefault(found, f"<id {len(self._ids) + 1}>")
        elif isinstance(value, dict):
            for name in sorted(value):
                self._note_ids(value[name], f"{place}/{name}")

    def _texts(self, value: Any, place: str) -> Any:
        """Return the value with its texts normalised, its members in the order of their names: how they are sent counts for nothing."""
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, dict):
            return {name: self._texts(value[name], f"{place}/{name}") for name in sorted(value)}
        return [self._texts(item, f"{place}/{number}") for number, item in enumerate(value)] if isinstance(value, list) else value

    def _text(self, text: str, place: str) -> str:
        for pattern, placeholder in DATES:
            text = pattern.sub(placeholder, text)
        places, numbers = self.places, count()

        def placed(match: re.Match[str]) -> str:
            places[f"{place}#{next(numbers)}"] = match[0]
            # Gemini CLI's name of a project is that of its directory in lower case, without hyphens at its ends.
            flat = re.sub(r"[^a-z0-9]+", "-", match[0].lower()).strip("-")
            return self._directories.setdefault(flat, f"<temporary directory {len(self._directories) + 1}>")

        text = FLATTENED.sub(placed, TEMPORARY.sub(placed, text))
        return UUID.sub(lambda match: self._ids.get(match[0], match[0]), text) if self._ids else text


def _is_billing(part: Any) -> bool:
    text = part.get("text") if isinstance(part, dict) else None
    return isinstance(text, str) and text.startswith(BILLING_LINE)


def _item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    made_up = isinstance(item.get("id"), str) and CLIENT_ITEM_ID.fullmatch(item["id"])
    return {name: value for name, value in item.items() if name not in ITEM_MEMBERS and not (made_up and name == "id")}


NORMALIZERS: Mapping[str, Callable[[Any], Any]] = {"coding-agent": coding_agent}
