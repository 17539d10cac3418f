"""What the user's options reach in a form: its parts, by their names."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from wirecache import KeyOptions, make_key
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.multipart import canonical_form, form_members

URL = "https://api.example/v1/audio/transcriptions"
WAV = b"RIFF\xff\x00"


def key(options: KeyOptions, data: dict[str, Any] | None = None, files: Any = None) -> str:
    request = httpx.Request("POST", URL, data={"model": "m"} if data is None else data, files=files)
    return make_key("POST", URL, {"content-type": request.headers["content-type"]}, request.read(), options=options)


def upload(name: str, content: bytes = WAV, kind: str = "audio/wav") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, content, kind)}


NAMELESS = KeyOptions(ignore_body=("/file/filename",))


def without_file_name(form: Any) -> Any:
    form["file"].pop("filename", None)
    return form


@pytest.mark.parametrize(
    "options",
    [NAMELESS, KeyOptions(ignore_body=("/*/filename",)), KeyOptions(normalize=without_file_name)],
    ids=["pointer", "star", "normalize"],
)
def test_a_random_file_name_is_left_out(options: KeyOptions) -> None:
    assert key(KeyOptions(), files=upload("tmp1.wav")) != key(KeyOptions(), files=upload("tmp2.wav"))
    first = key(options, files=upload("tmp1.wav"))
    assert first == key(options, files=upload("tmp2.wav"))
    assert first != key(options, files=upload("tmp1.wav", b"RIFF\xfe\x00"))
    assert first != key(options, files=upload("tmp1.wav", kind="audio/mpeg"))
    assert first != key(options, {"model": "n"}, upload("tmp1.wav"))


def test_a_part_or_pair_is_left_out_by_its_name() -> None:
    options = KeyOptions(ignore_body=("/user",))
    for files in (None, upload("a.wav")):
        one, other, none = (key(options, {"model": "m", **user}, files) for user in ({"user": "a"}, {"user": "b"}, {}))
        assert one == other
        assert none == key(KeyOptions(), {"model": "m"}, files)  # where nothing is left out, the key is the ordinary one


def test_order_and_repeated_names_count() -> None:
    images = [("image[]", ("a", b"1")), ("image[]", ("b", b"2"))]
    options = KeyOptions(ignore_body=("/image[]/filename",))
    assert key(options, files=images) != key(options, files=images[::-1])
    assert key(options, files=images) == key(options, files=[("image[]", ("c", b"1")), ("image[]", ("d", b"2"))])


def test_what_normalize_sees() -> None:
    seen: list[Any] = []
    key(KeyOptions(normalize=lambda form: seen.append(form) or form), files=upload("a.wav"))  # type: ignore[func-returns-value]
    key(KeyOptions(normalize=lambda form: seen.append(form) or form), {"a": ["1", "2"]})  # type: ignore[func-returns-value]
    assert seen == [{"model": "m", "file": {"filename": "a.wav", "content_type": "audio/wav", "content": WAV}}, {"a": ["1", "2"]}]


def test_bytes_differ_from_every_text() -> None:
    options = KeyOptions(normalize=lambda form: form)
    contents = (b"\xe9", "é".encode(), b"\xff", b"")
    assert len({key(options, files=upload("a", content)) for content in contents}) == 4


def test_a_form_without_a_canonical_form_counts_as_it_was_sent() -> None:
    twice = b'--x\r\nContent-Disposition: form-data; name="a"\r\nX: 1\r\nX: 2\r\n\r\nhi\r\n--x--'
    name = b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nhi\r\n--x--'
    for content in (twice, name):
        headers = {"content-type": "multipart/form-data; boundary=x"}
        keys = {
            make_key("POST", URL, headers, content, options=options) for options in (KeyOptions(), KeyOptions(normalize=lambda form: form))
        }
        assert len(keys) == 1


def part(*lines: str, content: bytes = b"hi") -> bytes:
    return "".join(f"{line}\r\n" for line in ("--x", *lines, "")).encode() + content + b"\r\n--x--"


@pytest.mark.parametrize(
    ("content", "members"),
    [
        pytest.param(part('Content-Disposition: form-data; name="a"'), {"a": "hi"}, id="a text"),
        pytest.param(part("Content-Disposition: form-data; name=a"), {"a": "hi"}, id="a name without quotes"),
        pytest.param(part('Content-Disposition: form-data; name="a \\"b\\""'), {'a "b"': "hi"}, id="a name with quotes in it"),
        pytest.param(
            part('Content-Disposition: form-data; name="a"; filename="b"; filename*=c'),
            {"a": {"filename": ["b", "c"], "content": "hi"}},
            id="two file names",
        ),
        pytest.param(
            part('Content-Disposition: form-data; name="a"; size=3', "X-Kind: k"),
            {"a": {"size": "3", "headers": {"x-kind": "k"}, "content": "hi"}},
            id="another parameter, another header",
        ),
        pytest.param(part('Content-Disposition: form-data; name="a;b"'), {"a;b": "hi"}, id="a name with a semicolon"),
        pytest.param(part("Content-Disposition: form-data"), {"": "hi"}, id="no name"),
        pytest.param(
            part('Content-Disposition: form-data; name="a"', "X-Kind: k"),
            {"a": {"headers": {"x-kind": "k"}, "content": "hi"}},
            id="another header",
        ),
        pytest.param(
            part('Content-Disposition: form-data; name="a"; size=3'), {"a": {"size": "3", "content": "hi"}}, id="another parameter"
        ),
        pytest.param(part('Content-Disposition: attachment; name="a"'), {"a": {"content": "hi"}}, id="no form-data"),
        pytest.param(part("X-Kind: k"), {"": {"headers": {"x-kind": "k"}, "content": "hi"}}, id="no disposition"),
    ],
)
def test_the_members_of_a_form(content: bytes, members: dict[str, Any]) -> None:
    assert form_members(parse_body(content, b"multipart/form-data; boundary=x")) == members


def test_a_form_in_which_nothing_is_left_out_has_no_other_form() -> None:
    body = parse_body(b"a=1&b=2", b"application/x-www-form-urlencoded")
    assert form_members(body) == {"a": "1", "b": "2"}
    assert canonical_form(body, ("/c",), None) is None
    assert canonical_form(body, ("/b",), None) is not None


def test_a_normalizer_may_change_what_a_form_is() -> None:
    assert key(KeyOptions(normalize=lambda form: [1])) == key(KeyOptions(normalize=lambda form: [1]), {"model": "n"})
    assert key(KeyOptions(normalize=lambda form: [1])) != key(KeyOptions(normalize=lambda form: [2]))


def test_a_name_that_is_no_text_is_seen_with_its_bytes() -> None:
    content = part('Content-Disposition: form-data; name="a"').replace(b'"a"', b'"\xff"')
    assert form_members(parse_body(content, b"multipart/form-data; boundary=x")) == {"\udcff": "hi"}


def test_a_repeated_header_is_named() -> None:
    content = part('Content-Disposition: form-data; name="a"', "X: 1", "X: 2")
    with pytest.raises(ValueError, match=r"^a header of a part is repeated$"):
        form_members(parse_body(content, b"multipart/form-data; boundary=x"))


def test_the_key_of_a_form_with_a_file_stays() -> None:
    assert key(NAMELESS, files=upload("a.wav")) == "9ab89ae30f17ccacda969767be9bf8abdd9f617967e6984b52b783c3c6d97f8a"


def test_bytes_in_what_a_normalizer_returns_are_hashed_wherever_they_are() -> None:
    options = KeyOptions(normalize=lambda form: {"x": [form["file"]["content"]]})
    one, renamed, other = (key(options, files=upload(name, content)) for name, content in (("a", WAV), ("b", WAV), ("a", b"RIFF\xfe")))
    assert one == renamed != other


def test_of_the_order_of_a_form_what_a_normalizer_leaves_counts() -> None:
    same, without = KeyOptions(normalize=lambda form: form), KeyOptions(normalize=lambda form: {"b": form["b"]})
    assert key(same, {"a": "1", "b": "2"}) != key(same, {"b": "2", "a": "1"})
    assert key(without, {"a": "1", "b": "2"}) == key(without, {"b": "2"})
