"""Which events are in a stream? A slow second opinion, byte by byte,
from the WHATWG's HTML standard (section 9.2.6) and Amazon's framing."""

from __future__ import annotations

from zlib import crc32

NO_END = (b"data: [DONE]", b"data:[DONE]")


class Reader:
    """Is fed the body octet by octet; ``found`` are the events that have data, each with its name."""

    def __init__(self) -> None:
        self.found: list[tuple[bytes, bytes]] = []
        self.line = self.name = b""
        self.data: bytes | None = None

    def end_of_line(self) -> None:
        line, self.line = self.line, b""
        if line == b"":
            if self.data is not None:
                self.found.append((self.name, self.data[:-1]))
            self.name, self.data = b"", None
        elif line[:1] != b":":
            field, _, value = line.partition(b":")
            self.take(field, value[1:] if value[:1] == b" " else value)

    def take(self, field: bytes, value: bytes) -> None:
        if field == b"event":
            self.name = value
        elif field == b"data":
            self.data = (self.data or b"") + value + b"\n"


def server_sent_events(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the events; a last ``[DONE]`` is one without its blank line, too (nothing can follow it)."""
    reader, before = Reader(), b""
    for number in body[3:] if body[:3] == b"\xef\xbb\xbf" else body:
        octet = bytes([number])
        if octet in (b"\r", b"\n"):
            if (before, octet) != (b"\r", b"\n"):
                reader.end_of_line()
        else:
            reader.line += octet
        before = octet
    if reader.line in NO_END:
        reader.end_of_line()
    if reader.data == b"[DONE]\n":
        reader.found.append((reader.name, b"[DONE]"))
    return reader.found


def amazon_message(headers: list[tuple[bytes, bytes]], payload: bytes) -> bytes:
    """Return a message of Amazon's event stream: lengths and their checksum, headers of the type string, payload, checksum."""
    head = b"".join(bytes([len(name)]) + name + b"\x07" + len(value).to_bytes(2, "big") + value for name, value in headers)
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + len(head).to_bytes(4, "big")
    message = prelude + crc32(prelude).to_bytes(4, "big") + head + payload
    return message + crc32(message).to_bytes(4, "big")
