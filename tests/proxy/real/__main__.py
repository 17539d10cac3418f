"""Real clients and coding agents over ``wirecache run --proxy``: recorded once, replayed when the provider is gone.

``make clients`` runs this and writes ``clients.md`` beside it. What is not installed is in the table as such.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from tests.provider_events import SSE, STREAMS

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NODE = Path(os.environ.get("WIRECACHE_CLIENTS", ROOT / ".clients"))
MODULES, COMMANDS = NODE / "node_modules", NODE / "node_modules" / ".bin"
CURL = """curl -sN "$OPENAI_BASE_URL/chat/completions" -H 'content-type: application/json' -d '{"model":"m","messages":[],"stream":true}'"""
PROMPT = "Say hello."
TASK, MADE = "Write a file.", "made.txt"
PROMPTFOO = NODE / "promptfoo" / "node_modules"  # its optional packages would be 1.2 GB
AIDER = str(NODE / "aider" / "bin" / "aider")
AIDER_OPTIONS = (
    "--model",
    "openai/gpt-4o-mini",
    "--no-git",
    "--yes-always",
    "--no-check-update",
    "--analytics-disable",
    "--no-fancy-input",
)


class Client(NamedTuple):
    """A program that is run, and where its version is written: an npm package, or a command that prints it.

    ``makes``: the file that it makes in the directory in which it works, which is another one in each run.
    """

    name: str
    command: tuple[str, ...]
    version: str
    makes: str = ""


CLIENTS = (
    Client("openai for Node (chat, chat stream, Responses stream)", ("node", "openai.mjs"), "openai"),
    Client("@anthropic-ai/sdk (messages, stream)", ("node", "anthropic.mjs"), "@anthropic-ai/sdk"),
    Client("@google/genai (generateContent, stream)", ("node", "genai.mjs"), "@google/genai"),
    Client("Vercel AI SDK: ai with @ai-sdk/openai (text, stream)", ("node", "ai.mjs"), "ai"),
    Client("curl (stream)", ("sh", "-c", CURL), "curl"),
    Client("requests for Python (call, stream)", (sys.executable, str(HERE / "plain.py"), "requests"), "requests"),
    Client("aiohttp for Python (call, stream)", (sys.executable, str(HERE / "plain.py"), "aiohttp"), "aiohttp"),
    Client("Go's net/http (call, stream)", ("go", "run", str(HERE / "plain.go")), "go"),
    Client("Java's java.net.http (call, stream)", ("java", str(HERE / "Plain.java")), "java"),
    Client("promptfoo (eval --repeat 3)", ("node", "promptfoo.mjs", str(PROMPTFOO / ".bin" / "promptfoo")), "promptfoo"),
    Client("aider (aider --message)", (AIDER, *AIDER_OPTIONS, "--message", PROMPT), "aider"),
    Client(
        "Claude Code (claude -p)", (str(COMMANDS / "claude"), "-p", PROMPT, "--model", "claude-sonnet-4-5"), "@anthropic-ai/claude-code"
    ),
    Client(
        "Claude Code (writes a file by a tool, in a directory of its own in each run)",
        (str(COMMANDS / "claude"), "-p", TASK, "--model", "claude-sonnet-4-5", "--allowedTools", "Write"),
        "@anthropic-ai/claude-code",
        MADE,
    ),
    Client("Codex (codex exec)", (str(COMMANDS / "codex"), "exec", "--skip-git-repo-check", PROMPT), "@openai/codex"),
    Client("Gemini CLI (gemini -p)", (str(COMMANDS / "gemini"), "-p", PROMPT, "-m", "gemini-2.5-flash"), "@google/gemini-cli"),
    Client("opencode (opencode run)", (str(COMMANDS / "opencode"), "run", "-m", "openai/gpt-4o-mini", PROMPT), "opencode-ai"),
)
PRINTED = {"curl": ("--version",), "go": ("version",), "java": ("-version",), "aider": ("--version",)}  # how programs print their versions
STREAMED = {
    "/messages": STREAMS["anthropic"],
    "/responses": STREAMS["openai-responses"],
    "/chat/completions": STREAMS["openai-chat"],
    ":streamGenerateContent": STREAMS["gemini"],
}
GEMINI_SETTINGS = {"security": {"auth": {"selectedType": "gemini-api-key"}}}


def tool_call(directory: str) -> list[bytes]:
    """Return the stream in which Anthropic's model calls the tool that writes a file in the directory, whose name comes in pieces."""
    name = json.dumps(f"{directory}/{MADE}")
    pieces = ('{"file_path": ', name[:9], name[9:12], name[12:], ', "content": "hello"}')
    usage = {"input_tokens": 5, "output_tokens": 5}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "usage": usage}
    block = {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    events.append({"type": "content_block_start", "index": 0, "content_block": block})
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage}
    events += [{"type": "content_block_stop", "index": 0}, end, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


draws = count(1)


def answer(request: ReceivedRequest) -> Answer | None:
    """Answer streams as the providers do, and each draw of an evaluation differently; all else is the provider's default."""
    path = request.path.partition("?")[0]
    if b'"Draw ' in request.body:
        message = {"role": "assistant", "content": f"answer {next(draws)}"}
        return Answer.of({**CHAT, "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})
    working = re.search(rb"Primary working directory: ([^\\]+)", request.body)
    if working and TASK.encode() in request.body and b'"tool_result"' not in request.body:
        return Answer(200, {"content-type": SSE}, tool_call(working[1].decode()))
    if b'"stream":true' in request.body.replace(b" ", b"") or path.endswith(":streamGenerateContent"):
        stream = next((stream for end, stream in STREAMED.items() if path.endswith(end)), None)
        return stream and Answer(200, {"content-type": stream.kind}, stream.events)
    return None


def run(client: Client, provider: str, cassette: Path, record: str) -> tuple[bool, str]:
    """Run the client over the proxy, in a home and a directory of its own. Return whether it worked, and what it printed."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as work:
        (Path(home) / ".gemini").mkdir()
        (Path(home) / ".gemini/settings.json").write_text(json.dumps(GEMINI_SETTINGS))
        for script in HERE.glob("*.mjs"):
            shutil.copy(script, work)
        if MODULES.exists():
            (Path(work) / "node_modules").symlink_to(MODULES)
        keys = dict.fromkeys(("OPENAI_API_KEY", "CODEX_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"), "sk-none")
        given = {"OPENAI_BASE_URL": f"{provider}/v1", "ANTHROPIC_BASE_URL": provider, "GOOGLE_GEMINI_BASE_URL": provider}
        quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "GEMINI_CLI_TRUST_WORKSPACE": "true", "TERM": "dumb", "HOME": home}
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), **keys, **given, **quiet}
        options = ("--cassette", str(cassette), "--record", record, "--normalize", "coding-agent")
        command = [sys.executable, "-m", "wirecache", "run", "--proxy", *options, "--", *client.command]
        pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run(command, cwd=work, env=environment, timeout=120, check=False, **pipes)  # type: ignore[call-overload]
        except subprocess.TimeoutExpired:
            return False, "timeout"
        worked = done.returncode == 0 and bool(done.stdout.strip()) and (not client.makes or (Path(work) / client.makes).exists())
        if not worked:
            print(f"{client.name}, record {record}: exit status {done.returncode}\n{done.stdout}{done.stderr}", file=sys.stderr)
        return worked, re.sub(r"0x[0-9a-f]{8,}", "0x...", done.stdout)  # aider prints objects, where it finds no network


def version_of(client: Client) -> str | None:
    """Return the client's version, or None if it is not installed."""
    places = (modules / client.version / "package.json" for modules in (MODULES, PROMPTFOO))
    package = next((place for place in places if place.exists()), None)
    if package is not None:
        return str(json.loads(package.read_text())["version"])
    if (words := PRINTED.get(client.version)) is not None:
        program = AIDER if client.version == "aider" else client.version
        if shutil.which(program) is None:
            return None
        printed = subprocess.run([program, *words], capture_output=True, text=True, check=True)
        found = re.search(r"\d+(\.\d+)+", printed.stdout or printed.stderr)
        return found[0] if found else None
    probe = f"import {client.version} as p; print(p.__version__)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def row_of(client: Client) -> str:
    """Record the client, stop the provider, replay it, and return its row of the table."""
    if (version := version_of(client)) is None:
        return f"| {client.name} | not installed | | |"
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider()
        provider.script = answer
        try:
            recorded, first = run(client, provider.url, Path(folder) / "tape", "once")
            calls = provider.calls
        finally:
            provider.close()
        replayed, second = run(client, provider.url, Path(folder) / "tape", "none")
    same = "the same output" if first == second else "another output"
    return f"| {client.name} | {version} | {'yes' if recorded else 'NO'}, {calls} calls | {'yes' if replayed else 'NO'}, {same} |"


def main() -> None:
    """Write the table, and fail if a client failed."""
    rows = [row_of(client) for client in CLIENTS]
    head = "| client | version | recorded | replayed without the provider |\n|---|---|---|---|\n"
    text = "# Which clients were run over the proxy?\n\nWritten by `make clients`.\n\n" + head + "\n".join(rows) + "\n"
    (HERE / "clients.md").write_text(text)
    print(text)
    sys.exit("NO" in text or "another output" in text)


if __name__ == "__main__":
    main()
