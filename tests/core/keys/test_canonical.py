from __future__ import annotations

import hashlib
import json
import random
import tracemalloc
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import changed, documents, same, spelled, values
from tests.core.play import quick
from wirecache._core.keys.canonical import (
    KEPT_STRING,
    KEPT_WHOLE,
    LARGE,
    Body,
    canonical_json,
    canonical_text,
    frame,
    ignore_members,
    normalise_percent,
    parse_body,
    unframed,
)
from wirecache._core.keys.keys import key_of, make_key, request_from
from wirecache._core.privacy.names import is_secret_name

LINK_A, LINK_B = "pyd_ai_" + "a" * 32, "pyd_ai_" + "b" * 32


def canonical(text: str) -> bytes:
    raw = text.encode()
    return b"".join(canonical_json(parse_body(raw).value, has_links=True))


@quick
@given(st.lists(st.sampled_from([b"", b"0", b"0:", b"1:", b"1:0", b"a", b":"]), max_size=4), st.data())
def test_a_frame_can_be_taken_apart_in_one_way_only(parts: list[bytes], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.sampled_from([*parts, b"".join(parts), b"0:", b""]), max_size=5))
    assert (frame(parts) == frame(other)) == (parts == other)


@quick
@given(documents, st.randoms(use_true_random=False))
def test_every_spelling_of_a_value_has_the_same_canonical_bytes(value: object, dice: random.Random) -> None:
    assert canonical(spelled(value, dice)) == canonical(json.dumps(value))


@quick
@given(values, st.data())
def test_no_other_value_has_the_same_canonical_bytes(value: object, data: st.DataObject) -> None:
    other = data.draw(changed(value) | values)
    assert (b"".join(canonical_json(value)) == b"".join(canonical_json(other))) == (same(value) == same(other))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        pytest.param("[1]", "[1.0]", True, id="an integral float is the integer"),
        pytest.param("[1]", "[10e-1]", True, id="exponents are undone"),
        pytest.param("[0]", "[-0.0]", True, id="minus zero is zero"),
        pytest.param("[0.1]", "[0.10]", True, id="trailing zeros"),
        pytest.param("[1e23]", "[99999999999999991611392]", True, id="a float is the double that it denotes"),
        pytest.param("[1]", "[true]", False, id="true is not one"),
        pytest.param("[0]", "[false]", False, id="false is not zero"),
        pytest.param("[null]", "[]", False, id="null is not nothing"),
        pytest.param('["1"]', "[1]", False, id="a text is not a number"),
        pytest.param('["\\u00e9"]', '["e\\u0301"]', False, id="no Unicode normalisation"),
        pytest.param('["\\/"]', '["/"]', True, id="escaped solidus"),
        pytest.param('["\\ud83d\\ude00"]', '["😀"]', True, id="escaped surrogate pair"),
        pytest.param('{"a":{"b":1,"c":2}}', '{"a":{"c":2,"b":1}}', True, id="members at depth"),
        pytest.param('{"a":[{"b":1,"c":2}]}', '{"a":[{"c":2,"b":1}]}', True, id="members inside lists"),
        pytest.param("[1,2]", "[2,1]", False, id="list order"),
        pytest.param("[[1],2]", "[[1,2]]", False, id="nesting"),
        pytest.param('{"a":null}', "{}", False, id="a null member is a member"),
        pytest.param("{}", "[]", False, id="empty object and list"),
        *(
            pytest.param(f"[{n}]", f"[{n + d}]", False, id=f"{n} and {d} more")
            for n in (2**53, 2**64, 2**70, -(2**70), 10**400)
            for d in (1, 2)
        ),
        pytest.param(f"[{2**53 + 1}]", f"[{2**53}.0]", False, id="an odd integer and the float next to it"),
    ],
)
def test_alike(one: str, other: str, alike: bool) -> None:
    assert (canonical(one) == canonical(other)) is alike


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), "\ud800", {"\ud800": 1}, (1,), {1}, b"x", [object()]])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"not a JSON value|surrogates"):
        canonical_json(value)


def test_linking_ids_count_by_their_order() -> None:
    def ids(first: str, second: str) -> bytes:
        return canonical(json.dumps([{"tool_call_id": first}, {"id": second}, {"callId": first}]))

    assert ids(LINK_A, LINK_B) == ids(LINK_B, LINK_A)
    assert ids(LINK_A, LINK_B) != ids(LINK_A, LINK_A)


@pytest.mark.parametrize("value", ['["%s"]', '{"content": "%s"}', '{"text": ["%s"]}', '{"prompt": "%s", "id": "a"}', '{"valid": "%s"}'])
def test_a_linking_id_in_a_text_counts_as_it_is(value: str) -> None:
    assert canonical(value % LINK_A) != canonical(value % LINK_B)


@pytest.mark.parametrize("text", [LINK_A + "0", "x" + LINK_A, LINK_A.upper(), LINK_A[:-1]])
def test_what_only_resembles_a_linking_id_is_a_text(text: str) -> None:
    assert text.encode() in canonical(json.dumps([{"id": text}, {"id": LINK_B}]))


@pytest.mark.parametrize(
    ("content", "content_type", "kind"),
    [
        pytest.param(b"", b"application/json", "empty", id="nothing"),
        pytest.param(b'{"a":1}', b"application/json", "json", id="object"),
        pytest.param(b"[1]", b"", "json", id="list, no content type"),
        pytest.param(b'{"a":1}', b"text/plain", "json", id="object, another content type"),
        pytest.param(b' \n{"a":1}\n', b"", "json", id="white space around"),
        pytest.param(b'{"a":1}', b"application/x-www-form-urlencoded", "json", id="object, sent as a form"),
        pytest.param(b'"a"', b"application/json", "raw", id="a lone text"),
        pytest.param(b"1", b"application/json", "raw", id="a lone number"),
        pytest.param(b'{"a":1,"a":1}', b"", "raw", id="duplicate member"),
        pytest.param(b'[{"a":{"b":1,"b":2}}]', b"", "raw", id="duplicate member at depth"),
        pytest.param(b'{"a":1,"\\u0061":1}', b"", "raw", id="duplicate member, escaped"),
        pytest.param(b"[NaN]", b"", "raw", id="NaN"),
        pytest.param(b"[Infinity]", b"", "raw", id="Infinity"),
        pytest.param(b"[-Infinity]", b"", "raw", id="-Infinity"),
        pytest.param(b'["\\ud800"]', b"", "raw", id="lone surrogate"),
        pytest.param(b'["\\ude00\\ud83d"]', b"", "raw", id="surrogates the wrong way round"),
        pytest.param(b'["\xff"]', b"", "raw", id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', b"", "raw", id="byte order mark"),
        pytest.param(b'{"a":1', b"", "raw", id="cut off"),
        pytest.param(b'{"a":1}{"a":1}', b"", "raw", id="two values"),
        pytest.param(b"[01]", b"", "raw", id="leading zero"),
        pytest.param(b"[1,]", b"", "raw", id="trailing comma"),
        pytest.param(b"[" * 5000 + b"]" * 5000, b"", "raw", id="nested beyond measure"),
        pytest.param(b"RIFF\x00", b"audio/wav", "raw", id="bytes"),
        pytest.param(b"a=1&b=2", b"application/x-www-form-urlencoded; charset=utf-8", "form", id="form"),
        pytest.param(b"--x\r\nA: b\r\n\r\nhi\r\n--x--\r\n", b"multipart/form-data; boundary=x", "multipart", id="multipart"),
        pytest.param(b"--x\r\nA: b\r\n\r\nhi\r\n--x--", b'Multipart/Form-Data; Boundary="x"', "multipart", id="multipart, quoted boundary"),
        pytest.param(b"--a b\r\nA: b\r\n\r\nhi\r\n--a b--", b'multipart/form-data; boundary="a b"', "multipart", id="a space in it"),
        pytest.param(b'--"\r\nA: b\r\n\r\nhi\r\n--"--', b'multipart/form-data; boundary="\\""', "multipart", id="an escape in it"),
        pytest.param(
            b"--x\r\nA: b\r\n\r\nhi\r\n--x--", b'multipart/form-data; x-boundary=y; a="; boundary=z"; boundary=x', "multipart", id="others"
        ),
        pytest.param(b"--x\r\nA: b\r\n\r\nhi\r\n--x--", b"multipart/form-data; boundary=x; boundary=y", "raw", id="two boundaries"),
        pytest.param(b"--x\r\nA: b\r\n\r\nhi\r\n--x--\r\n", b"multipart/form-data", "raw", id="multipart without boundary"),
        pytest.param(b"--x\r\nA: b\r\n\r\nhi\r\n", b"multipart/form-data; boundary=x", "raw", id="multipart without end"),
        pytest.param(b"--x\r\nA: b\r\nhi\r\n--x--\r\n", b"multipart/form-data; boundary=x", "raw", id="multipart part without blank line"),
        pytest.param(
            b"pre\r\n--x\r\nA: b\r\n\r\nhi\r\n--x--\r\n", b"multipart/form-data; boundary=x", "raw", id="multipart with a preamble"
        ),
        pytest.param(
            b"--x\r\nA: b\r\n\r\nh\r\n--xy\r\n--x--\r\n", b"multipart/form-data; boundary=x", "raw", id="multipart, boundary as prefix"
        ),
    ],
)
def test_kind_of_body(content: bytes, content_type: bytes, kind: str) -> None:
    body = parse_body(content, content_type)
    assert (body.kind, body.raw) == (kind, content)


def test_members_of_what_is_no_object_are_none() -> None:
    assert parse_body(b'{"a":1}').members.get("a") == 1
    assert parse_body(b"[1]").members.get("a") is None
    assert parse_body(b"a").members.get("a") is None


def test_parts_and_pairs_keep_their_order() -> None:
    form = parse_body(b"b=1&a=%20+x&&a", b"application/x-www-form-urlencoded").value
    assert form == [(b"b", b"1"), (b"a", b"  x"), (b"a", b"")]


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        pytest.param(b"/v1/chat", b"/v1/chat", id="nothing encoded"),
        pytest.param(b"/%7euser%2D%5f%2E%41%30", b"/~user-_.A0", id="unreserved characters"),
        pytest.param(b"/a%2fb", b"/a%2Fb", id="an encoded slash is no slash"),
        pytest.param(b"/%c3%a9", b"/%C3%A9", id="upper case"),
        pytest.param(b"/%2541", b"/%2541", id="undone once only"),
        pytest.param(b"/100%/%zz%4", b"/100%/%zz%4", id="a lone percent sign"),
        pytest.param(b"/a+b%20c", b"/a+b%20c", id="plus is no space"),
    ],
)
def test_percent_encoding(sent: bytes, normal: bytes) -> None:
    assert normalise_percent(sent) == normal


@quick
@given(
    st.lists(st.sampled_from([b"2", b"5", b"4", b"1", b"f", b"F", b"/", b"~", b"%25", b"%2f", b"%2F", b"%41", b"%7e"]), max_size=8).map(
        b"".join
    )
)
def test_percent_encoding_keeps_what_is_meant(text: bytes) -> None:
    normal = normalise_percent(text)
    assert normalise_percent(normal) == normal
    assert unquote_to_bytes(normal) == unquote_to_bytes(text)
    assert [normal.count(mark) for mark in b"/?&=#"] == [text.count(mark) for mark in b"/?&=#"]


@pytest.mark.parametrize(
    ("pointers", "left"),
    [
        pytest.param((), {"user": 1, "m": [{"id": 1, "x": 2}, {"id": 3}], "a/b": {"~": 1}}, id="none"),
        pytest.param(("/user",), {"m": [{"id": 1, "x": 2}, {"id": 3}], "a/b": {"~": 1}}, id="a member"),
        pytest.param(("/m/*/id",), {"user": 1, "m": [{"x": 2}, {}], "a/b": {"~": 1}}, id="of every item"),
        pytest.param(("/m/1",), {"user": 1, "m": [{"id": 1, "x": 2}], "a/b": {"~": 1}}, id="an item"),
        pytest.param(("/*",), {}, id="every member"),
        pytest.param(("/a~1b/~0",), {"user": 1, "m": [{"id": 1, "x": 2}, {"id": 3}], "a/b": {}}, id="escapes"),
        pytest.param(
            ("/m/9", "/none/x", "/user/x", "/m/id"), {"user": 1, "m": [{"id": 1, "x": 2}, {"id": 3}], "a/b": {"~": 1}}, id="nothing there"
        ),
    ],
)
def test_ignore_members(pointers: tuple[str, ...], left: object) -> None:
    value = {"user": 1, "m": [{"id": 1, "x": 2}, {"id": 3}], "a/b": {"~": 1}}
    before = json.dumps(value)
    assert ignore_members(value, pointers) == left
    assert json.dumps(value) == before  # the request is sent as it was


def test_what_people_read_of_a_request_body() -> None:
    assert canonical_text(parse_body(b'{ "b": 1, "a": "\\u00e9" }')) == '{"a":"é","b":1}'.encode()
    assert canonical_text(parse_body(b"\xff\x00")) == b"\xff\x00"


def test_of_a_large_body_the_long_strings_are_shortened() -> None:
    image = "QUJD" * 100_000
    text = canonical_text(parse_body(json.dumps({"image": image, "list": [image], "prompt": "what is this?", "n": 1}).encode()))
    assert len(text) < 1000
    assert json.loads(text)["prompt"] == "what is this?"
    assert str(len(image)) in json.loads(text)["image"]
    assert canonical_text(parse_body(b"\xff" * 300_000)) == b""


def test_long_member_names_are_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        for i in range(40):
            name = f"{i}" + "n" * 1_000_000
            canonical_json({name: 1})
            assert not is_secret_name(name)
        kept = tracemalloc.get_traced_memory()[0]  # bytes
    finally:
        tracemalloc.stop()
    assert kept < 4_000_000


def test_an_image_in_a_body_is_hashed_without_another_copy_of_it() -> None:
    body = parse_body(json.dumps({"image": "QUJD" * 500_000}).encode())
    request = request_from("POST", "https://api.example/v1/chat/completions")
    tracemalloc.start()
    try:
        key_of(request, body)
        peak = tracemalloc.get_traced_memory()[1]  # bytes
    finally:
        tracemalloc.stop()
    assert peak < 500_000


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("A" * 200_000, "9aebcc9faa27c9e2137096065993334dbf6c74786d87ec8b9717e37429cfd809"),
        ("é" * 100_000, "683d8905b95d05f0d82d3c444ca046601befe1dd6b1f31fcdeb6922afb2d4a55"),
    ],
    ids=["ascii", "other"],
)
def test_the_key_of_a_large_text_stays(text: str, key: str) -> None:
    content = json.dumps({"prompt": text})
    assert make_key("POST", "https://api.example/v1/chat/completions", {"content-type": "application/json"}, content) == key


@given(st.lists(st.binary(max_size=40)))
def test_what_was_framed_can_be_taken_apart(parts: list[bytes]) -> None:
    assert unframed(frame(parts)) == parts


def test_a_pointer_that_names_nothing_leaves_all() -> None:
    assert ignore_members({"a": 1}, ("", "/b")) == {"a": 1}


def test_the_canonical_form_spelled_out() -> None:
    value = {"b": [1.5, True, False, None, -1, "\u00e9"], "a": {}}
    assert b"".join(map(bytes, canonical_json(value))) == b"{2:1:a{0:1:b[6:d0x1.8000000000000p+0;tfni-1;s2:\xc3\xa9"
    linked = [{"id": LINK_A, "n": 1}, {"tool_call_id": LINK_B}, {"id": LINK_A}]
    written = b"[3:{2:2:id@0;1:ni1;{1:12:tool_call_id@1;{1:2:id@0;"
    assert b"".join(map(bytes, canonical_json(linked, has_links=True))) == written
    assert b"".join(map(bytes, canonical_json({"m": {"id": LINK_A}}, has_links=True))) == b"{1:1:m{1:2:id@0;"
    assert b"".join(map(bytes, canonical_json([{"id": LINK_A}]))) == b"[1:{1:2:ids39:" + LINK_A.encode()


@pytest.mark.parametrize("value", ["A" * LARGE, {"a": "A" * LARGE}], ids=["text", "member"])
def test_a_piece_of_exactly_the_large_size_stays_text(value: object) -> None:
    assert canonical_json(value)[-1] == "A" * LARGE


def test_a_form_spelled_out() -> None:
    body = parse_body(b"a+b=c+d%2B&e", b"application/x-www-form-urlencoded")
    assert (body.kind, body.value) == ("form", [(b"a b", b"c d+"), (b"e", b"")])


MULTIPART = b"multipart/form-data; boundary=b"


def test_parts_spelled_out() -> None:
    content = b'--b\r\nContent-Disposition: form-data; filename="a:b"\r\nX-A: 1\r\n\r\nfirst\r\n\r\nsecond\r\n--b--\r\n'
    lines = [frame((b"content-disposition", b'form-data; filename="a:b"')), frame((b"x-a", b"1"))]
    body = parse_body(content, MULTIPART)
    assert (body.kind, body.value) == ("multipart", [(frame(sorted(lines)), b"first\r\n\r\nsecond")])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"--b--\r\n", "multipart"),
        (b"--b--", "multipart"),
        (b"--b-- ", "raw"),
        (b"--b--X", "raw"),
        (b"--b", "raw"),
        (b"--b--\t\r\n", "raw"),
    ],
)
def test_the_end_of_a_form_without_parts(content: bytes, kind: str) -> None:
    assert parse_body(content, MULTIPART) == Body(kind, content, [] if kind == "multipart" else None)


def test_what_is_shortened_and_what_is_not() -> None:
    filler = "x" * KEPT_WHOLE
    kept, cut = "k" * KEPT_STRING, "c" * (KEPT_STRING + 1)
    digest = hashlib.sha256(cut.encode()).hexdigest()
    shown = json.loads(canonical_text(parse_body(json.dumps({"filler": filler, "a": kept, "b": [cut, [cut]]}).encode())))
    short = f"{'c' * 64}... ({len(cut)} characters, SHA-256 {digest})"
    assert (shown["a"], shown["b"]) == (kept, [short, [short]])
    small = json.dumps([cut], separators=(",", ":")).encode()
    assert canonical_text(parse_body(small)) == small


@pytest.mark.parametrize("size", [KEPT_WHOLE, KEPT_WHOLE + 1])
def test_a_body_is_kept_whole_up_to_a_size(size: int) -> None:
    raw = b"\xff" * size
    assert canonical_text(parse_body(raw)) == (raw if size == KEPT_WHOLE else b"")
    text = b'["' + b"a" * (size - 4) + b'"]'
    assert (canonical_text(parse_body(text)) == text) is (size == KEPT_WHOLE)


@pytest.mark.parametrize("raw", [b"[]", b"[" + b" " * KEPT_WHOLE + b"]"], ids=["small", "large"])
def test_a_lone_surrogate_that_a_redaction_left_is_written(raw: bytes) -> None:
    assert json.loads(canonical_text(Body("json", raw, ["\ud800" + "a" * KEPT_STRING])))


def test_a_malformed_escape_leaves_all_as_it_is() -> None:
    assert normalise_percent(b"%7e%zz") == b"%7e%zz"
