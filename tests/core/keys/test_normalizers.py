"""``normalize="coding-agent"``: what agents make up anew counts for nothing, all else counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._core.keys.keys import KeyOptions, make_key
from wirecache._core.keys.normalizers import FLATTENED, TEMPORARY, _substituted, left_out
from wirecache.errors import ConfigError

OPTIONS = KeyOptions(normalize="coding-agent")


def key(body: Any, options: KeyOptions = OPTIONS) -> str:
    return make_key("POST", "https://api.anthropic.com/v1/messages", {}, json.dumps(body), options=options)


def claude(n: int = 1, prompt: str = "hi", place: str = "/tmp/tmpa_1") -> dict[str, Any]:
    """Return a request as Claude Code makes it, with all that changes from call to call."""
    flat = place.replace("/", "-").replace("_", "-")
    return {
        "model": "m",
        "metadata": {"user_id": json.dumps({"device_id": str(n), "session_id": f"s{n}"})},
        "system": [
            {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.{n}; cch={n:05x};"},
            {"type": "text", "text": f"memory at `{place}h/.claude/projects/{flat}/memory/`.\n - Primary working directory: {place}"},
        ],
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"# currentDate\nToday's date is 2026-11-{n:02d}.\n{prompt}"}]}],
    }


def codex(n: int = 1, prompt: str = "hi") -> dict[str, Any]:
    """Return a request as Codex makes it."""
    uuid = f"01a22391-7dc0-75a1-886e-{n:012x}"
    return {
        "model": "m",
        "prompt_cache_key": uuid,
        "client_metadata": {"session_id": uuid},
        "input": [
            {"type": "message", "id": f"msg_{uuid}", "internal_chat_message_metadata_passthrough": {"create_time": n}, "content": [
                {"type": "input_text", "text": f"<cwd>/tmp/tmp{n}</cwd>\n<current_date>2026-11-{n:02d}</current_date>"}]},
            {"type": "function_call_output", "call_id": "call_1", "output": prompt},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("request_of", [claude, codex])
def test_what_is_made_up_anew_counts_for_nothing(request_of: Any) -> None:
    assert key(request_of(1)) == key(request_of(2))
    assert key(request_of(1), KeyOptions()) != key(request_of(2), KeyOptions())


@pytest.mark.parametrize("request_of", [claude, codex])
def test_what_is_said_counts(request_of: Any) -> None:
    assert key(request_of(prompt="hi")) != key(request_of(prompt="hello"))


def test_temporary_directories_are_told_apart() -> None:
    assert key(claude(place="/tmp/tmpa_1")) == key(claude(place="/tmp/tmpb_2"))
    assert key(["/tmp/a /tmp/b", "/tmp/a"]) != key({"x": 1})
    assert key({"t": "/tmp/a /tmp/b /tmp/a"}) == key({"t": "/tmp/c /tmp/d /tmp/c"})
    assert key({"t": "/tmp/a /tmp/b /tmp/a"}) != key({"t": "/tmp/a /tmp/b /tmp/b"})
    assert key({"t": "/tmp/a_1_ is /tmp/a-1"}) == key({"t": "/tmp/b is /tmp/b"})
    assert key({"t": "/tmp/a/x"}) != key({"t": "/tmp/a/y"})


def test_the_names_of_mktemp_and_of_pytest() -> None:
    made = ({"t": f"/tmp/tmp.{name}/a and /tmp/{flat}"} for name, flat in (("aBcD_1", "tmp-abcd-1"), ("QZrY09", "tmp-qzry09")))
    assert len(set(map(key, made))) == 1  # Gemini CLI's name of a project is in lower case
    assert key({"t": "/tmp/pytest-of-me/pytest-7/test_a0"}) == key({"t": "/tmp/pytest-of-me/pytest-8/test_a0"})
    assert key({"t": "/tmp/pytest-of-me/pytest-7/test_a0"}) != key({"t": "/tmp/pytest-of-me/pytest-7/test_b0"})
    assert key({"t": "/home/me/a"}) != key({"t": "/home/me/b"})


@pytest.mark.parametrize(
    "text",
    [
        "/tmp/a/x",
        "in /tmp/a.",
        "file:///tmp/a",
        "<cwd>/tmp/a</cwd>",
        "gcc -I/tmp/a",
        json.dumps("\n/tmp/a"),
        r"C:\Temp\a",
        json.dumps(r"C:\Temp\a"),
    ],
)
def test_a_directory_wherever_it_is_named(text: str) -> None:
    other = text.replace("/tmp/a", "/private/tmp/other").replace("Temp\\", "Users\\me\\Temp\\").replace("Users\\me\\T", "Users\\T")
    assert key({"t": text}) == key({"t": other})
    assert key({"t": text}, KeyOptions()) != key({"t": other}, KeyOptions())


def test_the_folder_of_gemini_cli_is_called_after_the_project() -> None:
    made = (
        {"t": f"Directory: {home}/.gemini/tmp/{name}\n- Workspace: /tmp/{name}"}
        for home, name in (("/tmp/h1", "tmpa"), ("/tmp/h2", "tmpb"))
    )
    assert len(set(map(key, made))) == 1


@pytest.mark.parametrize("text", ["/home/me/tmp/{}", "~/tmp/{}", "./tmp/{}", "${{HOME}}/tmp/{}", "my-/tmp/{}", "/tmp/../{}"])
def test_a_directory_of_another_path_counts(text: str) -> None:
    assert key({"t": text.format("a")}) != key({"t": text.format("b")})


def test_the_order_of_members_counts_for_nothing() -> None:
    assert key({"a": "/tmp/1", "b": "/tmp/2"}) == key({"b": "/tmp/2", "a": "/tmp/1"}) == key({"b": "/tmp/4", "a": "/tmp/3"})
    assert key({"a": "/tmp/1", "b": "/tmp/1"}) != key({"b": "/tmp/2", "a": "/tmp/1"})


def test_ids_of_a_session_count_nowhere() -> None:
    def body(n: int, other: int = 0) -> Any:
        ids = [f"01a22391-7dc0-75a1-886e-{number:012x}" for number in (n, n + 1, other)]
        return {"metadata": {"user_id": json.dumps({"session_id": ids[0]}), "turn": [ids[1]]}, "t": f"/x/{ids[0]}/y {ids[2]}"}

    assert key(body(1)) == key(body(5))
    assert key(body(1)) != key(body(1, other=9))
    assert key(body(1, other=1)) != key(body(1, other=9))


def test_ids_of_a_session_are_told_apart() -> None:
    one, other = (f"01a22391-7dc0-75a1-886e-{number:012x}" for number in (1, 2))
    ids = {"metadata": {"a": one, "b": other}}
    assert key({**ids, "t": f"{one} {other} {one}"}) != key({**ids, "t": f"{one} {other} {other}"})


def test_an_id_that_the_client_made_up_counts_for_nothing() -> None:
    made = ({"input": [{"id": f"msg_01a22391-7dc0-75a1-886e-{number:012x}", "content": "hi"}]} for number in (1, 2))
    assert len(set(map(key, made))) == 1
    made = ({"input": [{"id": "msg_01a22391-7dc0-75a1-886e-000000000001", "content": text}]} for text in ("hi", "hello"))
    assert len(set(map(key, made))) == 2


def test_what_is_left_out_has_a_place() -> None:
    uuid = "01a22391-7dc0-75a1-886e-000000000001"
    body = {"prompt_cache_key": uuid, "input": [{"content": f"/tmp/a, /tmp/b/-tmp-c {uuid}"}, "Today's date is 2026-11-01 /tmp/a."]}
    assert left_out(body) == {
        "/prompt_cache_key#0": uuid,
        "/input/0/content#0": "/tmp/a",
        "/input/0/content#1": "/tmp/b",
        "/input/0/content#2": "-tmp-c",
        "/input/1#0": "/tmp/a",
    }
    assert left_out(["/tmp/a"]) == {}
    assert left_out({"metadata": {"user_id": uuid}}) == {"/metadata/user_id#0": uuid}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"system": "x-anthropic-billing-header: 1"}, {"system": "x-anthropic-billing-header: 2"}),  # a prompt, not a part of one
        ({"t": "on 2026-11-01"}, {"t": "on 2026-11-02"}),
        ({"input": [{"id": "msg_0123456789abcdef"}]}, {"input": [{"id": "msg_0123456789abcdee"}]}),
        ({"input": [{"call_id": "call_1"}]}, {"input": [{"call_id": "call_2"}]}),
        ({"messages": [{"metadata": 1}]}, {"messages": [{"metadata": 2}]}),
    ],
)
def test_what_only_looks_like_it_counts(one: Any, other: Any) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize("body", [[], 1, "x", {"system": [1], "input": [None]}, {"input": "text", "system": None}])
def test_other_bodies_are_left_as_they_are(body: Any) -> None:
    assert key(body) == key(body, KeyOptions())


def test_a_name_that_is_none() -> None:
    with pytest.raises(ConfigError, match="normalize must be a function or one of coding-agent, got 'agents'"):
        KeyOptions(normalize="agents")


PARTS = [
    "/tmp/",
    "/private",
    "/var/folders/a/b/T/",
    "C:\\",
    "Temp\\",
    "pytest-of-me/pytest-1",
    "a.b",
    "-I",
    "/.gemini",
    "/-tmp-",
    "\\n",
    " ",
    "\n",
    "\u00a0",
    '"',
    ".",
]


@quick
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
@example("first /tmp/a then /tmp/b and x/tmp/c, /private/tmp/d in /tmp/e last")
@example("/tmp/a")
def test_what_is_looked_for_between_spaces_is_all_that_there_is(text: str) -> None:
    for pattern in (TEMPORARY, FLATTENED):
        assert _substituted(pattern, lambda match: f"<{match[0]}>", text) == pattern.sub(lambda match: f"<{match[0]}>", text)
