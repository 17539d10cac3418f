"""The blocks of a message, of any provider, in one form: texts, reasoning, tool calls and their results, images and sounds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["Block", "Kind", "as_text", "blocks_of", "dicts", "is_thought"]

_TEXTS = ("text", "content", "parts", "output", "refusal", "summary")
_RESULTS = ("tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output", "mcp_tool_result")
_GOOGLE_MEDIA = ("inlineData", "fileData", "inline_data", "file_data")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,", re.ASCII)
# Anthropic, Mistral, Cohere; OpenAI; Google's interactions, whole and streamed. Gemini marks its parts instead.
_THOUGHTS = ("thinking", "reasoning", "reasoning_text", "thought", "thought_summary")
_MEDIA_WORDS = ("image", "audio", "file", "document", "data")


class Kind(StrEnum):
    """The kind of a block."""

    TEXT = "text"
    REASONING = "reasoning"
    CALL = "call"
    RESULT = "result"
    MEDIA = "media"


class Block(NamedTuple):
    """One part of a message.

    ``text``: the text, reasoning or result, or the arguments of a call, which are usually JSON. ``name``: the tool's, or the provider's
    name for the medium. ``id``: links a call with its result. ``data``: a medium in base64. ``url``: that of a medium stored elsewhere.
    """

    kind: Kind
    text: str = ""
    name: str = ""
    id: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""

    @property
    def plain(self) -> str:
        """The block as text: its text, or the name of the medium in brackets; empty for a call."""
        return f"[{self.name}]" if self.kind is Kind.MEDIA else "" if self.kind is Kind.CALL else self.text


def blocks_of(item: Any) -> Iterator[Block]:
    """Yield the blocks of a message, or of a part of one."""
    if isinstance(item, str):
        yield Block(Kind.TEXT, item)
    elif isinstance(item, list):
        for part in item:
            yield from blocks_of(part)
    elif isinstance(item, dict):
        yield from _blocks_of_part(item)


def _blocks_of_part(item: dict[str, Any]) -> Iterator[Block]:
    call = _call(item)
    if call is not None:
        yield call
        return
    if isinstance(google := item.get("functionResponse") or item.get("function_response"), dict):
        yield Block(Kind.RESULT, as_text(google.get("response", google)), str(google.get("name") or ""), str(google.get("id") or ""))
        return
    names = (*_TEXTS, "thinking") if is_thought(item) else _TEXTS
    inner = [block for name in names if item.get(name) for block in blocks_of(item[name])]
    if item.get("type") in _RESULTS or (item.get("role") == "tool" and "tool_call_id" in item):
        yield from _result(item, inner)
    elif is_thought(item):
        yield from (block._replace(kind=Kind.REASONING) if block.kind is Kind.TEXT else block for block in inner)
    else:
        for name in ("reasoning_content", "reasoning", "thinking"):
            if isinstance(text := item.get(name), str) and text:
                yield Block(Kind.REASONING, text)
                break
        yield from inner
    yield from (block for call in dicts(item.get("tool_calls")) if (block := _call(call)) is not None)
    yield from _media(item)


def is_thought(part: dict[str, Any]) -> bool:
    """Return whether this part of a message is reasoning, not output."""
    return part.get("type") in _THOUGHTS or part.get("thought") is True


def _result(item: dict[str, Any], inner: list[Block]) -> Iterator[Block]:
    """Yield a tool's result as one text, followed by the media in it."""
    text = "\n".join(block.text for block in inner if block.kind is Kind.TEXT)
    yield Block(Kind.RESULT, text, str(item.get("name") or ""), _id_of(item, "tool_use_id", "tool_call_id", "call_id"))
    yield from (block for block in inner if block.kind is Kind.MEDIA)


def _call(item: dict[str, Any]) -> Block | None:
    """Return the tool call in this part, in any provider's form, or None if it is not one."""
    function, google = item.get("function"), item.get("functionCall") or item.get("function_call")
    if isinstance(function, dict) and "name" in function:  # OpenAI chat, Mistral, Ollama, Cohere
        return Block(Kind.CALL, as_text(function.get("arguments", "")), str(function["name"]), _id_of(item, "id"))
    if isinstance(google, dict) and "name" in google:
        return Block(Kind.CALL, as_text(google.get("args", google.get("arguments", {}))), str(google["name"]), _id_of(google, "id"))
    if item.get("type") in ("tool_use", "server_tool_use"):  # Anthropic
        return Block(Kind.CALL, as_text(item.get("input", {})), str(item.get("name")), _id_of(item, "id"))
    if item.get("type") in ("function_call", "custom_tool_call"):  # OpenAI Responses
        return Block(Kind.CALL, as_text(item.get("arguments", item.get("input", ""))), str(item.get("name")), _id_of(item, "call_id", "id"))
    return None


# -- media ------------------------------------------------------------------------------------------------------------


def _media(item: dict[str, Any]) -> Iterator[Block]:
    """Yield the medium in this part, or the images that Ollama's messages have beside their text."""
    kind = str(item.get("type") or next((name for name in _GOOGLE_MEDIA if name in item), ""))
    if kind and any(word in kind.lower() for word in _MEDIA_WORDS):
        yield _medium(kind, next((item[name] for name in _HOLDERS if item.get(name)), item))
    for image in item["images"] if isinstance(item.get("images"), list) else ():
        if isinstance(image, str):
            yield Block(Kind.MEDIA, name="image", media_type=_image_type(image), data=image)


# The members that hold a medium: OpenAI's chat and Responses, Anthropic, Google.
_HOLDERS = ("image_url", "input_audio", "file", "source", "inlineData", "inline_data", "fileData", "file_data")


def _medium(kind: str, holder: Any) -> Block:
    if isinstance(holder, str):
        return _of_url(kind, holder)
    if not isinstance(holder, dict):
        return Block(Kind.MEDIA, name=kind)
    media_type = next((str(holder[name]) for name in ("media_type", "mimeType", "mime_type") if holder.get(name)), "")
    if not media_type and isinstance(form := holder.get("format"), str):
        media_type = {"mp3": "audio/mpeg"}.get(form, f"audio/{form}")
    for name in ("data", "file_data", "result"):
        if isinstance(data := holder.get(name), str) and data:
            return _of_url(kind, data) if data.startswith("data:") else Block(Kind.MEDIA, name=kind, media_type=media_type, data=data)
    url = next((str(holder[name]) for name in ("url", "fileUri", "file_uri", "file_url") if holder.get(name)), "")
    return _of_url(kind, url, media_type)


def _of_url(kind: str, url: str, media_type: str = "") -> Block:
    """Return the medium at the URL; a data URL contains it."""
    if (found := _DATA_URL.match(url)) is not None:
        return Block(Kind.MEDIA, name=kind, media_type=found[1] or "text/plain", data=url[found.end() :])
    return Block(Kind.MEDIA, name=kind, media_type=media_type, url=url)


def _image_type(data: str) -> str:
    """Return the media type of a base64 image, judging by its first characters; empty if unknown."""
    starts = (("iVBOR", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"))
    return next((media_type for start, media_type in starts if data.startswith(start)), "")


def _id_of(item: dict[str, Any], *names: str) -> str:
    return next((str(item[name]) for name in names if item.get(name)), "")


def as_text(value: Any) -> str:
    """Return a text unchanged, and any other JSON value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def dicts(items: Any) -> list[dict[str, Any]]:
    """Return the objects among the items; empty if it is not a list."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
