from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.play import KEY, entry, quick
from wirecache._core import codec
from wirecache._core.messages import Chunk, Entry, Usage, pack_chunks
from wirecache._core.unset import UNSET, Ttl

plain = st.binary(max_size=20)
names = plain.map(lambda raw: raw.replace(b"\0", b""))
seconds = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63 - 1)
entries = st.builds(
    Entry,
    key=st.binary(min_size=32, max_size=32).map(bytes.hex),
    status=st.integers(100, 999),
    headers=st.lists(st.tuples(names.map(lambda name: b"x" + name), names), max_size=4).map(tuple),
    body=plain,
    stored_at=seconds,
    seconds=seconds,
    http_version=st.sampled_from([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"HTTP/3"]),
    usage=st.none() | st.builds(Usage, *[counts] * 7),
    ttl=st.sampled_from([UNSET, None, 0.0]) | seconds,
    summary=plain,
    request_body=plain,
    chunk_times=st.lists(st.builds(Chunk, st.integers(0, 2**32 - 1), seconds)).map(pack_chunks),
    ended_by_reader=st.just(False),
)
FRAME = codec.encode(entry())


@quick
@example(entry(stored_at=1e308, seconds=1e308))
@given(entries)
def test_an_entry_comes_back_as_it_was(made: Entry) -> None:
    back = codec.decode(made.key, codec.encode(made))
    assert back == made
    assert pack_chunks(back.chunks) == made.chunk_times
    assert [type(part) for part in back[:9]] == [type(part) for part in made[:9]]


def test_what_its_reader_ended_has_no_frame() -> None:
    with pytest.raises(ValueError, match="its reader stopped"):
        codec.encode(entry(ended_by_reader=True))


@quick
@given(entries, st.data())
def test_any_changed_byte_is_seen(made: Entry, data: st.DataObject) -> None:
    frame = bytearray(codec.encode(made))
    at, bits = data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(1, 255))
    frame[at] ^= bits
    with pytest.raises(codec.Damaged):
        codec.decode(made.key, bytes(frame))


def test_every_single_byte_counts() -> None:
    for at in range(len(FRAME)):
        with pytest.raises(codec.Damaged):
            codec.decode(KEY, FRAME[:at] + bytes([FRAME[at] ^ 1]) + FRAME[at + 1 :])


def test_any_cut_is_seen() -> None:
    for length in range(len(FRAME)):
        with pytest.raises(codec.Damaged):
            codec.decode(KEY, FRAME[:length])


@quick
@given(st.binary(min_size=1, max_size=50))
def test_anything_added_is_seen(more: bytes) -> None:
    for frame in (FRAME + more, more + FRAME):
        with pytest.raises(codec.Damaged):
            codec.decode(KEY, frame)


@quick
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: FRAME[:4] + tail))
def test_foreign_bytes_are_no_entry(value: bytes) -> None:
    with pytest.raises(codec.Damaged):
        codec.decode(KEY, value)


@pytest.mark.parametrize("key", ["cd" * 32, "", KEY[:-2], KEY.upper()])
def test_an_entry_of_another_key_is_none(key: str) -> None:
    with pytest.raises(codec.Damaged, match="another key"):
        codec.decode(key, FRAME)


def test_an_entry_of_another_version_is_none() -> None:
    with pytest.raises(codec.Damaged, match="version"):
        codec.decode(KEY, FRAME[:3] + b"\x02" + FRAME[4:])


@pytest.mark.parametrize(
    "value",
    [pytest.param(FRAME.decode("latin-1"), id="text"), pytest.param(memoryview(FRAME), id="memoryview"), pytest.param(7, id="a number")],
)
def test_what_is_no_bytes_is_an_entry_or_damaged(value: Any) -> None:
    try:
        assert codec.decode(KEY, value) == entry()
    except codec.Damaged:
        pass


@pytest.mark.parametrize("ttl", [UNSET, None, 0.0, 60.0])
def test_whose_ttl_it_is_survives(ttl: Ttl) -> None:
    back = codec.decode(KEY, codec.encode(entry(ttl=ttl))).ttl
    assert (type(back), back) == (type(ttl), ttl)


@pytest.mark.parametrize("name", [b"content-encoding", b"Content-Encoding"])
def test_a_body_that_is_coded_is_none_of_an_entry(name: bytes) -> None:
    with pytest.raises(codec.Damaged, match="coded"):
        codec.decode(KEY, codec.encode(entry(headers=((b"x", b"y"), (name, b"gzip")))))


def test_large_bodies_are_taken_whole() -> None:
    body = bytes(range(256)) * 20_000
    back = codec.decode(KEY, codec.encode(entry(body=body, request_body=body[:-1])))
    assert back.body == body
    assert bytes(back.request_body) == body[:-1]


@pytest.mark.parametrize("field", ["stored_at", "seconds"])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_time_that_is_none_is_damage(field: str, value: float) -> None:
    with pytest.raises(codec.Damaged, match="times"):
        codec.decode(KEY, codec.encode(entry(**{field: value})))


@pytest.mark.parametrize("frame", [FRAME + b"x", FRAME[:-1]], ids=["longer", "shorter"])
def test_lengths_that_do_not_add_up_are_damage_under_a_good_checksum_too(frame: bytes) -> None:
    content = frame[len(codec.MAGIC) + 32 :]
    with pytest.raises(codec.Damaged, match="lengths"):
        codec.decode(KEY, codec.MAGIC + hashlib.sha256(content).digest() + content)
