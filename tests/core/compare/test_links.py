from __future__ import annotations

from typing import Any

import pytest

from wirecache._core.compare.links import with_numbered_links


def chat(id: str, **arguments: Any) -> dict[str, Any]:
    call = {"id": id, "type": "function", "function": {"name": "f", "arguments": '{"id": "x"}'}}
    return {"messages": [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": "1"}]}


def message(id: str, of: str = "x") -> dict[str, Any]:
    use = {"type": "tool_use", "id": id, "name": "f", "input": {"id": of}}
    return {
        "messages": [{"role": "assistant", "content": [use]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id}]}]
    }


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        pytest.param(chat("call_1"), chat("call_2"), True, id="chat"),
        pytest.param(message("toolu_1"), message("toolu_2"), True, id="messages"),
        pytest.param(message("toolu_1", "x"), message("toolu_1", "y"), False, id="the id that a tool is given"),
        pytest.param({"previous_response_id": "resp_1"}, {"previous_response_id": "resp_2"}, True, id="responses"),
        pytest.param({"previous_response_id": "resp_1"}, {}, False, id="none"),
        pytest.param([{"id": "a"}, {"id": "a"}], [{"id": "b"}, {"id": "c"}], False, id="other links"),
        pytest.param({"id": 1}, {"id": 2}, False, id="a number"),
        pytest.param({"user": "a"}, {"user": "b"}, False, id="another name"),
    ],
)
def test_which_ids_are_no_difference(one: Any, other: Any, equal: bool) -> None:
    assert (with_numbered_links(one) == with_numbered_links(other)) is equal
