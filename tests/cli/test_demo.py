"""``wirecache demo``, as a person runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess

from tests.programs import ran
from tests.provider import Answer, Provider


def _demo(**extra: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return ran("-m", "wirecache", "demo", env={**environment, **extra})


def test_it_shows_hits_a_stream_and_an_offline_answer() -> None:
    done = _demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a stand-in model" in done.stdout
    assert "0.8 s a call" in done.stdout
    assert done.stderr == ""  # the refusal that the table shows is no failure
    for shown in ("miss, stored", "hit", "bypass (stream)", "provider stopped, the first prompt", "refused (424)"):
        assert shown in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Every call went as expected.")


def test_it_asks_the_provider_of_the_environment(provider: Provider) -> None:
    done = _demo(OPENAI_BASE_URL=f"{provider.url}/v1", OPENAI_API_KEY="sk-example")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stand-in" not in done.stdout
    assert provider.calls == 3  # two prompts and the stream
    assert provider.requests[0].header("authorization") == "Bearer sk-example"


def test_it_fails_if_what_it_shows_is_not_so(provider: Provider) -> None:
    def filtered(request: object) -> Answer:
        choice = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": ""}}
        return Answer.of({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})

    provider.script = filtered
    done = _demo(OPENAI_BASE_URL=f"{provider.url}/v1", OPENAI_API_KEY="sk-example")
    assert done.returncode == 1
    assert "expected 'miss, stored'" in done.stdout
