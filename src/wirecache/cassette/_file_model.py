"""The model of a cassette's file. A module of its own, since importing pydantic takes 50 ms, which only programs with cassettes should pay.

The JSON Schema beside this module is generated from it, and written beside the files of each cassette.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from wirecache.cassette._event_layout import STREAM_LAYOUTS
from wirecache.cassette._file_format import FormatVersion
from wirecache.cassette._json_layout import JSON_LAYOUTS

__all__ = ["CassetteFile", "schema"]

_LAYOUT = rf"^({JSON_LAYOUTS})$"
_STREAM_LAYOUT = rf"^({STREAM_LAYOUTS})$"

Text = str | list[str]
Space = Annotated[str, StringConstraints(pattern=r"^[ \t\r\n]*$")]
Base64Line = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, protected_namespaces=())


class _Holder(_Table):
    """An object that holds bytes in one of several forms."""

    forms: ClassVar[tuple[str, ...]]
    may_be_empty: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, value: Any) -> Any:
        if isinstance(value, dict):
            found = [form for form in cls.forms if form in value]
            if len(found) > 1 or not (found or cls.may_be_empty):
                raise ValueError(f"there must be exactly one of {', '.join(cls.forms)}, found {', '.join(found) or 'none'}")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        json_schema: dict[str, Any] = handler.resolve_ref_schema(handler(core_schema))
        required: list[dict[str, Any]] = [{"required": [form]} for form in cls.forms]
        json_schema["oneOf"] = [*required, {"not": {"anyOf": required}}] if cls.may_be_empty else required
        return json_schema


class _Document(_Holder):
    forms: ClassVar[tuple[str, ...]] = ("json", "text", "base64")

    json_: Any = Field(None, alias="json")
    """A JSON document. Its tokens are the body's own; white space between them means nothing here."""
    layout: Annotated[str, StringConstraints(pattern=_LAYOUT)] = "compact"
    """The white space between the tokens of the body."""
    before: Space = ""
    """White space before the JSON document."""
    after: Space = ""
    """White space after it."""
    text: Text = ""
    """Text; lines are joined by a line feed."""
    base64: Base64Line | list[Base64Line] = ""
    """Bytes that are not text; lines are joined."""


class _Part(_Document):
    """One part of a form with files; without a document it is empty."""

    may_be_empty = True

    headers: list[str]
    """The lines before the part's content."""


class _RequestBody(_Document):
    """The body of the request, whose members are sorted."""

    forms = ("json", "text", "base64", "parts")

    parts: list[_Part] = []
    """The parts of multipart/form-data."""


class _Event(_Holder):
    """One event of a stream. In another form than `data`: all bytes of the event, with the blank line after it."""

    forms = ("data", "text", "base64")

    at: Seconds = 0
    """When it was complete, in seconds since the request was sent."""
    event: str | None = None
    """Its name."""
    data: Any = None
    """Its data, a JSON document."""
    text: str = ""
    """An event in another layout, or a comment."""
    base64: Base64Line = ""
    """Bytes that are not text."""


class _ResponseBody(_Document):
    """The body of the response."""

    forms = ("json", "text", "base64", "events")

    layout: Annotated[str, StringConstraints(pattern=rf"{_LAYOUT}|{_STREAM_LAYOUT}")] = "compact"
    """The white space between the tokens of the body, or of its events."""
    events: list[_Event] = []
    """The events of a stream, in order."""

    @model_validator(mode="after")
    def _layout_fits_the_form(self) -> _ResponseBody:
        is_stream = "events" in self.model_fields_set
        if "layout" in self.model_fields_set and not re.match(_STREAM_LAYOUT if is_stream else _LAYOUT, self.layout):
            raise ValueError(f"{self.layout!r} is not a layout of {'events' if is_stream else 'a JSON document'}")
        return self


class _Usage(_Table):
    """Tokens, as the provider counted them."""

    input: Count
    output: Count
    cached: Count = 0
    written: Count = 0
    written_1h: Count = 0
    reasoning: Count = 0
    other: Count = 0


class _Request(_Table):
    """The request, without credentials."""

    method: str
    url: str
    endpoint: str = ""
    """The kind of inference; empty if it was none."""
    model: str | None = None
    headers: dict[str, str] = {}
    """Those that count in the key."""
    content_type: str = ""
    """Where the body is not JSON."""
    namespace: str = ""
    sample: int = 0
    whole: Literal[False] = False
    """False: the request was large, and only its beginning, or nothing of it, is kept."""
    left_out: dict[str, str] = {}
    """Of a request that is not whole: what `normalize` left out of the key, by its place in the body."""
    body: _RequestBody | None = None


class _Response(_Table):
    """The response, without credentials and without its content encoding."""

    status: Annotated[int, Field(ge=100, le=999)]
    http_version: str = "HTTP/1.1"
    headers: dict[str, str] | list[Pair] = {}
    """By name; a list of [name, value] where a name comes twice."""
    seconds: Seconds
    """How long the provider took."""
    usage: _Usage | None = None
    ended: Literal["upstream", "reader"] = "upstream"
    """Who ended the body. reader: the body is what its reader took before it stopped."""
    body: _ResponseBody | None = None


class CassetteFile(_Table):
    """One exchange, recorded by wirecache."""

    model_config = ConfigDict(title="wirecache cassette")

    schema_: str = Field("", alias="$schema")
    """Where the schema of this file is."""
    format: FormatVersion
    """The version of this format."""
    wirecache: str
    """The version of wirecache that wrote it."""
    recorded_at: Annotated[AwareDatetime, Field(strict=False)]
    """When the answer was received."""
    key: Key
    """The request's key when it was recorded."""
    request: _Request
    response: _Response


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **CassetteFile.model_json_schema()}
