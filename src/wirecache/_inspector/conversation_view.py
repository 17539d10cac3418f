"""The view of a conversation: messages of blocks, tool calls with their results; reasoning and repeated messages are folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from wirecache._core.headers import content_media_type, fields_of
from wirecache._core.llm.blocks import Block, Kind
from wirecache._core.llm.conversation import Message, answer_message, prompt_messages
from wirecache._core.messages import Entry
from wirecache._inspector.json_tree import json_tree
from wirecache._inspector.media import media_kind
from wirecache._inspector.numbers import whole_number
from wirecache._inspector.safe_text import MAX_SHOWN, as_json, markdown, visible
from wirecache._views.formats import format_size

__all__ = ["ANSWER", "BlockView", "Conversation", "MessageView", "conversation_of", "message_of"]

ANSWER = "answer"  # the place of the answer; prompts have the number of their message
MAX_MESSAGES = 400  # on one page
_NAMES = {"model": "assistant", "developer": "system", "function": "tool", "ai": "assistant", "chatbot": "assistant", "human": "user"}


@dataclass(slots=True)
class BlockView:
    """A block as shown on the page. ``rest``: the number of characters left out. ``place``: the address of the medium or the whole text."""

    kind: str
    html: Markup = field(default_factory=Markup)
    name: str = ""
    rest: int = 0
    place: str = ""
    media: str = ""
    size: str = ""
    url: str = ""
    result: BlockView | None = None


@dataclass(slots=True)
class MessageView:
    """A message as shown on the page. ``role``: one of a few, which determines the colour. ``label``: the provider's name for it."""

    role: str
    label: str
    place: str
    blocks: list[BlockView]


@dataclass(slots=True)
class Conversation:
    """The messages of an exchange. ``repeated``: those repeated from the previous call. ``left_out``: the number of further ones."""

    repeated: list[MessageView]
    messages: list[MessageView]
    answer: MessageView
    left_out: int = 0


def message_of(entry: Entry, place: str) -> Message | None:
    """Return the message at the place, or None."""
    if place == ANSWER:
        return _answer(entry)
    messages = prompt_messages(entry)
    number = whole_number(place)
    return messages[number] if number is not None and number < len(messages) else None


def conversation_of(entry: Entry, repeated: int = 0) -> Conversation:
    """Return the view of the exchange. ``repeated``: how many messages at the start are repeated from the previous call."""
    messages, answer = prompt_messages(entry), _answer(entry)
    views = _views([*messages[:MAX_MESSAGES], answer], last=ANSWER)
    requested, written = [view for view in views if view.place != ANSWER], next(view for view in views if view.place == ANSWER)
    return Conversation(
        [view for view in requested if int(view.place) < repeated],
        [view for view in requested if int(view.place) >= repeated],
        written,
        max(0, len(messages) - MAX_MESSAGES),
    )


def _answer(entry: Entry) -> Message:
    """Return the answer as a message; an image or a sound becomes a block."""
    media_type = content_media_type(fields_of(entry.headers)).decode("latin-1")
    if media_type.startswith(("image/", "audio/", "video/")):
        return Message("assistant", (Block(Kind.MEDIA, name=media_type, media_type=media_type),))
    return answer_message(entry)


def _views(messages: list[Message], last: str) -> list[MessageView]:
    """Return the views of the messages. Results are shown with their calls; a message that contains only such results is left out."""
    pairs = _paired(messages)
    shown = {result for result in pairs.values()}
    views = []
    for number, message in enumerate(messages):
        place = last if number == len(messages) - 1 else str(number)
        blocks = []
        for at, block in enumerate(message.blocks):
            if (number, at) in shown:
                continue
            view = _block(block, f"{place}.{at}")
            if (result := pairs.get((number, at))) is not None:
                view.result = _block(messages[result[0]].blocks[result[1]], f"{result[0]}.{result[1]}")
            blocks.append(view)
        if blocks or not message.blocks:
            views.append(MessageView(_NAMES.get(message.role, message.role), message.role, place, blocks))
    return views


def _paired(messages: list[Message]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the result of each call, both as (message, block): matched by id, else by name and order."""
    open_calls: list[tuple[tuple[int, int], Block]] = []
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    for number, message in enumerate(messages):
        for at, block in enumerate(message.blocks):
            if block.kind is Kind.CALL:
                open_calls.append(((number, at), block))
            elif block.kind is Kind.RESULT:
                found = next((call for call in open_calls if _belongs(block, call[1])), None)
                if found is not None:
                    open_calls.remove(found)
                    pairs[found[0]] = (number, at)
    return pairs


def _belongs(result: Block, call: Block) -> bool:
    return result.id == call.id if result.id and call.id else bool(result.name) and result.name == call.name


def _block(block: Block, place: str) -> BlockView:
    if block.kind is Kind.MEDIA:
        size = format_size(len(block.data) * 3 / 4) if block.data else ""
        kind = media_kind(block.media_type, len(block.data) * 3 // 4) if not block.url else "link"
        return BlockView("media", name=block.name, place=place, media=kind, size=size, url=block.url)
    text = block.text
    rest = max(0, len(text) - MAX_SHOWN)
    return BlockView(block.kind.value, _html(block.kind, text[:MAX_SHOWN] if rest else text), block.name, rest, place)


def _html(kind: Kind, text: str) -> Markup:
    value: Any = as_json(text)
    if value is not None:
        return json_tree(value)
    if kind in (Kind.CALL, Kind.RESULT):
        return Markup('<pre class="plain" tabindex="0" dir="auto">{}</pre>').format(visible(text))
    return Markup('<div class="prose" dir="auto">{}</div>').format(markdown(text))
