"""``wirecache run``: a program with no line changed, and its children, have the cache, and run as under plain Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import line_of, ran, started
from tests.provider import CHAT, Answer, Provider

CALLS = """
import asyncio, os, sys
import anthropic, groq, openai
url, chat = sys.argv[1], dict(model="m", messages=[dict(role="user", content="hi")])
openai_client = openai.OpenAI(api_key="k", base_url=url + "/v1")
groq_client = groq.Groq(api_key="k", base_url=url)
anthropic_client = anthropic.Anthropic(api_key="k", base_url=url)
async def main():
    async with openai.AsyncOpenAI(api_key="k", base_url=url + "/v1") as client:
        return await client.chat.completions.create(**chat)
for _ in range(2):
    print(openai_client.chat.completions.create(**chat).choices[0].message.content)
    print(groq_client.chat.completions.create(**chat).choices[0].message.content)
    print(anthropic_client.messages.create(max_tokens=9, **chat).content[0].text)
    print(asyncio.run(main()).choices[0].message.content)
"""
ASK = """
import sys, httpx
response = httpx.post(sys.argv[-1] + "/v1/embeddings", json={"model": "m", "input": "hi"})
print(response.status_code, response.headers.get("cache-status"))
"""
REPEAT = """
import os, subprocess, sys, httpx
for _ in range(3):
    answer = httpx.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json={"model": "m", "messages": []})
    print(answer.json()["id"], flush=True)
if sys.argv[1] == "here":
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""
PLACE = """
import json, sys
print(json.dumps([sys.argv, sys.path, __name__, __file__, __spec__ and __spec__.name, sys.flags.optimize, sys.warnoptions]))
"""


def run(*arguments: object, cwd: Path, **environment: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``wirecache run`` with these arguments. The program is a new interpreter."""
    done = ran("-m", "wirecache", "run", *arguments, cwd=cwd, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


def plain(*arguments: object, cwd: Path, **environment: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of plain Python with these arguments."""
    command, env = [sys.executable, *map(str, arguments)], {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=200, check=False, input="")
    return done.returncode, done.stdout, done.stderr


# -- what it is for ---------------------------------------------------------------------------------------------------


def test_a_program_of_three_sdks_asks_once_and_its_next_run_not_at_all(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(CALLS)
    for _ in range(2):
        code, out, error = run("program.py", provider.url, cwd=tmp_path)
        assert (code, out, error) == (0, "hi\n" * 8, "")
        assert provider.calls == 3


def test_the_options_are_the_caches(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    (tmp_path / "elsewhere").mkdir()
    assert "fwd=miss; stored" in run("--store", "mine", "--ttl", "1h", "ask.py", provider.url, cwd=tmp_path)[1]
    assert (tmp_path / "mine").is_dir()
    offline = ("--store=mine", "--mode", "OFFLINE")
    assert "200 wirecache; hit; ttl=3" in run(*offline, "--ttl=1h", "ask.py", provider.url, cwd=tmp_path)[1]
    assert run("--store=mine", "--mode=OFFLINE", "--namespace=other", "ask.py", provider.url, cwd=tmp_path)[1].startswith(
        "424 wirecache; fwd=miss"
    )
    assert provider.calls == 1


def test_the_variables_are_heeded_where_no_option_is_given(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    assert run("ask.py", provider.url, cwd=tmp_path, WIRECACHE_MODE="offline")[1].startswith("424 ")
    assert run("--mode", "auto", "ask.py", provider.url, cwd=tmp_path, WIRECACHE_MODE="offline")[1].startswith("200 ")


@pytest.mark.parametrize("proxy", [False, True])
def test_repetitions_are_samples_for_the_life_of_the_program(proxy: bool, provider: Provider, tmp_path: Path) -> None:
    provider.script = lambda _: Answer.of({**CHAT, "id": f"answer-{provider.calls}"})
    (tmp_path / "repeat.py").write_text(REPEAT)
    options = ("--samples", "--store", "kept", *(["--proxy"] if proxy else []))
    for _ in range(2):
        code, out, error = run(*options, "repeat.py", "here", cwd=tmp_path, OPENAI_BASE_URL=f"{provider.url}/v1")
        assert code == 0, error
        numbers = [1, 2, 3, 4, 5, 6] if proxy else [1, 2, 3, 1, 2, 3]
        assert out.split() == [f"answer-{number}" for number in numbers], "without a proxy each process counts for itself"
    assert provider.calls == max(numbers)


# -- as under plain Python --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["place.py", "-x", "--mode", "a b", "--", "-m"], id="script"),
        pytest.param(["folder/place.py"], id="script elsewhere"),
        pytest.param(["-m", "place", "--help"], id="module"),
        pytest.param(["-m", "package", "-m"], id="package"),
        pytest.param(["folder"], id="folder with a main"),
    ],
)
def test_the_program_finds_itself_where_plain_python_puts_it(arguments: list[str], tmp_path: Path) -> None:
    for place in ("place.py", "folder/place.py", "folder/__main__.py", "package/__main__.py", "package/__init__.py"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(PLACE if "__init__" not in place else "")
    expected = plain(*arguments, cwd=tmp_path)
    assert expected[0] == 0, expected
    assert run(*arguments, cwd=tmp_path) == expected


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("raise ValueError('no')", id="traceback"),
        pytest.param("def f():\n    1 / 0\nf()", id="traceback of two lines"),
        pytest.param("import sys; sys.exit(7)", id="status"),
        pytest.param("import sys; sys.exit('a text')", id="text"),
        pytest.param("import os; os._exit(3)", id="hard exit"),
        pytest.param("raise KeyboardInterrupt", id="interrupt"),
        pytest.param("x = (", id="syntax error"),
        pytest.param("import atexit; atexit.register(print, 'bye'); print('hello')", id="atexit"),
        pytest.param("import sys; print(sys.stdin.read() == '')", id="standard input"),
        pytest.param(
            "import httpx, wirecache; wirecache.uninstall(); print(httpx.Client._transport_for_url.__qualname__)", id="uninstalled"
        ),
    ],
)
def test_it_ends_as_under_plain_python(program: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(program)
    assert run("program.py", cwd=tmp_path) == plain("program.py", cwd=tmp_path)


def test_a_script_that_is_not_there_is_pythons_own_error(tmp_path: Path) -> None:
    code, out, error = run("nothing.py", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert error.endswith(f"can't open file '{tmp_path / 'nothing.py'}': [Errno 2] No such file or directory\n")


def test_flags_of_python_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "place.py").write_text(PLACE)
    code, out, _ = plain("-O", "-W", "error::FutureWarning", "-m", "wirecache", "run", "place.py", cwd=tmp_path)
    assert (code, json.loads(out)[-2:]) == (0, [1, ["error::FutureWarning"]])


def test_a_signal_reaches_the_program(tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text("import signal; print('ready', flush=True); signal.pause()")
    with started("-m", "wirecache", "run", "wait.py", cwd=tmp_path) as process:
        assert line_of(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(50) == -signal.SIGTERM


def test_a_sitecustomize_that_is_there_already_is_imported(provider: Provider, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import builtins; builtins.customized = __file__")
    (tmp_path / "ask.py").write_text(ASK + "print(customized, sys.modules['sitecustomize'].__file__)")
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    out = run("ask.py", provider.url, cwd=tmp_path, PYTHONPATH=path)[1]
    assert "fwd=miss; stored" in out
    assert out.endswith(f"{site / 'sitecustomize.py'} {site / 'sitecustomize.py'}\n")


def test_a_python_that_needs_no_http_library_loads_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; print([name for name in sys.modules if name.startswith('wirecache')])")
    assert run("program.py", cwd=tmp_path) == (0, "[]\n", "")


# -- commands and children ----------------------------------------------------------------------------------------------


A_TEST = """
import os, httpx
def test_it():
    assert "hit" in httpx.post(os.environ["URL"] + "/v1/embeddings", json={}).headers["cache-status"]
"""


def test_a_command_of_this_environment_and_a_module(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(A_TEST)
    options = ("-q", "-p", "no:cacheprovider", "test_it.py")
    assert run("pytest", *options, cwd=tmp_path, URL=provider.url)[0] == 1  # the first call is no hit
    assert run("pytest", *options, cwd=tmp_path, URL=provider.url)[0] == 0
    assert run("-m", "pytest", "-n1", *options, cwd=tmp_path, URL=provider.url)[0] == 0
    assert provider.calls == 1


CHILDREN = """
import multiprocessing, os, subprocess, sys
import httpx
def ask(url):
    headers = httpx.post(url + "/v1/embeddings", json={"model": "m", "input": "hi"}).headers
    return headers.get("cache-status", "none; none;").split(";")[1].strip()
if __name__ == "__main__":
    url = sys.argv[1]
    print(ask(url))
    for way in ("spawn", "fork", "forkserver"):
        with multiprocessing.get_context(way).Pool(1) as pool:
            print(pool.apply(ask, (url,)))
    program = "import sys, program; print(program.ask(sys.argv[1]))"
    for off in ({}, {"WIRECACHE_INSTALL": "0"}):
        subprocess.run([sys.executable, "-c", program, url], check=True, env={**os.environ, **off})
"""


def test_children_have_the_cache_too_unless_it_is_switched_off(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(CHILDREN)
    code, out, error = run("program.py", provider.url, cwd=tmp_path, PYTHONUNBUFFERED="1")
    assert (code, error) == (0, "")
    assert out.split() == ["fwd=miss", "hit", "hit", "hit", "hit", "none"]
    assert provider.calls == 2


OTHER_PYTHON = """
import os, subprocess, sys
child = "import sys; sys.path.insert(0, sys.argv[1]); import sitecustomize, httpx"
folder = os.environ.pop("PYTHONPATH").split(os.pathsep)[0]
subprocess.run([sys.executable, "-S", "-c", child, folder], check=True)
"""


def test_a_child_whose_python_has_no_wirecache_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text("print('another httpx')")
    (tmp_path / "program.py").write_text(OTHER_PYTHON)
    code, out, error = run("program.py", cwd=tmp_path)
    assert (code, out) == (0, "another httpx\n")
    assert "not installed for this Python" in error


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "Missing argument", id="no program"),
        pytest.param(["-m"], "Missing argument", id="no module"),
        pytest.param(["--mode", "sometimes", "x.py"], "not one of 'auto', 'offline', 'refresh', 'off'", id="mode"),
        pytest.param(["--ttl", "soon", "x.py"], "WIRECACHE_TTL must be seconds, ", id="ttl"),
        pytest.param(["--no-such-option", "x.py"], "No such option", id="option"),
    ],
)
def test_a_usage_error(arguments: list[str], message: str, tmp_path: Path) -> None:
    code, out, error = run(*arguments, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert message in " ".join(error.split())


def test_help_says_how_to_use_it(tmp_path: Path) -> None:
    code, out, _ = run("--help", cwd=tmp_path)
    assert code == 0
    for word in ("script.py", "-m module", "pytest", "--mode", "--store", "--ttl", "--namespace", "WIRECACHE_INSTALL=0"):
        assert word in " ".join(out.split())


# -- a cassette -------------------------------------------------------------------------------------------------------


def test_a_cassette_in_place_of_a_store(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    arguments = ["--cassette", "tape", "--record", "once", "ask.py", provider.url]
    code, out, _ = run(*arguments, cwd=tmp_path)
    assert (code, out.split()[0], provider.calls) == (0, "200", 1)
    assert len(list((tmp_path / "tape").glob("embeddings-*.json"))) == 1
    code, out, _ = run("--cassette", "tape", "ask.py", provider.url, cwd=tmp_path)
    assert (code, out.split()[:3], provider.calls) == (0, ["200", "wirecache;", "hit;"], 1)
    code, out, error = run("--cassette", "empty", "ask.py", provider.url, cwd=tmp_path)
    assert (out.split()[0], provider.calls) == ("424", 1)
    assert "has no recording of POST" in error


ASK_THRICE = """
import subprocess, sys, httpx
for text in sys.argv[2:]:
    response = httpx.post(sys.argv[1] + "/v1/embeddings", json={"model": "m", "input": text})
    print(response.headers["cache-status"].split("; ")[1], flush=True)
if len(sys.argv) > 3:  # another process of the program writes to the same child
    subprocess.run([sys.executable, __file__, sys.argv[1], "child"], check=True)
"""


def test_a_fork_is_one_cassette_of_all_processes(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK_THRICE)
    run("--cassette", "tape", "--record", "new_episodes", "ask.py", provider.url, "a", "b", "c", cwd=tmp_path)
    assert provider.calls == 4
    arguments = ["--cassette", "tape", "--record", "fork", "--from", "3"]
    code, out, error = run(*arguments, "ask.py", provider.url, "a", "b", "c", cwd=tmp_path)
    assert (code, out.split(), provider.calls) == (0, ["hit", "hit", "fwd=miss", "hit"], 5)
    assert error == f"wirecache: the run is written to {tmp_path / 'tape-fork'}\n"
    code, out, _ = run("--cassette", "tape-fork", "ask.py", provider.url, "a", "b", "c", cwd=tmp_path)
    assert (code, out.split(), provider.calls) == (0, ["hit"] * 4, 5)
    code, out, error = run(*arguments[:4], "--child", "other", "ask.py", provider.url, "a", "x", "c", cwd=tmp_path)
    assert (code, out.split(), provider.calls) == (0, ["hit", "fwd=miss", "fwd=miss", "hit"], 7)
    assert json.loads((tmp_path / "other" / "fork.json").read_text())["parent"] == "../tape"
    code, _, error = run(*arguments[:4], "--child", "other", "ask.py", provider.url, "a", cwd=tmp_path)
    assert (code, provider.calls) == (2, 7)
    assert "child must be a directory without recordings" in error


@pytest.mark.parametrize("more", [["--from", "2"], ["--child", "x"], ["--record", "once", "--from", "2"], ["--proxy", "--from", "2"]])
def test_options_of_a_fork_without_one(tmp_path: Path, more: list[str]) -> None:
    code, _, error = run("--cassette", "tape", *more, "ask.py", cwd=tmp_path)
    assert code == 2
    assert "--from and --child need --record fork" in error


def test_a_recording_that_cannot_be_read_is_named_at_the_end(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    run("--cassette", "tape\x1b\u202e", "--record", "once", "ask.py", provider.url, cwd=tmp_path)
    (path,) = (tmp_path / "tape\x1b\u202e").glob("embeddings-*.json")
    path.write_text("{")
    _, out, error = run("--cassette", "tape\x1b\u202e", "ask.py", provider.url, cwd=tmp_path)
    assert out.split()[0] == "424"
    assert error.splitlines()[-1].startswith("wirecache: /")
    assert "is not valid JSON" in error.splitlines()[-1]
    assert not {"\x1b", "\u202e"} & set(error.splitlines()[-1])
    assert "Traceback" not in error


def test_a_cassette_and_a_store(tmp_path: Path) -> None:
    code, _, error = run("--cassette", "tape", "--store", "store", "ask.py", cwd=tmp_path)
    assert code == 2
    assert "choose one" in error
