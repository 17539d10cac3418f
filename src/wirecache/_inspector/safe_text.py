"""Untrusted text, of a model or a stranger, made safe for a page: nothing in it becomes markup, a script or an address that is loaded.

Control and directional characters are made visible, so that the text cannot be misread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

__all__ = ["MAX_SHOWN", "as_json", "is_base64", "markdown", "marked", "visible"]

MAX_SHOWN = 20_000  # characters of one text on a page; the rest is behind a link
MAX_MARKDOWN = 20_000  # characters; longer text is shown as plain text
# C0 and C1 without tab and line feed; embeddings, overrides and isolates of direction; halves of surrogate pairs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")


def visible(text: str) -> Markup:
    """Return the text escaped, with invisible characters made visible."""
    plain = text.replace("\r\n", "\n")
    if not _CONTROL.search(plain):
        return escape(plain)
    parts = []
    at = 0
    for found in _CONTROL.finditer(plain):
        parts += [escape(plain[at : found.start()]), Markup('<span class="control">{}</span>').format(_picture(found[0]))]
        at = found.end()
    return Markup("").join([*parts, escape(plain[at:])])


def _picture(char: str) -> str:
    """Return the symbol for a control character, else its number."""
    code = ord(char)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"U+{code:04X}"


def marked(text: str, words: Sequence[str]) -> Markup:
    """Return the text with these words highlighted."""
    if not words:
        return visible(text)
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    parts = []
    at = 0
    for found in pattern.finditer(text):
        if found[0]:
            parts += [visible(text[at : found.start()]), Markup("<mark>{}</mark>").format(visible(found[0]))]
            at = found.end()
    return Markup("").join([*parts, visible(text[at:])])


def is_base64(text: str) -> bool:
    """Return whether the text is a long run of base64, which is not readable."""
    return len(text) >= 200 and _BASE64.fullmatch(text[:4000].rstrip("=")) is not None


def as_json(text: str) -> Any:
    """Return the text parsed as a JSON object or list, or None."""
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def markdown(text: str) -> Markup:
    """Return the text as HTML: Markdown without raw HTML and images; links show their target and send no referrer."""
    if len(text) > MAX_MARKDOWN:
        return Markup('<pre class="plain" tabindex="0">{}</pre>').format(visible(text))
    plain = _CONTROL.sub(lambda found: _picture(found[0]), text.replace("\r\n", "\n"))
    return Markup(_PARSER.render(plain))


class _Renderer(RendererHTML):
    """Renders what the parser leaves: headings below those of the page, links that open elsewhere, code that the keyboard reaches."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the start of a heading, three levels below."""
        return f"<h{_level(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the end of a heading."""
        return f"</h{_level(tokens[idx])}>"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the start of a link."""
        tokens[idx].attrSet("rel", "noopener noreferrer nofollow")
        tokens[idx].attrSet("target", "_blank")
        return self.renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a block of code."""
        return f'<pre class="code" tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    code_block = fence

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the start of a table, which scrolls by itself."""
        return '<div class="scroll" tabindex="0"><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the end of a table."""
        return "</table></div>"


def _level(token: Token) -> int:
    return min(6, int(token.tag[1:]) + 3)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _is_web_link  # type: ignore[method-assign]
    return parser


def _is_web_link(url: str) -> bool:
    """Return whether a link leads to the web, or to a mail address; anything else stays text."""
    return url.lower().startswith(("https://", "http://", "mailto:"))


_PARSER = _parser()
