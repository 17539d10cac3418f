from __future__ import annotations

from datetime import timedelta

import pytest

from wirecache._core.messages import Request
from wirecache._core.rules.rules import Rule, rule_for_model, rules_for
from wirecache._core.unset import UNSET

CHAT_REQUEST = Request("POST", "https", "api.openai.com", None, b"/v1/chat/completions", b"", {})


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        pytest.param(Rule(), True, id="anything"),
        pytest.param(Rule(method="GET"), False, id="another method"),
        pytest.param(Rule(method="*"), True, id="any method"),
        pytest.param(Rule(host="*.openai.com"), True, id="host"),
        pytest.param(Rule(host="*.OpenAI.com"), True, id="host in capitals"),
        pytest.param(Rule(host="openai.com"), False, id="host is matched whole"),
        pytest.param(Rule(path="*/chat/completions"), True, id="path"),
        pytest.param(Rule(path="/v1/chat"), False, id="path is matched whole"),
        pytest.param(Rule(path="/v1/chat/?ompletions"), True, id="one character"),
        pytest.param(Rule(path="/V1/*"), False, id="paths are case-sensitive"),
    ],
)
def test_method_host_and_path(rule: Rule, matches: bool) -> None:
    assert rules_for([rule], CHAT_REQUEST) == ([rule] if matches else [])


def test_the_first_that_matches_the_model_decides() -> None:
    rules = [Rule(model="gpt-4*", ttl=1), Rule(model="gpt-*", ttl=2), Rule(ttl=3)]
    assert rule_for_model(rules, "gpt-4o") is rules[0]
    assert rule_for_model(rules, "gpt-5") is rules[1]
    assert rule_for_model(rules, None) is rules[2]
    assert rule_for_model(rules[:2], None) is None


def test_a_ttl_is_seconds_once_it_is_a_rule() -> None:
    assert Rule(ttl="1h").ttl == 3600
    assert Rule(ttl=None).ttl is None
    assert Rule().ttl is UNSET
    assert Rule(ttl=0).ttl == 0
    with pytest.raises(ValueError, match=r"ttl must be seconds, .*, got 'soon'"):
        Rule(ttl="soon")


def test_only_a_rule_that_names_a_path_includes_one() -> None:
    assert Rule(path="/v1/search").opens
    assert not Rule(model="gpt-4o").opens
    assert not Rule(path="/v1/search", cache=False).opens


def test_the_seconds_of_a_rule() -> None:
    assert [Rule(ttl=ttl).ttl_seconds for ttl in ("1h", timedelta(minutes=1), 5, None, UNSET)] == [3600.0, 60.0, 5, None, UNSET]


def test_a_request_without_a_model_has_the_empty_one() -> None:
    assert rule_for_model([Rule(model="?*")], None) is None
