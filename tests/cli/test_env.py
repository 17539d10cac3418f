"""``wirecache env``: what to set, for which program and shell."""

from __future__ import annotations

import os
import subprocess
import tomllib

import pytest

from tests.cli.command import wirecache
from wirecache._proxy.programs import PROGRAMS, VARIABLES, child_environment
from wirecache._proxy.upstreams import PROVIDERS

URL = "http://127.0.0.1:4141"


@pytest.mark.parametrize("program", [None, *PROGRAMS])
def test_a_shell_can_run_what_it_prints(program: str | None) -> None:
    done = wirecache("env", *([program] if program else []), "--url", "http://localhost:1/")
    assert done.code == 0
    shell = subprocess.run(["sh", "-ec", done.out + "\nenv"], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    chosen = PROGRAMS[program].variables if program else [variable.name for variable in VARIABLES]
    for name in chosen:
        assert f"{name}=http://localhost:1/" in shell.stdout


def test_each_program_has_what_it_honours() -> None:
    assert wirecache("env", "claude").out == f"export ANTHROPIC_BASE_URL={URL}/anthropic\nexport ENABLE_TOOL_SEARCH=true\n"
    codex = wirecache("env", "codex")
    assert codex.out == f"""# codex -c 'openai_base_url="{URL}/openai/v1"'\n"""
    assert "A ChatGPT login cannot be redirected" in codex.error
    assert tomllib.loads(wirecache("env", "codex", "--toml").out) == {"openai_base_url": f"{URL}/openai/v1"}
    assert tomllib.loads(wirecache("env", "aider", "--toml").out)["OPENAI_API_BASE"] == f"{URL}/openai/v1"
    assert wirecache("env", "goose", "--powershell").out.splitlines()[0] == f"$env:OPENAI_HOST = '{URL}/openai'"


@pytest.mark.parametrize("arguments", [["nobody"], ["--toml", "--powershell"]])
def test_usage_errors(arguments: list[str]) -> None:
    assert wirecache("env", *arguments).code == 2


def test_every_variable_leads_to_an_upstream_there_is() -> None:
    assert {variable.upstream for variable in VARIABLES} <= PROVIDERS.keys()
    assert {name for program in PROGRAMS.values() for name in program.variables} <= {variable.name for variable in VARIABLES}


def test_a_child_gets_every_variable() -> None:
    found = child_environment(URL, {})
    assert found.variables == {variable.name: f"{URL}/{variable.upstream}{variable.path}" for variable in VARIABLES}
    assert found.upstreams == {}


@pytest.mark.parametrize(
    ("given", "upstream", "expected"),
    [
        ({"OPENAI_BASE_URL": "http://lab:8000/v1"}, "http://lab:8000", {"OPENAI_BASE_URL": "/openai/v1", "OPENAI_API_BASE": "/openai/v1"}),
        ({"OPENAI_BASE_URL": "http://lab:8000/v1/"}, "http://lab:8000", {"OPENAI_BASE_URL": "/openai/v1"}),
        ({"OPENAI_BASE_URL": "https://gw/llm/v1"}, "https://gw/llm", {"OPENAI_BASE_URL": "/openai/v1"}),
        ({"OPENAI_BASE_URL": "https://gw/llm"}, "https://gw/llm", {"OPENAI_BASE_URL": "/openai"}),
        ({"OPENAI_API_BASE": "http://lab:8000/v1"}, "http://lab:8000", {"OPENAI_BASE_URL": "/openai/v1", "OPENAI_API_BASE": "/openai/v1"}),
        ({"OPENAI_BASE_URL": "https://api.openai.com/v1"}, None, {"OPENAI_BASE_URL": "/openai/v1"}),
    ],
)
def test_a_base_url_that_is_set_becomes_the_upstream(given: dict[str, str], upstream: str | None, expected: dict[str, str]) -> None:
    found = child_environment(URL, given)
    assert [one.url for one in found.upstreams.values()] == ([upstream] if upstream else [])
    assert {name: found.variables[name] for name in expected} == {name: URL + path for name, path in expected.items()}


def test_two_servers_of_one_provider() -> None:
    given = {
        "OPENAI_BASE_URL": "http://a/v1",
        "OPENAI_API_BASE": "http://b/v1",
        "OLLAMA_HOST": "0.0.0.0:11434",
        "GROQ_BASE_URL": "rubbish://",
    }
    found = child_environment(URL, given)
    assert {name: upstream.url for name, upstream in found.upstreams.items()} == {
        "openai": "http://a", "openai-2": "http://b", "ollama": "http://0.0.0.0:11434",
    }  # fmt: skip
    assert found.variables["OPENAI_API_BASE"] == f"{URL}/openai-2/v1"
    assert "GROQ_BASE_URL" not in found.variables
