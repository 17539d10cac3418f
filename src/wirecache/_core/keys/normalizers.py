"""What do coding agents write into each call anew, though they ask the same? It is left out of the key by a normaliser with a name.

Each row of the tables says where it was seen; only these are left out, and only if the user asks for it: what is left out here would
otherwise be a needless miss, and what is left out wrongly a wrong answer. The request that is sent is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NORMALIZERS", "coding_agent"]

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
# What stands for what, in texts. Dates: only where the agent's own environment block has them.
TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(Today's date is )\d{4}-\d{2}-\d{2}"), r"\1<date>"),  # Claude Code 2.1.197, a reminder in the first message
    (re.compile(r"(The current month is )[A-Z][a-z]+ \d{4}"), r"\1<month>"),  # Claude Code 2.1.197, the tool WebSearch
    (re.compile(r"(<current_date>)[^<]*(</current_date>)"), r"\1<date>\2"),  # Codex 0.171.0, <environment_context>
    (re.compile(r"(Today's date(?: is|:) )[A-Z][a-z]{2,8},? [A-Z][a-z]{2,8} \d{1,2},? \d{4}"), r"\1<date>"),  # Gemini CLI, opencode
)
# Directories that are made for one run. They count by order of appearance: which of them is meant still makes a difference.
TEMPORARY = re.compile(
    r"(?:/private)?/tmp/pytest-of-[\w.+-]+/pytest-\d+"  # pytest's, which are numbered
    r"|(?:/private)?/tmp/[\w.+-]+"  # Linux, macOS
    r"|(?:/private)?/var/folders/[\w+-]+/[\w+-]+/T/[\w.+-]+"  # macOS
    r"|[A-Za-z]:\\(?:[^\\\s\"'`<>|]+\\)*Temp\\[\w.+-]+"  # Windows
)
FLATTENED = re.compile(r"(?<=/)-(?:private-)?tmp-[A-Za-z0-9-]+")  # Claude Code's name of a project: its path with hyphens


def coding_agent(value: Any) -> Any:
    """Return the body of a call without what Claude Code, Codex, Gemini CLI and opencode make up anew for each one."""
    if not isinstance(value, dict):
        return value
    kept = {name: member for name, member in value.items() if name not in MEMBERS}
    if isinstance(kept.get("system"), list):
        kept["system"] = [part for part in kept["system"] if not _is_billing(part)]
    if isinstance(kept.get("input"), list):
        kept["input"] = [_item(item) for item in kept["input"]]
    return _texts(kept, {})


def _is_billing(part: Any) -> bool:
    text = part.get("text") if isinstance(part, dict) else None
    return isinstance(text, str) and text.startswith(BILLING_LINE)


def _item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    made_up = isinstance(item.get("id"), str) and CLIENT_ITEM_ID.fullmatch(item["id"])
    return {name: value for name, value in item.items() if name not in ITEM_MEMBERS and not (made_up and name == "id")}


def _texts(value: Any, directories: dict[str, str]) -> Any:
    """Return the value with its texts normalised. ``directories``: the temporary ones so far, and what stands for each."""
    if isinstance(value, str):
        return _text(value, directories)
    if isinstance(value, dict):
        return {name: _texts(member, directories) for name, member in value.items()}
    return [_texts(item, directories) for item in value] if isinstance(value, list) else value


def _text(text: str, directories: dict[str, str]) -> str:
    for pattern, placeholder in TEXTS:
        text = pattern.sub(placeholder, text)

    def placed(match: re.Match[str]) -> str:
        # Gemini CLI's name of a project is that of its directory in lower case, without hyphens at its ends.
        flat = re.sub(r"[^a-z0-9]+", "-", match[0].lower()).strip("-")
        return directories.setdefault(flat, f"<temporary directory {len(directories) + 1}>")

    return FLATTENED.sub(placed, TEMPORARY.sub(placed, text))


NORMALIZERS: Mapping[str, Callable[[Any], Any]] = {"coding-agent": coding_agent}
