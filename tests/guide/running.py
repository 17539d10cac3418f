"""Runs the Python blocks of the documents as they stand, each in a new process, against a provider on loopback."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

from tests.embedder import Embedder
from tests.guide.documents import Block
from tests.programs import ran
from tests.provider import CHAT, Answer, Provider, ReceivedRequest

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")
# What blocks import is imported in the process that they are forked from; of wirecache nothing is.
SDKS = (
    "anthropic.resources.messages", "google.genai.types", "groq.resources.chat", "openai.resources.chat", "openai.resources.responses",
    "hishel", "httpx", "httpx2", "pydantic.main", "pytest", "trio",
)  # fmt: skip
# A file of tests is recorded, then replayed.
FILE_NAME = re.compile(r"# ([\w./-]+\.py)\n")  # the first line of a block that is a file


def environment(provider: Provider, folder: Path) -> dict[str, str]:
    """Return variables that point the SDKs to the provider. Mistral's SDK has none; see ``_with_server_url``."""
    return {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name != "PYTEST_ADDOPTS"},
        **dict.fromkeys(KEYS, "sk-example"),
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "OPENAI_API_BASE": f"{provider.url}/v1",
        "ANTHROPIC_BASE_URL": provider.url,
        "GROQ_BASE_URL": provider.url,
        "GOOGLE_GEMINI_BASE_URL": provider.url,
        "WIRECACHE_DIR": str(folder / "store"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch its prices
    }


def run_block(block: Block, provider: Provider, folder: Path) -> None:
    """Run a block, and check that it succeeds and that no call is repeated upstream; a file of tests is recorded, then replayed."""
    name = FILE_NAME.match(block.text)
    if name and "def test_" in block.text:
        file = folder / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
        provider.script = partial(_chat, "Paris is the capital of France.")
        _run(["-m", "pytest", "-p", "no:cacheprovider", "--wirecache-record=once", str(file)], provider, folder)
        provider.requests.clear()
        _run(["-m", "pytest", "-p", "no:cacheprovider", "--wirecache-unused=fail", str(file)], provider, folder)
        assert provider.requests == [], "a replay sent something"
        return
    if 'embeddings="items"' in block.text:
        provider.script = Embedder()
    if "instructor" in block.text:
        provider.script = partial(_chat, '{"name": "Aare"}')
    _run(["-c", block.text.replace("Mistral(\n", f"Mistral(\n    server_url={provider.url!r},\n")], provider, folder)
    posts = [request.json for request in provider.requests if request.method == "POST"]
    if not any(word in block.text for word in ("sample", "namespace", '"fork"')):  # these send equal requests on purpose
        assert len(posts) == len({str(post) for post in posts}), "a repeated call went upstream"


def _chat(content: str, request: ReceivedRequest) -> Answer | None:
    """Answer a chat with this content, and everything else as ever."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return Answer.of({**CHAT, "choices": [choice]}) if request.path.endswith("/chat/completions") else None


def _run(arguments: list[str], provider: Provider, folder: Path) -> None:
    done = ran(*arguments, env=environment(provider, folder), cwd=folder, imports=SDKS)
    assert done.returncode == 0, done.stdout + done.stderr
